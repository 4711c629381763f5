// The arithmetic of the network, once: pure functions of tensors, no state. Both shells
// (model/layers and model/aam for C++, deepbio_torch/models.py through torch.ops.deepbio for
// Python) call these and nothing else.
//
// Written so that any batch, ASV count and length survives tracing and export: no .item(), no size
// read into an int. Axes: R rows (sequences), T positions of a row, D embedding, H heads, V
// vocabulary, B samples, S ASVs, U distinct ASVs. Masks are bool, True = real.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>

namespace deepbio::model::functional {

using at::Tensor;

enum class Activation : int64_t { kGelu = 0, kGeluTanh = 1, kRelu = 2 };
Activation parse_activation(std::string_view name);  // throws ConfigError

// Parameters of one encoder layer, named as in torch.nn.TransformerEncoderLayer. D embedding, F
// feed-forward.
struct EncoderLayerWeights {
  Tensor in_proj_weight, in_proj_bias;                        // [3D, D], [3D]
  Tensor out_proj_weight, out_proj_bias;                      // [D, D], [D]
  Tensor linear1_weight, linear1_bias;                        // [F, D], [F]
  Tensor linear2_weight, linear2_bias;                        // [D, F], [D]
  Tensor norm1_weight, norm1_bias, norm2_weight, norm2_bias;  // [D]
};

// The order in which the weights of a layer travel: as Tensor[] through operators, flat through the
// fused stack. It is that of the parameters of torch.nn.TransformerEncoderLayer.
struct LayerWeight {
  const char* name;  // of the parameter
  Tensor EncoderLayerWeights::*value;
};
inline constexpr LayerWeight kLayerWeights[] = {
    {"self_attn.in_proj_weight", &EncoderLayerWeights::in_proj_weight},
    {"self_attn.in_proj_bias", &EncoderLayerWeights::in_proj_bias},
    {"self_attn.out_proj.weight", &EncoderLayerWeights::out_proj_weight},
    {"self_attn.out_proj.bias", &EncoderLayerWeights::out_proj_bias},
    {"linear1.weight", &EncoderLayerWeights::linear1_weight},
    {"linear1.bias", &EncoderLayerWeights::linear1_bias},
    {"linear2.weight", &EncoderLayerWeights::linear2_weight},
    {"linear2.bias", &EncoderLayerWeights::linear2_bias},
    {"norm1.weight", &EncoderLayerWeights::norm1_weight},
    {"norm1.bias", &EncoderLayerWeights::norm1_bias},
    {"norm2.weight", &EncoderLayerWeights::norm2_weight},
    {"norm2.bias", &EncoderLayerWeights::norm2_bias},
};
inline constexpr size_t kNumLayerWeights = std::size(kLayerWeights);

// The weights of one layer in that order. throws ArgumentError for another number of them.
EncoderLayerWeights layer_weights(at::TensorList weights);

// Pre-norm encoder layer: x + drop(attention(norm1(x))), then x + drop(W2 drop(act(W1 norm2(x)))).
//   x        [R, T, D]
//   key_mask [R, T] bool or undefined; positions False are not attended to (as queries they are
//            computed)
//   returns  [R, T, D]
//   source   torch.nn.TransformerEncoderLayer(norm_first=True, batch_first=True), eps 1e-5
Tensor encoder_layer(const Tensor& x, const Tensor& key_mask, const EncoderLayerWeights& weights,
                     int64_t num_heads, Activation activation, double dropout, bool training);

// Token plus position embedding: tokens [R, T] int64, token_weight [V, D], position_weight [P >= T,
// D] -> [R, T, D].
Tensor embed_tokens(const Tensor& tokens, const Tensor& token_weight,
                    const Tensor& position_weight);
// x [R, T, D] + position_weight[0..T-1].
Tensor add_positions(const Tensor& x, const Tensor& position_weight);

// Attention pooling with one learned query: softmax over real positions of (w . x) / sqrt(D),
// weighted sum, LayerNorm. A row without real positions pools uniformly, as in AAM.
//   x [R, T, D], mask [R, T], query [1, D], norm_* [D] -> [R, D]
Tensor attention_pool(const Tensor& x, const Tensor& mask, const Tensor& query,
                      const Tensor& norm_weight, const Tensor& norm_bias);

// Embeddings of distinct ASVs to the places where they occur, zero under padding.
//   asv_embeddings [U, D], asv_index [B, S] int64, mask [B, S] -> [B, S, D]
Tensor gather_asvs(const Tensor& asv_embeddings, const Tensor& asv_index, const Tensor& mask);

// Mean of a sample's ASV embeddings, weighted by ln(count + 1); zero for a sample without reads.
//   asv_embeddings [U, D], asv_index [B, S] int64, mask [B, S], counts [B, S] -> [B, D]
Tensor pool_by_abundance(const Tensor& asv_embeddings, const Tensor& asv_index, const Tensor& mask,
                         const Tensor& counts);

// Count embeddings on x [B, S, D] with counts [B, S]: c = ln(count + 1).
Tensor count_embed_add(const Tensor& x, const Tensor& counts, const Tensor& weight,
                       const Tensor& bias);
Tensor count_embed_concat(const Tensor& x, const Tensor& counts, const Tensor& weight,
                          const Tensor& bias, const Tensor& proj_weight, const Tensor& proj_bias);
Tensor count_embed_film(const Tensor& x, const Tensor& counts, const Tensor& weight,
                        const Tensor& bias);

struct LinearWeights {
  Tensor weight, bias;
};

// Covariates c [B, C]. concat: P [x; c] in every slot; add: x + P c; gmu on pooled [B, D]: {fused,
// gate}, with fused = pooled + gate * tanh(W_c c), gate = sigmoid(W_g [pooled; c]).
//   x [B, S, D], proj_weight [D, D + C] (concat) or [D, C] (add), transform_weight [D, C],
//   gate_weight [D, D + C]
Tensor fuse_concat(const Tensor& x, const Tensor& categories, const LinearWeights& projection);
Tensor fuse_add(const Tensor& x, const Tensor& categories, const LinearWeights& projection);
std::pair<Tensor, Tensor> fuse_gmu(const Tensor& pooled, const Tensor& categories,
                                   const LinearWeights& transform, const LinearWeights& gate);
// y [B, O] * scale[ids] + bias[ids]; ids int64 [B], scale and bias [categories, O].
Tensor conditional_scale(const Tensor& y, const Tensor& ids, const Tensor& scale,
                         const Tensor& bias);

// Logits of the nucleotide head for token states; a row without tokens gets the head's bias alone,
// as in AAM.
//   states [R, T, D], tokens [R, T], weight [V, D], bias [V] -> [R, T, V]
Tensor nucleotide_logits(const Tensor& states, const Tensor& tokens, const Tensor& weight,
                         const Tensor& bias);

// AAM's padded tokens [B, S, L] -> mask [B, S] (an ASV with a token), index int64 [B, S] (0..B*S-1
// in order).
Tensor asv_mask(const Tensor& tokens);
Tensor slot_index(const Tensor& mask);

// Tokens with some of A, C, G, T replaced by MASK, and where. Uses torch's default generator.
//   tokens [R, T] -> which [R, T] bool
Tensor random_mask(const Tensor& tokens, double ratio);
// Spans of 3 to 5 until the budget floor(ratio * valid) of the row is used (at most 100 tries).
Tensor span_mask(const Tensor& tokens, double ratio);
// One of them, by the name that nuc_mask_strategy has: random or span.
Tensor draw_mask(const Tensor& tokens, const std::string& strategy, double ratio);
Tensor apply_mask_token(const Tensor& tokens, const Tensor& which);

}  // namespace deepbio::model::functional
