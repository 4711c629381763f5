#include "deepbio/model/fusion.h"

#include <ATen/Functions.h>

#include <cmath>
#include <limits>
#include <string>

#include "deepbio/base/error.h"

namespace deepbio::model::functional {
namespace {

constexpr double kFusionEps = 1e-5;

Tensor normalized(const Tensor& x, const NormWeights& norm) {
  return at::layer_norm_symint(x, norm.weight.sym_sizes(), norm.weight, norm.bias, kFusionEps);
}

// Part 0, 1, 2 of the packed projection: query, key, value. x [..., T, D] -> [..., H, T, D / H]
Tensor heads_of(const Tensor& x, const LinearWeights& in_proj, int64_t part, int64_t num_heads) {
  // By parts, as query and key come from different tensors here: one product of all three would not
  // do.
  const Tensor weight = in_proj.weight.chunk(3, 0)[part], bias = in_proj.bias.chunk(3, 0)[part];
  return at::linear(x, weight, bias).unflatten(-1, {num_heads, -1}).transpose(-3, -2);
}

Tensor joined(const Tensor& heads, const LinearWeights& out_proj) {
  return at::linear(heads.transpose(-3, -2).flatten(-2), out_proj.weight, out_proj.bias);
}

Tensor dropped(const Tensor& weights, double p, bool training) {
  return p > 0 && training ? at::dropout(weights, p, true) : weights;
}

void expect_weights(at::TensorList weights, size_t expected, const char* what) {
  if (weights.size() == expected) return;
  throw ArgumentError(std::string(what) + ": expected " + std::to_string(expected) +
                      " weights, got " + std::to_string(weights.size()));
}

}  // namespace

CrossAttentionWeights cross_attention_weights(at::TensorList weights) {
  expect_weights(weights, 8, "fuse_cross_attention");
  const auto& w = weights;
  return {{w[0], w[1]}, {{w[2], w[3]}, {w[4], w[5]}}, {w[6], w[7]}};
}

LatentAttentionWeights latent_attention_weights(at::TensorList weights) {
  expect_weights(weights, 11, "attend_latents");
  const auto& w = weights;
  return {w[0], {w[1], w[2]}, {w[3], w[4]}, {{w[5], w[6]}, {w[7], w[8]}}, {w[9], w[10]}};
}

Fused fuse_cross_attention(const Tensor& x, const Tensor& categories,
                           const CrossAttentionWeights& w, const AttentionOptions& options) {
  const Tensor key = at::linear(categories, w.projection.weight, w.projection.bias).unsqueeze(1);
  // [B, H, 1, D / H]
  const Tensor value = heads_of(key, w.attention.in_proj, 2, options.num_heads);
  // [B, H, S, 1] without reading B or S.
  const Tensor ones = at::ones_like(x.select(-1, 0))
                          .unsqueeze(1)
                          .unsqueeze(-1)
                          .expand({-1, options.num_heads, -1, -1});
  // [B, 1, D], and the sum with x [B, S, D] spreads it over the slots.
  if (!(options.dropout > 0 && options.training)) {
    return {normalized(x + joined(value, w.attention.out_proj), w.norm), ones};
  }
  const Tensor shares = at::dropout(ones, options.dropout, true);
  return {normalized(x + joined(shares * value, w.attention.out_proj), w.norm), shares};
}

Fused attend_latents(const Tensor& x, const Tensor& mask, const Tensor& categories,
                     const LatentAttentionWeights& w, const AttentionOptions& options) {
  const int64_t num_heads = options.num_heads;
  const Tensor slots = at::linear(x, w.slots.weight, w.slots.bias);
  const Tensor category =
      at::linear(categories, w.categories.weight, w.categories.bias).unsqueeze(1);
  // [B, S + 1, D]; the covariates are always real.
  const Tensor context = at::cat({slots, category}, 1);
  // [B, 1, 1, S + 1]
  const Tensor real = at::constant_pad_nd(mask, {0, 1}, true).unsqueeze(1).unsqueeze(1);
  const Tensor query = heads_of(w.latents, w.attention.in_proj, 0, num_heads);  // [H, N, D / H]
  const Tensor key = heads_of(context, w.attention.in_proj, 1, num_heads);  // [B, H, S + 1, D / H]
  const Tensor value = heads_of(context, w.attention.in_proj, 2, num_heads);

  const double scale =
      std::sqrt(static_cast<double>(num_heads) / static_cast<double>(w.latents.size(-1)));
  const Tensor scores = at::matmul(query, key.transpose(-2, -1)).mul(scale);
  const double never = -std::numeric_limits<double>::infinity();
  const Tensor shares = dropped(scores.masked_fill(real.logical_not(), never).softmax(-1),
                                options.dropout, options.training);
  return {normalized(w.latents + joined(at::matmul(shares, value), w.attention.out_proj), w.norm),
          shares};
}

}  // namespace deepbio::model::functional
