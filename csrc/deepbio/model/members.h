// Small networks side by side (an ensemble) on one vector per sample, and what makes one answer of
// them.
//
// A branch is E members of the same shape with weights of their own: inputs centred and scaled,
// dropout, Linear -> LayerNorm -> GELU -> dropout -> Linear. They see the same batches and differ
// by their start and their dropout; averaging them is worth more than a larger one
// (Lakshminarayanan, Pritzel & Blundell 2017). The head starts at zero with the bias of the answer
// "mean" or "class rates" (train/start), so training begins there. Axes: E members of a branch, M
// members of all branches, B samples, I inputs, H hidden, O outputs.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <string>

#include "deepbio/model/config.h"

namespace deepbio::model {

namespace functional {

struct MemberWeights {
  at::Tensor weight, bias;            // [E, I, H], [E, H]
  at::Tensor norm_weight, norm_bias;  // [E, H]
  at::Tensor head_weight, head_bias;  // [E, H, O], [E, O]
};
struct MemberDropout {
  double input = 0, hidden = 0;
  bool training = false;
};
// x [B, I] -> [E, B, O]
at::Tensor member_nets(const at::Tensor& x, const MemberWeights& weights,
                       const MemberDropout& dropout);

}  // namespace functional

// weight, bias, norm_weight, norm_bias, head_weight, head_bias; buffers shift, scale [I without
// covariates].
//   x [B, I], categories [B, C] or undefined -> [E, B, O]
class MemberNetsImpl : public torch::nn::Module {
 public:
  struct Size {
    int64_t members, inputs, categories, hidden, outputs;
    double input_dropout, dropout;
  };
  explicit MemberNetsImpl(const Size& size);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& categories);
  void start_at(const torch::Tensor&
                    bias);  // [O]: what every member answers as long as it has learned nothing
  // Inputs become (x - shift) * scale; both [I].
  void set_standard(const torch::Tensor& shift, const torch::Tensor& scale);

 private:
  Size size_;
  functional::MemberWeights weights_;
  torch::Tensor shift_, scale_;
};
TORCH_MODULE(MemberNets);

// Buffers keys int64 [max_bp + 1] and identities int64 [K], rising: the ASVs known from training.
//   asv_tokens [U, L] -> columns int64 [U], K for an unknown one
class KnownAsvsImpl : public torch::nn::Module {
 public:
  KnownAsvsImpl(int64_t num_known, int64_t max_bp);
  torch::Tensor identity_of(
      const torch::Tensor& asv_tokens) const;  // throws ShapeError for L above max_bp + 1
  torch::Tensor columns_of(const torch::Tensor& identity) const;
  const torch::Tensor& identities() const { return identities_; }

 private:
  torch::Tensor keys_, identities_;
};
TORCH_MODULE(KnownAsvs);

// What turns the members' outputs into one answer; train/calibrate fits all of it to held-out
// training samples. Buffers: weight [M] (sum 1), temperature [M], class_bias [O] (of a classifier:
// added to log-probabilities where a class is chosen), bin_edges [num_bins + 1] (in the model's
// unit of the target).
struct MixtureImpl : public torch::nn::Module {
  MixtureImpl(const ModelConfig& config, int64_t num_members);
  torch::Tensor weight, temperature, class_bias, bin_edges;
};
TORCH_MODULE(Mixture);

}  // namespace deepbio::model
