#include "deepbio/model/conditioning.h"

#include <ATen/Functions.h>

#include "deepbio/base/error.h"
#include "deepbio/model/functional.h"

namespace deepbio::model {
namespace {

functional::LinearWeights of(const torch::nn::Linear& linear) {
  return {linear->weight, linear->bias};
}

functional::NormWeights of(const torch::nn::LayerNorm& norm) { return {norm->weight, norm->bias}; }

functional::AttentionWeights of(const SelfAttention& attention) {
  return {{attention->in_proj_weight, attention->in_proj_bias}, of(attention->out_proj)};
}

torch::nn::LayerNorm plain_norm(int64_t dim) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim}));
}

}  // namespace

CategoricalEmbedderImpl::CategoricalEmbedderImpl(const ModelConfig& config)
    : dropout_(config.categorical_dropout) {
  // A module without code of its own, for the dot in AAM's parameter names
  // (embeddings.{column}.weight).
  auto embeddings = register_module("embeddings", std::make_shared<torch::nn::Module>());
  for (const auto& [column, cardinality] : config.categorical_cardinalities) {
    const auto options =
        torch::nn::EmbeddingOptions(cardinality, config.categorical_embed_dim).padding_idx(0);
    tables_.emplace_back(column,
                         embeddings->register_module(column, torch::nn::Embedding(options)));
  }
}

torch::Tensor CategoricalEmbedderImpl::forward(const CategoricalIds& ids) {
  std::vector<torch::Tensor> parts;
  for (auto& [column, table] : tables_) {
    const auto found = ids.find(column);
    if (found == ids.end()) {
      throw ArgumentError("categorical_ids: expected ids of column " + quoted(column) +
                          ", got none");
    }
    parts.push_back(table->forward(found->second));
  }
  // [B, C], in the order of the map, which is that of the config: alphabetic.
  const torch::Tensor out = at::cat(parts, -1);
  return dropout_ > 0 && is_training() ? at::dropout(out, dropout_, true) : out;
}

GatedFusionImpl::GatedFusionImpl(int64_t dim, int64_t categorical_dim) {
  cat_transform_ = register_module("cat_transform", torch::nn::Linear(categorical_dim, dim));
  gate_ = register_module("gate", torch::nn::Linear(dim + categorical_dim, dim));
}

std::pair<torch::Tensor, torch::Tensor> GatedFusionImpl::forward(const torch::Tensor& pooled,
                                                                 const torch::Tensor& categories) {
  return functional::fuse_gmu(pooled, categories, {cat_transform_->weight, cat_transform_->bias},
                              {gate_->weight, gate_->bias});
}

CrossAttentionFusionImpl::CrossAttentionFusionImpl(const ModelConfig& config,
                                                   int64_t categorical_dim)
    : num_heads_(config.cross_attn_heads), dropout_(config.categorical_dropout) {
  const int64_t dim = config.embedding_dim;
  cat_projection_ = register_module("cat_projection", torch::nn::Linear(categorical_dim, dim));
  cross_attn_ = register_module("cross_attn", SelfAttention(dim));
  norm_ = register_module("norm", plain_norm(dim));
}

functional::Fused CrossAttentionFusionImpl::forward(const torch::Tensor& x,
                                                    const torch::Tensor& categories) {
  return functional::fuse_cross_attention(x, categories,
                                          {of(cat_projection_), of(cross_attn_), of(norm_)},
                                          {num_heads_, dropout_, is_training()});
}

PerceiverFusionImpl::PerceiverFusionImpl(const ModelConfig& config, int64_t categorical_dim)
    : num_heads_(config.cross_attn_heads), dropout_(config.categorical_dropout) {
  const int64_t dim = config.embedding_dim;
  latents_ = register_parameter("latents", at::empty({config.perceiver_num_latents, dim}));
  seq_projection_ = register_module("seq_projection", torch::nn::Linear(dim, dim));
  cat_projection_ = register_module("cat_projection", torch::nn::Linear(categorical_dim, dim));
  cross_attn_ = register_module("cross_attn", SelfAttention(dim));
  cross_norm_ = register_module("cross_norm", plain_norm(dim));
  self_attn_layers_ = register_module("self_attn_layers", torch::nn::ModuleList());
  // Width 0 is 4 D. ReLU whatever `activation` says: that is an option of the five stacks.
  const EncoderOptions layer{1, num_heads_, dim, 0, dropout_, functional::Activation::kRelu};
  for (int64_t i = 0; i < config.perceiver_num_layers; ++i)
    self_attn_layers_->push_back(EncoderLayer(layer));
  output_projection_ = register_module("output_projection", torch::nn::Linear(dim, dim));
}

functional::Fused PerceiverFusionImpl::forward(const torch::Tensor& x, const torch::Tensor& mask,
                                               const torch::Tensor& categories) {
  functional::Fused out = functional::attend_latents(
      x, mask, categories,
      {latents_, of(seq_projection_), of(cat_projection_), of(cross_attn_), of(cross_norm_)},
      {num_heads_, dropout_, is_training()});
  // Without a mask: latents are all real, however many ASVs the sample has.
  for (const auto& layer : *self_attn_layers_)
    out.values = layer->as<EncoderLayerImpl>()->forward(out.values, {});
  out.values = output_projection_->forward(out.values.mean(1));
  return out;
}

CategoryTablesImpl::CategoryTablesImpl(const ModelConfig& config) {
  for (const std::string& column : config.conditional_scaling_columns) {
    const int64_t cardinality = config.categorical_cardinalities.at(column);
    tables_.emplace(column,
                    register_module(column, torch::nn::Embedding(cardinality, config.out_dim)));
  }
}

const torch::Tensor& CategoryTablesImpl::weight(const std::string& column) const {
  return tables_.at(column)->weight;
}

}  // namespace deepbio::model
