// Covariates fused by attention: the pure functions behind categorical_fusion cross-attention and
// perceiver.
//
// Both use one multi-head attention with torch.nn.MultiheadAttention's packed projection. Axes: B
// samples, S ASVs, D embedding, H heads, N latents, C width of the covariates. Masks are bool, True
// = real. Like model/functional: no state, no size read into an int. Threads: none of its own.
// Source: AAM's fusion modules (aam.md 2.5).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "deepbio/model/functional.h"

namespace deepbio::model::functional {

struct AttentionWeights {
  LinearWeights in_proj,
      out_proj;  // [3D, D] and [3D] for query, key, value in this order; [D, D] and [D]
};

struct NormWeights {
  Tensor weight, bias;  // [D]
};

struct AttentionOptions {
  int64_t num_heads;
  double dropout;
  bool training;
};

// Weights as they travel through operators: in the order of the members, weight before bias.
struct CrossAttentionWeights {
  LinearWeights projection;  // P [D, C]
  AttentionWeights attention;
  NormWeights norm;
};
CrossAttentionWeights cross_attention_weights(
    at::TensorList weights);  // throws ArgumentError unless there are 8

struct LatentAttentionWeights {
  Tensor latents;                   // [N, D]
  LinearWeights slots, categories;  // P_x [D, D], P_c [D, C]
  AttentionWeights attention;
  NormWeights norm;
};
LatentAttentionWeights latent_attention_weights(
    at::TensorList weights);  // throws ArgumentError unless there are 11

struct Fused {
  Tensor values;
  Tensor attention;  // softmax weights, after their dropout
};

// norm(x + attention of every slot to the one vector P c). With a single key the softmax is 1
// everywhere, so without dropout each slot gets the same update, computed once per sample.
//   x [B, S, D], categories [B, C] -> values [B, S, D], attention [B, H, S, 1]
Fused fuse_cross_attention(const Tensor& x, const Tensor& categories,
                           const CrossAttentionWeights& weights, const AttentionOptions& options);

// norm(latents + attention of the latents to [P_x x; P_c c]), the covariates as one more position.
// Padded slots are not attended to (AAM attends to them, so its result depends on how far a batch
// is padded).
//   x [B, S, D], mask [B, S], categories [B, C] -> values [B, N, D], attention [B, H, N, S + 1]
Fused attend_latents(const Tensor& x, const Tensor& mask, const Tensor& categories,
                     const LatentAttentionWeights& weights, const AttentionOptions& options);

}  // namespace deepbio::model::functional
