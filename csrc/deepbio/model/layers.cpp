#include "deepbio/model/layers.h"

#include <ATen/Functions.h>

#include <string>

#include "deepbio/base/error.h"
#include "deepbio/model/encoder_stack.h"

namespace deepbio::model {

namespace fn = functional;

namespace {

torch::nn::LayerNorm layer_norm(int64_t dim, double eps = 1e-5) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim}).eps(eps));
}

torch::nn::Linear linear(int64_t in, int64_t out) { return torch::nn::Linear(in, out); }

EncoderOptions asv_stack(const ModelConfig& c) {
  return {c.asv_num_layers,        c.asv_num_heads, c.embedding_dim,
          c.asv_intermediate_size, c.asv_dropout,   fn::parse_activation(c.activation)};
}

EncoderOptions sample_stack(const ModelConfig& c) {
  return {c.sample_num_layers,        c.sample_num_heads, c.embedding_dim,
          c.sample_intermediate_size, c.sample_dropout,   fn::parse_activation(c.activation)};
}

}  // namespace

SelfAttentionImpl::SelfAttentionImpl(int64_t dim) {
  // Memory of any content: init_parameters of the whole model fills it by name.
  in_proj_weight = register_parameter("in_proj_weight", at::empty({3 * dim, dim}));
  in_proj_bias = register_parameter("in_proj_bias", at::empty({3 * dim}));
  out_proj = register_module("out_proj", linear(dim, dim));
}

EncoderLayerImpl::EncoderLayerImpl(const EncoderOptions& options) : options_(options) {
  const int64_t dim = options.dim,
                width = options.intermediate_size > 0 ? options.intermediate_size : 4 * dim;
  self_attn_ = register_module("self_attn", SelfAttention(dim));
  linear1_ = register_module("linear1", linear(dim, width));
  linear2_ = register_module("linear2", linear(width, dim));
  norm1_ = register_module("norm1", layer_norm(dim));
  norm2_ = register_module("norm2", layer_norm(dim));
}

// The constructor registers them in this order.
fn::EncoderLayerWeights EncoderLayerImpl::weights() const {
  return fn::layer_weights(parameters());
}

torch::Tensor EncoderLayerImpl::forward(const torch::Tensor& x, const torch::Tensor& mask) {
  return fn::encoder_layer(x, mask, weights(), options_.num_heads, options_.activation,
                           options_.dropout, is_training());
}

TransformerEncoderImpl::TransformerEncoderImpl(const EncoderOptions& options) : options_(options) {
  // For the names alone: AAM's stack is encoder.layers.{i} beside norm.
  auto encoder = register_module("encoder", std::make_shared<torch::nn::Module>());
  layers_ = encoder->register_module("layers", torch::nn::ModuleList());
  for (int64_t i = 0; i < options.num_layers; ++i) layers_->push_back(EncoderLayer(options));
  // 1e-6 as in AAM, unlike the norms inside of the layers.
  norm_ = register_module("norm", layer_norm(options.dim, 1e-6));
}

torch::Tensor TransformerEncoderImpl::forward(const torch::Tensor& x, const torch::Tensor& mask,
                                              bool skip_padding) {
  std::vector<fn::EncoderLayerWeights> layers;
  for (const auto& layer : *layers_) layers.push_back(layer->as<EncoderLayerImpl>()->weights());
  return norm_->forward(fn::encoder_stack(
      x, mask, layers,
      {options_.num_heads, options_.activation, options_.dropout, is_training(), skip_padding}));
}

PositionEmbeddingImpl::PositionEmbeddingImpl(int64_t num_positions, int64_t dim) {
  position_embedding_ =
      register_module("position_embedding", torch::nn::Embedding(num_positions, dim));
}

torch::Tensor PositionEmbeddingImpl::forward(const torch::Tensor& x) {
  return fn::add_positions(x, weight());
}

AttentionPoolingImpl::AttentionPoolingImpl(int64_t dim) {
  query_ =
      register_module("query", torch::nn::Linear(torch::nn::LinearOptions(dim, 1).bias(false)));
  norm_ = register_module("norm", layer_norm(dim));
}

torch::Tensor AttentionPoolingImpl::forward(const torch::Tensor& x, const torch::Tensor& mask) {
  return fn::attention_pool(x, mask, query_->weight, norm_->weight, norm_->bias);
}

ASVEncoderImpl::ASVEncoderImpl(const ModelConfig& config)
    : max_length_(config.max_bp + 1),
      nuc_mask_ratio_(config.nuc_mask_ratio),
      nuc_mask_strategy_(config.nuc_mask_strategy) {
  const int64_t dim = config.embedding_dim;
  token_embedding_ =
      register_module("token_embedding", torch::nn::Embedding(config.vocab_size, dim));
  position_embedding_ = register_module("position_embedding", PositionEmbedding(max_length_, dim));
  transformer_ = register_module("transformer", TransformerEncoder(asv_stack(config)));
  attention_pooling_ = register_module("attention_pooling", AttentionPooling(dim));
  if (config.predict_nucleotides) {
    nucleotide_head_ = register_module("nucleotide_head", linear(dim, config.vocab_size));
  }
}

ASVEncoding ASVEncoderImpl::forward(const torch::Tensor& tokens, bool return_nucleotides,
                                    bool skip_padding, const torch::Tensor& hidden_bases) {
  if (tokens.dim() != 2 || tokens.size(1) > max_length_) {
    throw ShapeError("ASV tokens: expected [U, L] with L at most max_bp + 1 = " +
                     std::to_string(max_length_) + ", got " + c10::str(tokens.sizes()));
  }
  const bool predict = return_nucleotides && !nucleotide_head_.is_empty();
  ASVEncoding out;
  torch::Tensor seen = tokens;
  // In evaluation nothing is hidden: the loss is then that of telling letters that are seen.
  if (predict && is_training() && nuc_mask_ratio_ > 0) {
    out.mask_indices = hidden_bases.defined()
                           ? hidden_bases
                           : fn::draw_mask(tokens, nuc_mask_strategy_, nuc_mask_ratio_);
    seen = fn::apply_mask_token(tokens, out.mask_indices);
  }
  // A masked letter is token 6, and real: it attends and is attended to.
  const torch::Tensor mask = seen.gt(0);
  const torch::Tensor states = transformer_->forward(
      fn::embed_tokens(seen, token_embedding_->weight, position_embedding_->weight()), mask,
      // Pooling leaves padding out anyway; only the nucleotide head looks at all positions.
      /*skip_padding=*/skip_padding || !predict);
  out.embeddings = attention_pooling_->forward(states, mask);
  if (predict) {
    out.nuc_predictions =
        fn::nucleotide_logits(states, seen, nucleotide_head_->weight, nucleotide_head_->bias);
  }
  return out;
}

SampleSequenceEncoderImpl::SampleSequenceEncoderImpl(const ModelConfig& config)
    // AAM's table of positions has five more than it uses; checkpoints have its shape.
    : max_asvs_(config.token_limit + 5) {
  const int64_t dim = config.embedding_dim;
  asv_encoder_ = register_module("asv_encoder", ASVEncoder(config));
  sample_position_embedding_ =
      register_module("sample_position_embedding", PositionEmbedding(max_asvs_, dim));
  sample_transformer_ =
      register_module("sample_transformer", TransformerEncoder(sample_stack(config)));
  if (!config.count_embedding) return;
  if (config.count_embedding_method == "film") {
    count_film_ = register_module("count_film", linear(1, 2 * dim));
    return;
  }
  count_embed_ = register_module("count_embed", linear(1, dim));
  if (config.count_embedding_method == "concat")
    count_proj_ = register_module("count_proj", linear(2 * dim, dim));
}

torch::Tensor SampleSequenceEncoderImpl::embed_counts(const torch::Tensor& x,
                                                      const torch::Tensor& counts) {
  if (count_embed_.is_empty() && count_film_.is_empty()) return x;
  if (!counts.defined())
    throw ArgumentError("counts: this model embeds counts (count_embedding), got none");
  const torch::Tensor reads = counts.to(x.scalar_type());
  if (!count_film_.is_empty())
    return fn::count_embed_film(x, reads, count_film_->weight, count_film_->bias);
  if (count_proj_.is_empty())
    return fn::count_embed_add(x, reads, count_embed_->weight, count_embed_->bias);
  return fn::count_embed_concat(x, reads, count_embed_->weight, count_embed_->bias,
                                count_proj_->weight, count_proj_->bias);
}

torch::Tensor SampleSequenceEncoderImpl::forward(const torch::Tensor& asv_embeddings,
                                                 const torch::Tensor& asv_index,
                                                 const torch::Tensor& mask,
                                                 const torch::Tensor& counts) {
  if (mask.dim() != 2 || mask.size(1) > max_asvs_) {
    throw ShapeError("mask: expected [B, S] with S at most token_limit + 5 = " +
                     std::to_string(max_asvs_) + ", got " + c10::str(mask.sizes()));
  }
  const torch::Tensor padding = mask.logical_not().unsqueeze(-1);
  torch::Tensor x = fn::gather_asvs(asv_embeddings, asv_index, mask);
  // Padding is zero again: a bias of the count embedding has changed it.
  x = embed_counts(x, counts).masked_fill(padding, 0.0);
  return sample_transformer_
      ->forward(sample_position_embedding_->forward(x), mask, /*skip_padding=*/true)
      .masked_fill(padding, 0.0);
}

AbundancePoolingImpl::AbundancePoolingImpl(int64_t dim) {
  scale_ = register_parameter("scale", at::empty({dim}));
  shift_ = register_parameter("shift", at::empty({dim}));
  projection_ = register_module("projection", linear(dim, dim));
}

torch::Tensor AbundancePoolingImpl::forward(const torch::Tensor& asv_embeddings,
                                            const torch::Tensor& asv_index,
                                            const torch::Tensor& mask,
                                            const torch::Tensor& counts) {
  if (!counts.defined())
    throw ArgumentError("counts: this model pools by abundance (abundance_pooling), got none");
  const torch::Tensor pooled = fn::pool_by_abundance(asv_embeddings, asv_index, mask, counts);
  return projection_->forward(pooled * scale_ + shift_);
}

TargetHeadImpl::TargetHeadImpl(const ModelConfig& config, int64_t num_outputs)
    : dropout_(config.regressor_dropout) {
  const int64_t dim = config.embedding_dim;
  if (config.regressor_hidden_dims.empty()) {
    weight_ = register_parameter("weight", at::empty({num_outputs, dim}));
    bias_ = register_parameter("bias", at::empty({num_outputs}));
    return;
  }
  auto holder = std::make_shared<torch::nn::Module>();
  if (config.residual_regression_head) {
    skip_ = register_module("skip", linear(dim, num_outputs));
    register_module("mlp", holder);
  }
  // With a residual path the numbered layers are one level deeper, as AAM names them.
  torch::nn::Module& owner = config.residual_regression_head ? *holder : *this;
  // Numbers as in torch.nn.Sequential(Linear, ReLU, [Dropout], Linear, ...).
  const int64_t stride = dropout_ > 0 ? 3 : 2;
  int64_t width = dim;
  for (int64_t next : config.regressor_hidden_dims) {
    mlp_.push_back(
        owner.register_module(std::to_string(stride * mlp_.size()), linear(width, next)));
    width = next;
  }
  mlp_.push_back(
      owner.register_module(std::to_string(stride * mlp_.size()), linear(width, num_outputs)));
}

torch::Tensor TargetHeadImpl::forward(const torch::Tensor& x) {
  if (mlp_.empty()) return at::linear(x, weight_, bias_);
  torch::Tensor y = x;
  for (size_t i = 0; i + 1 < mlp_.size(); ++i) {
    y = mlp_[i]->forward(y).relu();
    if (dropout_ > 0) y = at::dropout(y, dropout_, is_training());
  }
  y = mlp_.back()->forward(y);
  return skip_.is_empty() ? y : y + skip_->forward(x);
}

void TargetHeadImpl::start_at(const torch::Tensor& bias) {
  torch::Tensor& last = mlp_.empty() ? weight_ : mlp_.back()->weight;
  torch::Tensor& last_bias = mlp_.empty() ? bias_ : mlp_.back()->bias;
  // The residual path below must be silent, too.
  last.zero_();
  last_bias.copy_(bias);
  if (skip_.is_empty()) return;
  skip_->weight.zero_();
  skip_->bias.zero_();
}

}  // namespace deepbio::model
