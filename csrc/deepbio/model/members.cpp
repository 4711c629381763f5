#include "deepbio/model/members.h"

#include <ATen/ATen.h>

#include "deepbio/base/error.h"
#include "deepbio/model/known_asvs.h"

namespace deepbio::model {

namespace functional {

at::Tensor member_nets(const at::Tensor& x, const MemberWeights& w, const MemberDropout& dropout) {
  // Each member drops inputs of its own.
  at::Tensor seen = x.unsqueeze(0).expand_symint({w.weight.sym_size(0), -1, -1});
  if (dropout.training && dropout.input > 0) seen = at::dropout(seen, dropout.input, true);
  // [E, B, H]: one batched product for all members, in place of a loop over small ones.
  const at::Tensor inner = at::baddbmm(w.bias.unsqueeze(1), seen, w.weight);
  // Without weights: layer_norm takes one set of them, and each member has its own.
  const at::Tensor normed = at::layer_norm(inner, {w.norm_weight.size(-1)});
  at::Tensor hidden = at::gelu(normed * w.norm_weight.unsqueeze(1) + w.norm_bias.unsqueeze(1));
  if (dropout.training && dropout.hidden > 0) hidden = at::dropout(hidden, dropout.hidden, true);
  return at::baddbmm(w.head_bias.unsqueeze(1), hidden, w.head_weight);
}

}  // namespace functional

MemberNetsImpl::MemberNetsImpl(const Size& size) : size_(size) {
  const int64_t members = size.members, inputs = size.inputs + size.categories;
  weights_.weight = register_parameter("weight", at::empty({members, inputs, size.hidden}));
  weights_.bias = register_parameter("bias", at::empty({members, size.hidden}));
  weights_.norm_weight = register_parameter("norm_weight", at::empty({members, size.hidden}));
  weights_.norm_bias = register_parameter("norm_bias", at::empty({members, size.hidden}));
  weights_.head_weight =
      register_parameter("head_weight", at::empty({members, size.hidden, size.outputs}));
  weights_.head_bias = register_parameter("head_bias", at::empty({members, size.outputs}));
  // Buffers: they are fitted to the training data (train/start) and saved, but not learned.
  shift_ = register_buffer("shift", at::zeros({size.inputs}));
  scale_ = register_buffer("scale", at::ones({size.inputs}));
}

torch::Tensor MemberNetsImpl::forward(const torch::Tensor& x, const torch::Tensor& categories) {
  torch::Tensor inputs = (x - shift_) * scale_;
  if (size_.categories > 0) {
    // Covariates that are not given are unknown, whose embedding is zero.
    const torch::Tensor known =
        categories.defined() ? categories : at::zeros({size_.categories}, x.options());
    inputs = at::cat({inputs, known.expand_symint({x.sym_size(0), size_.categories})}, 1);
  }
  return functional::member_nets(inputs, weights_,
                                 {size_.input_dropout, size_.dropout, is_training()});
}

void MemberNetsImpl::start_at(const torch::Tensor& bias) {
  // The members still differ: their first layers do, and the head learns from those.
  weights_.head_weight.zero_();
  weights_.head_bias.copy_(bias.expand_as(weights_.head_bias));
}

void MemberNetsImpl::set_standard(const torch::Tensor& shift, const torch::Tensor& scale) {
  shift_.copy_(shift);
  scale_.copy_(scale);
}

KnownAsvsImpl::KnownAsvsImpl(int64_t num_known, int64_t max_bp) {
  keys_ = register_buffer("keys", functional::asv_keys(max_bp + 1));
  // Numbers that no sequence has, until train/start writes the real ones.
  identities_ = register_buffer("identities", at::arange(num_known, at::kLong));
}

torch::Tensor KnownAsvsImpl::identity_of(const torch::Tensor& asv_tokens) const {
  if (asv_tokens.dim() != 2 || asv_tokens.size(1) > keys_.size(0)) {
    throw ShapeError("asv_tokens: expected [U, L] with L at most max_bp + 1 = " +
                     std::to_string(keys_.size(0)) + ", got " + c10::str(asv_tokens.sizes()));
  }
  return functional::asv_identity(asv_tokens, keys_);
}

torch::Tensor KnownAsvsImpl::columns_of(const torch::Tensor& identity) const {
  return functional::known_columns(identity, identities_);
}

MixtureImpl::MixtureImpl(const ModelConfig& config, int64_t num_members) {
  const auto members = static_cast<double>(num_members);
  weight = register_buffer("weight", at::full({num_members}, 1 / members));
  temperature = register_buffer("temperature", at::ones({num_members}));
  if (config.is_classifier) class_bias = register_buffer("class_bias", at::zeros({config.out_dim}));
  if (config.num_bins > 0) {
    bin_edges = register_buffer("bin_edges", at::arange(config.num_bins + 1, at::kFloat));
  }
}

}  // namespace deepbio::model
