// Building blocks as torch::nn modules: they register parameters under AAM's names (aam.md 2.6), in
// one fixed order, and call model/functional. The Python shell (deepbio_torch/models.py) registers
// the same names in the same order.
//
// Axes: R rows, T positions, D embedding, U distinct ASVs, L positions of an ASV, B samples, S ASVs
// of a sample, V vocabulary, O outputs. Masks are bool, True = real.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include <vector>

#include "deepbio/model/config.h"
#include "deepbio/model/functional.h"

namespace deepbio::model {

struct EncoderOptions {
  int64_t num_layers = 2, num_heads = 4, dim = 128, intermediate_size = 0;  // 0: 4 dim
  double dropout = 0.1;
  functional::Activation activation = functional::Activation::kGelu;
};

// in_proj_weight [3D, D], in_proj_bias [3D], out_proj.*
class SelfAttentionImpl : public torch::nn::Module {
 public:
  explicit SelfAttentionImpl(int64_t dim);
  torch::Tensor in_proj_weight, in_proj_bias;
  torch::nn::Linear out_proj{nullptr};
};
TORCH_MODULE(SelfAttention);

// self_attn.*, linear1.*, linear2.*, norm1.*, norm2.*  x [R, T, D], mask [R, T] or undefined -> [R,
// T, D]
class EncoderLayerImpl : public torch::nn::Module {
 public:
  explicit EncoderLayerImpl(const EncoderOptions& options);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& mask);
  functional::EncoderLayerWeights weights() const;

 private:
  EncoderOptions options_;
  SelfAttention self_attn_{nullptr};
  torch::nn::Linear linear1_{nullptr}, linear2_{nullptr};
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
};
TORCH_MODULE(EncoderLayer);

// encoder.layers.{i}.* and norm.* (final LayerNorm, eps 1e-6); the layers are computed as one
// (model/encoder_stack).
//   x [R, T, D], mask [R, T] -> [R, T, D]; with skip_padding rows under padding are not computed
//   and hold any number
class TransformerEncoderImpl : public torch::nn::Module {
 public:
  explicit TransformerEncoderImpl(const EncoderOptions& options);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& mask,
                        bool skip_padding = false);

 private:
  EncoderOptions options_;
  torch::nn::ModuleList layers_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
};
TORCH_MODULE(TransformerEncoder);

// position_embedding.weight [P, D].  x [R, T <= P, D] -> x + weight[0..T-1]
class PositionEmbeddingImpl : public torch::nn::Module {
 public:
  PositionEmbeddingImpl(int64_t num_positions, int64_t dim);
  torch::Tensor forward(const torch::Tensor& x);
  const torch::Tensor& weight() const { return position_embedding_->weight; }

 private:
  torch::nn::Embedding position_embedding_{nullptr};
};
TORCH_MODULE(PositionEmbedding);

// query.weight [1, D], norm.*.  x [R, T, D], mask [R, T] -> [R, D]
class AttentionPoolingImpl : public torch::nn::Module {
 public:
  explicit AttentionPoolingImpl(int64_t dim);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& mask);

 private:
  torch::nn::Linear query_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
};
TORCH_MODULE(AttentionPooling);

struct ASVEncoding {
  torch::Tensor embeddings;       // [U, D]
  torch::Tensor nuc_predictions;  // [U, L, V] logits; undefined unless asked for
  torch::Tensor mask_indices;     // bool [U, L], what was masked; undefined when nothing was
};

// token_embedding, position_embedding, transformer, attention_pooling, nucleotide_head (with
// predict_nucleotides).
//   tokens int64 [U, L]; in training with nucleotides asked for, hidden_bases [U, L] are masked, or
//   a share nuc_mask_ratio of A, C, G, T where they are undefined
//   skip_padding: nuc_predictions under padding hold any number
//   throws ShapeError when L is above max_bp + 1
class ASVEncoderImpl : public torch::nn::Module {
 public:
  explicit ASVEncoderImpl(const ModelConfig& config);
  ASVEncoding forward(const torch::Tensor& tokens, bool return_nucleotides = false,
                      bool skip_padding = false, const torch::Tensor& hidden_bases = {});

 private:
  int64_t max_length_;
  double nuc_mask_ratio_;
  std::string nuc_mask_strategy_;
  torch::nn::Embedding token_embedding_{nullptr};
  PositionEmbedding position_embedding_{nullptr};
  TransformerEncoder transformer_{nullptr};
  AttentionPooling attention_pooling_{nullptr};
  torch::nn::Linear nucleotide_head_{nullptr};
};
TORCH_MODULE(ASVEncoder);

// asv_encoder, sample_position_embedding, sample_transformer, count_embed | count_proj |
// count_film.
//   asv_embeddings [U, D], asv_index int64 [B, S], mask [B, S], counts [B, S] (only with
//   count_embedding) -> [B, S, D], zero under padding
//   throws ArgumentError without counts when they are needed, ShapeError when S is above
//   token_limit + 5
class SampleSequenceEncoderImpl : public torch::nn::Module {
 public:
  explicit SampleSequenceEncoderImpl(const ModelConfig& config);
  torch::Tensor forward(const torch::Tensor& asv_embeddings, const torch::Tensor& asv_index,
                        const torch::Tensor& mask, const torch::Tensor& counts = {});
  ASVEncoder asv_encoder() const { return asv_encoder_; }

 private:
  torch::Tensor embed_counts(const torch::Tensor& x, const torch::Tensor& counts);
  int64_t max_asvs_;
  ASVEncoder asv_encoder_{nullptr};
  PositionEmbedding sample_position_embedding_{nullptr};
  TransformerEncoder sample_transformer_{nullptr};
  torch::nn::Linear count_embed_{nullptr}, count_proj_{nullptr}, count_film_{nullptr};
};
TORCH_MODULE(SampleSequenceEncoder);

// The mean ASV embedding of a sample by ln(count + 1), scaled and shifted per axis (train/calibrate
// fits both to the training samples), then a Linear: scale, shift, projection.*. A short way from
// who is there, and how much, to the head, beside the attention that starts out blind to both.
//   asv_embeddings [U, D], asv_index int64 [B, S], mask [B, S], counts [B, S] -> [B, D]
class AbundancePoolingImpl : public torch::nn::Module {
 public:
  explicit AbundancePoolingImpl(int64_t dim);
  torch::Tensor forward(const torch::Tensor& asv_embeddings, const torch::Tensor& asv_index,
                        const torch::Tensor& mask, const torch::Tensor& counts);

 private:
  torch::Tensor scale_, shift_;
  torch::nn::Linear projection_{nullptr};
};
TORCH_MODULE(AbundancePooling);

// The predictor's head: weight, bias of one Linear; or a ReLU MLP {0, 2, ...} ({0, 3, ...} with
// dropout); or skip.* + mlp.{0, 2, ...}.*.  x [B, D] -> [B, num_outputs]
class TargetHeadImpl : public torch::nn::Module {
 public:
  TargetHeadImpl(const ModelConfig& config, int64_t num_outputs);
  torch::Tensor forward(const torch::Tensor& x);
  // The last weights become zero and its bias `bias` [num_outputs], so that every sample gets that
  // answer.
  void start_at(const torch::Tensor& bias);

 private:
  double dropout_;
  torch::Tensor weight_, bias_;
  torch::nn::Linear skip_{nullptr};
  std::vector<torch::nn::Linear> mlp_;
};
TORCH_MODULE(TargetHead);

}  // namespace deepbio::model
