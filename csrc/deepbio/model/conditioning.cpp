#include "deepbio/model/conditioning.h"

#include <ATen/Functions.h>

#include "deepbio/base/error.h"
#include "deepbio/model/functional.h"

namespace deepbio::model {

CategoricalEmbedderImpl::CategoricalEmbedderImpl(const ModelConfig& config) : dropout_(config.categorical_dropout) {
  auto embeddings = register_module("embeddings", std::make_shared<torch::nn::Module>());
  for (const auto& [column, cardinality] : config.categorical_cardinalities) {
    const auto options = torch::nn::EmbeddingOptions(cardinality, config.categorical_embed_dim).padding_idx(0);
    tables_.emplace_back(column, embeddings->register_module(column, torch::nn::Embedding(options)));
  }
}

torch::Tensor CategoricalEmbedderImpl::forward(const CategoricalIds& ids) {
  std::vector<torch::Tensor> parts;
  for (auto& [column, table] : tables_) {
    const auto found = ids.find(column);
    if (found == ids.end()) {
      throw ArgumentError("categorical_ids: expected ids of column " + quoted(column) + ", got none");
    }
    parts.push_back(table->forward(found->second));
  }
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

CategoryTablesImpl::CategoryTablesImpl(const ModelConfig& config) {
  for (const std::string& column : config.conditional_scaling_columns) {
    const int64_t cardinality = config.categorical_cardinalities.at(column);
    tables_.emplace(column, register_module(column, torch::nn::Embedding(cardinality, config.out_dim)));
  }
}

const torch::Tensor& CategoryTablesImpl::weight(const std::string& column) const { return tables_.at(column)->weight; }

}  // namespace deepbio::model
