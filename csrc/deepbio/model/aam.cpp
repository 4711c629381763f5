#include "deepbio/model/aam.h"

#include <ATen/Context.h>
#include <ATen/Functions.h>

#include <mutex>
#include <utility>
#include <vector>

#include "deepbio/base/error.h"

namespace deepbio::model {

namespace fn = functional;

namespace {

ModelConfig checked(ModelConfig config) {
  config.check();
  return config;
}

// torch's modules draw their first parameters from the default generator; this puts it back as it
// was.
class DefaultGeneratorKept {
 public:
  DefaultGeneratorKept() : generator_(at::globalContext().defaultGenerator(at::kCPU)) {
    // torch's own rule for this generator: other threads may draw from it.
    const std::lock_guard<std::mutex> lock(generator_.mutex());
    before_ = generator_.get_state();
  }
  ~DefaultGeneratorKept() {
    const std::lock_guard<std::mutex> lock(generator_.mutex());
    generator_.set_state(before_);
  }
  DefaultGeneratorKept(const DefaultGeneratorKept&) = delete;
  DefaultGeneratorKept& operator=(const DefaultGeneratorKept&) = delete;

 private:
  at::Generator generator_;
  torch::Tensor before_;
};

EncoderOptions encoder_stack(const ModelConfig& c) {
  return {c.encoder_num_layers,        c.encoder_num_heads, c.embedding_dim,
          c.encoder_intermediate_size, c.encoder_dropout,   fn::parse_activation(c.activation)};
}

}  // namespace

Inputs inputs_from_padded(const torch::Tensor& tokens, const torch::Tensor& counts,
                          CategoricalIds categorical_ids) {
  if (tokens.dim() != 3)
    throw ShapeError("tokens: expected [B, S, L], got " + c10::str(tokens.sizes()));
  Inputs inputs;
  inputs.mask = fn::asv_mask(tokens);
  // [B * S, L]: padded slots are encoded as well, as in AAM; the mask keeps them from the samples.
  inputs.asv_tokens = tokens.flatten(0, 1);
  inputs.asv_index = fn::slot_index(inputs.mask);
  if (counts.defined()) inputs.counts = counts.dim() == 3 ? counts.squeeze(-1) : counts;
  inputs.categorical_ids = std::move(categorical_ids);
  return inputs;
}

AamModel::AamModel(ModelConfig config) : config_(checked(std::move(config))) {}

std::shared_ptr<torch::nn::Module> AamModel::clone(
    const std::optional<torch::Device>& device) const {
  const torch::NoGradGuard no_grad;
  // torch's own clone needs a copy constructor of every part. A model made anew from the same
  // config has the same parts under the same names, and takes the values over.
  auto copy = make_model(config_, is_predictor(), /*seed=*/0);
  const auto own = named_parameters();
  for (auto& item : copy->named_parameters()) {
    const torch::Tensor& from = own[item.key()];
    // set_data rather than copy_: the parameter object stays, and so what has registered it.
    item.value().set_data(device
                              ? from.detach().to(*device, from.scalar_type(), false, /*copy=*/true)
                              : from.detach().clone());
    item.value().set_requires_grad(from.requires_grad());
  }
  const auto own_buffers = named_buffers();
  for (auto& item : copy->named_buffers()) {
    const torch::Tensor& from = own_buffers[item.key()];
    item.value().set_data(device ? from.to(*device, from.scalar_type(), false, /*copy=*/true)
                                 : from.clone());
  }
  copy->train(is_training());
  return copy;
}

SequenceEncoderImpl::SequenceEncoderImpl(ModelConfig config) : AamModel(std::move(config)) {
  const int64_t dim = config_.embedding_dim;
  sample_encoder_ = register_module("sample_encoder", SampleSequenceEncoder(config_));
  encoder_transformer_ =
      register_module("encoder_transformer", TransformerEncoder(encoder_stack(config_)));
  attention_pooling_ = register_module("attention_pooling", AttentionPooling(dim));
  if (config_.encoder_type == "combined") {
    uni_ff_ = register_module("uni_ff", torch::nn::Linear(dim, 2));
    faith_ff_ = register_module("faith_ff", torch::nn::Linear(dim, 1));
    tax_ff_ = register_module("tax_ff", torch::nn::Linear(dim, 7));
  } else if (config_.encoder_type != "unifrac") {
    const int64_t outputs = config_.base_output_dim > 0 ? config_.base_output_dim : dim;
    output_head_ = register_module("output_head", torch::nn::Linear(dim, outputs));
  }
  // One number of torch's generator seeds them all, so that torch.manual_seed decides as users
  // expect.
  init_parameters(*this, seed_of_default_generator());
}

torch::Tensor SequenceEncoderImpl::encode_asvs(const torch::Tensor& asv_tokens) {
  return sample_encoder_->asv_encoder()->forward(asv_tokens).embeddings;
}

Outputs SequenceEncoderImpl::encode(const Inputs& inputs, const ForwardOptions& options) {
  Outputs out;
  if (inputs.asv_embeddings.defined()) {
    out.asv_embeddings = inputs.asv_embeddings;
    return out;
  }
  ASVEncoding encoded = sample_encoder_->asv_encoder()->forward(
      inputs.asv_tokens, options.return_nucleotides, options.skip_padding, inputs.hidden_bases);
  out.asv_embeddings = encoded.embeddings;
  out.nuc_predictions = encoded.nuc_predictions;
  out.mask_indices = encoded.mask_indices;
  return out;
}

Outputs SequenceEncoderImpl::forward(const Inputs& inputs, const ForwardOptions& options) {
  Outputs out = encode(inputs, options);
  // [B, S, D], each distinct ASV at all its places.
  const torch::Tensor samples =
      sample_encoder_->forward(out.asv_embeddings, inputs.asv_index, inputs.mask, inputs.counts);
  if (options.return_sample_embeddings) out.base_embeddings = samples;
  const torch::Tensor pooled = attention_pooling_->forward(
      encoder_transformer_->forward(samples, inputs.mask, /*skip_padding=*/true), inputs.mask);
  if (!uni_ff_.is_empty()) {
    out.unifrac_pred = uni_ff_->forward(pooled).sigmoid();
    out.faith_pred = faith_ff_->forward(pooled);
    out.tax_pred = tax_ff_->forward(pooled);
  } else if (!output_head_.is_empty()) {
    out.base_prediction = output_head_->forward(pooled);
  } else {
    out.embeddings = pooled;
  }
  return out;
}

torch::Tensor class_scores(const AamModel& model, const torch::Tensor& log_probabilities) {
  const auto* predictor = dynamic_cast<const SequencePredictorImpl*>(&model);
  // Only a mixture has been fitted to held-out samples (train/calibrate), which is where a bias is
  // from.
  if (predictor == nullptr || predictor->mixture().is_empty()) return log_probabilities;
  const torch::Tensor& bias = predictor->mixture()->class_bias;
  return bias.defined() ? log_probabilities + bias.to(log_probabilities.device())
                        : log_probabilities;
}

std::shared_ptr<AamModel> make_model(const ModelConfig& config, bool is_predictor,
                                     std::optional<uint64_t> seed) {
  const auto make = [&]() -> std::shared_ptr<AamModel> {
    if (is_predictor) return std::make_shared<SequencePredictorImpl>(config);
    return std::make_shared<SequenceEncoderImpl>(config);
  };
  if (!seed) return make();
  // Constructors draw as well, before the seed's own parameters replace what they drew.
  const DefaultGeneratorKept kept;
  auto model = make();
  init_parameters(*model, *seed);
  return model;
}

}  // namespace deepbio::model
