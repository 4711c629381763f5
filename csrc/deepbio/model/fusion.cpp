#include "deepbio/model/fusion.h"

#include <ATen/Functions.h>

#include <cmath>
#include <limits>

namespace deepbio::model::functional {
namespace {

constexpr double kLayerNormEps = 1e-5;

Tensor normalized(const Tensor& x, const NormWeights& norm) {
  return at::layer_norm_symint(x, norm.weight.sym_sizes(), norm.weight, norm.bias, kLayerNormEps);
}

// Part 0, 1, 2 of the packed projection: query, key, value. x [..., T, D] -> [..., H, T, D / H]
Tensor heads_of(const Tensor& x, const LinearWeights& in_proj, int64_t part, int64_t num_heads) {
  const Tensor weight = in_proj.weight.chunk(3, 0)[part], bias = in_proj.bias.chunk(3, 0)[part];
  return at::linear(x, weight, bias).unflatten(-1, {num_heads, -1}).transpose(-3, -2);
}

Tensor joined(const Tensor& heads, const LinearWeights& out_proj) {
  return at::linear(heads.transpose(-3, -2).flatten(-2), out_proj.weight, out_proj.bias);
}

Tensor dropped(const Tensor& weights, double p, bool training) {
  return p > 0 && training ? at::dropout(weights, p, true) : weights;
}

}  // namespace

Fused fuse_cross_attention(const Tensor& x, const Tensor& categories, const LinearWeights& projection,
                           const AttentionWeights& attention, const NormWeights& norm, int64_t num_heads,
                           double dropout, bool training) {
  const Tensor key = at::linear(categories, projection.weight, projection.bias).unsqueeze(1);
  const Tensor value = heads_of(key, attention.in_proj, 2, num_heads);  // [B, H, 1, D / H]
  const Tensor ones = at::ones_like(x.select(-1, 0)).unsqueeze(1).unsqueeze(-1).expand({-1, num_heads, -1, -1});
  if (!(dropout > 0 && training)) return {normalized(x + joined(value, attention.out_proj), norm), ones};
  const Tensor weights = at::dropout(ones, dropout, true);
  return {normalized(x + joined(weights * value, attention.out_proj), norm), weights};
}

Fused attend_latents(const Tensor& x, const Tensor& mask, const Tensor& categories, const Tensor& latents,
                     const LinearWeights& slot_projection, const LinearWeights& category_projection,
                     const AttentionWeights& attention, const NormWeights& norm, int64_t num_heads, double dropout,
                     bool training) {
  const Tensor slots = at::linear(x, slot_projection.weight, slot_projection.bias);
  const Tensor category = at::linear(categories, category_projection.weight, category_projection.bias).unsqueeze(1);
  const Tensor context = at::cat({slots, category}, 1);
  const Tensor real = at::constant_pad_nd(mask, {0, 1}, true).unsqueeze(1).unsqueeze(1);  // [B, 1, 1, S + 1]
  const Tensor query = heads_of(latents, attention.in_proj, 0, num_heads);                // [H, N, D / H]
  const Tensor key = heads_of(context, attention.in_proj, 1, num_heads);                  // [B, H, S + 1, D / H]
  const Tensor value = heads_of(context, attention.in_proj, 2, num_heads);
  const double scale = std::sqrt(static_cast<double>(num_heads) / static_cast<double>(latents.size(-1)));
  const Tensor scores = at::matmul(query, key.transpose(-2, -1)).mul(scale);
  const double never = -std::numeric_limits<double>::infinity();
  const Tensor weights = dropped(scores.masked_fill(real.logical_not(), never).softmax(-1), dropout, training);
  return {normalized(latents + joined(at::matmul(weights, value), attention.out_proj), norm), weights};
}

}  // namespace deepbio::model::functional
