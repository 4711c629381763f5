// Covariates of a sample (site, sex, ...) as embeddings, fused into the target branch, and scaling
// of the output per category (aam.md 2.5). Category 0 is "unknown": its embedding is zero and stays
// zero.
//
// concat, add and cross-attention change every ASV slot before the target encoder; gmu gates the
// pooled vector; perceiver takes the place of target encoder and pooling. Without ids the sample
// passes unchanged. Axes: B samples, S ASVs, D embedding, C = columns x categorical_embed_dim, N
// latents, O outputs.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "deepbio/model/config.h"
#include "deepbio/model/fusion.h"
#include "deepbio/model/layers.h"

namespace deepbio::model {

using CategoricalIds = std::map<std::string, torch::Tensor>;  // column -> int64 [B]

// embeddings.{column}.weight [categories + 1, categorical_embed_dim], columns in alphabetic order
// -> [B, C]
//   throws ArgumentError when the id of a column is missing
class CategoricalEmbedderImpl : public torch::nn::Module {
 public:
  explicit CategoricalEmbedderImpl(const ModelConfig& config);
  torch::Tensor forward(const CategoricalIds& ids);

 private:
  double dropout_;
  std::vector<std::pair<std::string, torch::nn::Embedding>> tables_;
};
TORCH_MODULE(CategoricalEmbedder);

// cat_transform.*, gate.*: g + sigmoid(W_g [g; c]) * tanh(W_c c).  pooled [B, D], categories [B, C]
// -> {fused, gate}
class GatedFusionImpl : public torch::nn::Module {
 public:
  GatedFusionImpl(int64_t dim, int64_t categorical_dim);
  std::pair<torch::Tensor, torch::Tensor> forward(const torch::Tensor& pooled,
                                                  const torch::Tensor& categories);

 private:
  torch::nn::Linear cat_transform_{nullptr}, gate_{nullptr};
};
TORCH_MODULE(GatedFusion);

// cat_projection.*, cross_attn.*, norm.*.  x [B, S, D], categories [B, C] -> values [B, S, D],
// attention [B, H, S, 1]
class CrossAttentionFusionImpl : public torch::nn::Module {
 public:
  CrossAttentionFusionImpl(const ModelConfig& config, int64_t categorical_dim);
  functional::Fused forward(const torch::Tensor& x, const torch::Tensor& categories);

 private:
  int64_t num_heads_;
  double dropout_;
  torch::nn::Linear cat_projection_{nullptr};
  SelfAttention cross_attn_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
};
TORCH_MODULE(CrossAttentionFusion);

// latents [N, D], seq_projection.*, cat_projection.*, cross_attn.*, cross_norm.*,
// self_attn_layers.{i}.*, output_projection.*: latents attend to the ASVs and the covariates, then
// to each other; their mean is the sample.
//   x [B, S, D], mask [B, S], categories [B, C] -> values [B, D], attention [B, H, N, S + 1]
class PerceiverFusionImpl : public torch::nn::Module {
 public:
  PerceiverFusionImpl(const ModelConfig& config, int64_t categorical_dim);
  functional::Fused forward(const torch::Tensor& x, const torch::Tensor& mask,
                            const torch::Tensor& categories);

 private:
  int64_t num_heads_;
  double dropout_;
  torch::Tensor latents_;
  torch::nn::Linear seq_projection_{nullptr}, cat_projection_{nullptr}, output_projection_{nullptr};
  SelfAttention cross_attn_{nullptr};
  torch::nn::LayerNorm cross_norm_{nullptr};
  torch::nn::ModuleList self_attn_layers_{nullptr};
};
TORCH_MODULE(PerceiverFusion);

// {column}.weight [categories + 1, O]: one table of output_scales or output_biases.
class CategoryTablesImpl : public torch::nn::Module {
 public:
  explicit CategoryTablesImpl(const ModelConfig& config);
  const torch::Tensor& weight(const std::string& column) const;

 private:
  std::map<std::string, torch::nn::Embedding> tables_;
};
TORCH_MODULE(CategoryTables);

}  // namespace deepbio::model
