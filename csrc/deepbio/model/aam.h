// The AAM model family as torch::nn modules: the same parameter names, order and initialisation as
// the Python shell (deepbio_torch/models.py) and as AAM's PyTorch port (aam.md 2.6). The forward
// pass works on distinct ASVs; AAM's padded tokens give the same result.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "deepbio/model/conditioning.h"
#include "deepbio/model/config.h"
#include "deepbio/model/initialize.h"
#include "deepbio/model/layers.h"
#include "deepbio/model/members.h"

namespace deepbio::model {

// What goes in. Fields as in data::SampleBatch; the model does not know where they came from.
struct Inputs {
  torch::Tensor asv_tokens;  // int64 [U, L]
  torch::Tensor asv_index;   // int64 [B, S]
  torch::Tensor mask;        // bool [B, S]
  // float [B, S]; needed with count_embedding, abundance_pooling and known ASVs.
  torch::Tensor counts;
  CategoricalIds categorical_ids;  // int64 [B]
  torch::Tensor asv_embeddings;    // [U, D] computed before (frozen base, prediction); then
                                   // asv_tokens is not encoded
  torch::Tensor asv_identity;  // int64 [U] computed before (known_asvs.h); then asv_tokens is not
                               // needed for it
  // bool [U, L], bases to hide from the model in training where nucleotides are asked for;
  // undefined: it draws them.
  torch::Tensor hidden_bases;
};

// AAM's layout: every ASV slot of the padded tokens counts as its own distinct ASV.
//   tokens int64 [B, S, L], counts [B, S] or [B, S, 1] or undefined
Inputs inputs_from_padded(const torch::Tensor& tokens, const torch::Tensor& counts = {},
                          CategoricalIds categorical_ids = {});

struct ForwardOptions {
  bool return_nucleotides = false;
  bool return_sample_embeddings = false;
  bool skip_padding = false;  // count_prediction and nuc_predictions under padding hold any number,
                              // and cost nothing
  bool predict_counts = true;  // false: leaves the count branch out
  // False: a predictor without a transformer branch leaves the sample level out.
  bool embed_samples = true;
  bool return_members = false;  // member_predictions also outside training
};

// What comes out; a tensor that does not apply is undefined. Keys as in AAM.
struct Outputs {
  torch::Tensor target_prediction;  // [B, O] (log-probabilities of a classifier) or [B, O, Q]
  // [B, num_bins] log-probabilities; the prediction is its median.
  torch::Tensor target_distribution;
  torch::Tensor bin_edges;  // [num_bins + 1], in the model's unit of the target
  // [M, B, ...] of each member by itself; in training, or asked for.
  torch::Tensor member_predictions;
  torch::Tensor count_prediction;  // [B, S]
  torch::Tensor base_embeddings;   // [B, S, D] of the base model, zero under padding
  torch::Tensor embeddings;        // [B, D]
  torch::Tensor base_prediction;   // faith_pd, taxonomy
  torch::Tensor unifrac_pred, faith_pred, tax_pred;  // combined
  torch::Tensor nuc_predictions;                     // [U, L, V] logits for the distinct ASVs
  torch::Tensor mask_indices;            // bool [U, L], what was masked; undefined when nothing was
  torch::Tensor asv_embeddings;          // [U, D] of the distinct ASVs
  torch::Tensor gmu_gate;                // [B, D]
  torch::Tensor cross_attn_weights;      // [B, heads, S, 1]
  torch::Tensor perceiver_attn_weights;  // [B, heads, latents, S + 1]
};

// Common face of encoder and predictor for trainer, predictor and export.
class AamModel : public torch::nn::Module {
 public:
  explicit AamModel(ModelConfig config);
  virtual Outputs forward(const Inputs& inputs, const ForwardOptions& options = {}) = 0;
  // [U, L] -> [U, D]: what Inputs::asv_embeddings wants. No masking.
  virtual torch::Tensor encode_asvs(const torch::Tensor& asv_tokens) = 0;
  virtual bool is_predictor() const = 0;
  // A model of its own with the same parameters, frozen where they are, in the same mode.
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;
  const ModelConfig& config() const { return config_; }

 protected:
  ModelConfig config_;
};

// ASVs of a sample -> sample embedding [B, D] (encoder_type unifrac) or base_prediction.
class SequenceEncoderImpl : public AamModel {
 public:
  explicit SequenceEncoderImpl(ModelConfig config);
  Outputs forward(const Inputs& inputs, const ForwardOptions& options = {}) override;
  torch::Tensor encode_asvs(const torch::Tensor& asv_tokens) override;
  bool is_predictor() const override { return false; }
  // The distinct ASVs alone: asv_embeddings and what was asked for of nucleotides.
  Outputs encode(const Inputs& inputs, const ForwardOptions& options);

 private:
  SampleSequenceEncoder sample_encoder_{nullptr};
  TransformerEncoder encoder_transformer_{nullptr};
  AttentionPooling attention_pooling_{nullptr};
  torch::nn::Linear output_head_{nullptr}, uni_ff_{nullptr}, faith_ff_{nullptr}, tax_ff_{nullptr};
};
TORCH_MODULE(SequenceEncoder);

// A base encoder with a count branch and one or more branches that predict the target: AAM's
// transformer over the sample, the ASVs known from training, the pooled sequences
// (model/members.h).
class SequencePredictorImpl : public AamModel {
 public:
  explicit SequencePredictorImpl(ModelConfig config);
  Outputs forward(const Inputs& inputs, const ForwardOptions& options = {}) override;
  torch::Tensor encode_asvs(const torch::Tensor& asv_tokens) override;
  bool is_predictor() const override { return true; }
  SequenceEncoder base_model() const { return base_model_; }
  // What train/start and train/calibrate fit; empty where the config has no such part.
  KnownAsvs known_asvs() const { return known_asvs_; }
  MemberNets known_branch() const { return known_branch_; }
  MemberNets sequence_branch() const { return sequence_branch_; }
  Mixture mixture() const { return mixture_; }
  // Every head gives `bias` [outputs] for every sample until it has learned something.
  void start_at(const torch::Tensor& bias);
  // What the branches get before it is centred and scaled: [B, K] or [B, 2 K]; [B, D] or [B, 2 D].
  torch::Tensor known_inputs(const Inputs& inputs) const;
  torch::Tensor sequence_inputs(const Inputs& inputs, const torch::Tensor& asv_embeddings) const;

 private:
  void register_branches();
  // Whether anything that is asked for needs the sample level of the base model.
  bool needs_samples(const ForwardOptions& options) const;
  // The raw outputs of all members [M, B, outputs]; transformer: those of AAM's branch, or
  // undefined.
  torch::Tensor member_outputs(const Inputs& inputs, const torch::Tensor& asv_embeddings,
                               const torch::Tensor& categories, const torch::Tensor& transformer);
  // The members' outputs to one answer.
  void mix(const torch::Tensor& members, const Inputs& inputs, bool return_members, Outputs& out);
  torch::Tensor transformer_output(const Inputs& inputs, const torch::Tensor& base_embeddings,
                                   const torch::Tensor& categories, Outputs& out);
  // The sample as one vector [B, D], with the covariates in it where the fusion comes before the
  // pooling.
  torch::Tensor pool_target(const Inputs& inputs, const torch::Tensor& base_embeddings,
                            const torch::Tensor& categories, Outputs& out);
  torch::Tensor finish(torch::Tensor y, const Inputs& inputs);
  SequenceEncoder base_model_{nullptr};
  TransformerEncoder count_encoder_{nullptr};
  torch::nn::Linear count_head_{nullptr};
  TransformerEncoder target_encoder_{nullptr};
  AttentionPooling target_pooling_{nullptr};
  torch::nn::LayerNorm target_norm_{nullptr};
  AbundancePooling abundance_pooling_{nullptr};
  TargetHead target_head_{nullptr};
  torch::Tensor output_scale_, output_bias_;
  CategoryTables output_scales_{nullptr}, output_biases_{nullptr};
  CategoricalEmbedder categorical_embedder_{nullptr};
  torch::nn::Linear categorical_projection_{nullptr};
  GatedFusion gmu_{nullptr};
  CrossAttentionFusion cross_attn_fusion_{nullptr};
  PerceiverFusion perceiver_fusion_{nullptr};
  KnownAsvs known_asvs_{nullptr};
  MemberNets known_branch_{nullptr}, sequence_branch_{nullptr};
  Mixture mixture_{nullptr};
};
TORCH_MODULE(SequencePredictor);

// What is largest for the class to choose: log-probabilities [.., C], and the class bias of a model
// with a mixture.
torch::Tensor class_scores(const AamModel& model, const torch::Tensor& log_probabilities);

// A model of either kind from its config; with a seed its parameters follow from that, and torch's
// default generator stays as it was. throws ConfigError.
std::shared_ptr<AamModel> make_model(const ModelConfig& config, bool is_predictor,
                                     std::optional<uint64_t> seed = {});

}  // namespace deepbio::model
