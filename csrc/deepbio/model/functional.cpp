#include "deepbio/model/functional.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"

namespace deepbio::model::functional {
namespace {

constexpr int64_t kMaskToken = 6, kFirstLetter = 1, kLastLetter = 4;
constexpr double kLayerNormEps = 1e-5;
constexpr double kSmallestWeight = 1e-12;  // below any sum of ln(count + 1) but zero

Tensor norm(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return at::layer_norm_symint(x, weight.sym_sizes(), weight, bias, kLayerNormEps);
}

Tensor drop(const Tensor& x, double p, bool training) {
  return p > 0 && training ? at::dropout(x, p, true) : x;
}

Tensor activate(const Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kGelu:
      return at::gelu(x, "none");
    case Activation::kGeluTanh:
      return at::gelu(x, "tanh");
    case Activation::kRelu:
      return at::relu(x);
  }
  throw ConfigError("activation: expected 0 (gelu), 1 (gelu_tanh) or 2 (relu), got " +
                    std::to_string(static_cast<int64_t>(activation)));
}

// 0..T-1 for x [R, T], without reading T: the place of each column counted along a row of ones.
Tensor column_numbers(const Tensor& x) {
  return at::zeros_like(x, at::kLong).sum(0).add(1).cumsum(0).sub(1);
}

Tensor self_attention(const Tensor& x, const Tensor& key_mask, const EncoderLayerWeights& w,
                      int64_t num_heads, double dropout) {
  const Tensor qkv =
      at::linear(x, w.in_proj_weight, w.in_proj_bias).unflatten(-1, {3, num_heads, -1});
  const Tensor heads = qkv.permute({2, 0, 3, 1, 4});  // [3, R, H, T, D / H]
  std::optional<Tensor> mask;
  // [R, 1, 1, T]: the same for all heads and all queries.
  if (key_mask.defined()) mask = key_mask.unsqueeze(1).unsqueeze(1);
  // It has dropout inside, which falls on the attention weights as in torch's own layer.
  const Tensor mixed = at::scaled_dot_product_attention(heads.select(0, 0), heads.select(0, 1),
                                                        heads.select(0, 2), mask, dropout, false);
  return at::linear(mixed.transpose(1, 2).flatten(2), w.out_proj_weight, w.out_proj_bias);
}

bool is_letter(int64_t token) { return token >= kFirstLetter && token <= kLastLetter; }

// Marks spans of one row until the budget is used; `which` starts all false.
void mask_spans(std::span<const int64_t> row, double ratio, CounterRandom& random, bool* which) {
  constexpr int kTries = 100, kShortest = 3, kLengths = 3;
  std::vector<size_t> letters;
  for (size_t i = 0; i < row.size(); ++i) {
    if (is_letter(row[i])) letters.push_back(i);
  }
  // A share of the letters, not of the positions: padding and START are never hidden.
  auto budget = static_cast<int64_t>(std::floor(ratio * static_cast<double>(letters.size())));
  for (int tries = 0; budget > 0 && tries < kTries; ++tries) {
    const size_t start = letters[random.below(letters.size())];
    const size_t end = std::min(start + kShortest + random.below(kLengths), row.size());
    for (size_t i = start; i < end && budget > 0; ++i) {
      // Overlapping spans spend the budget on fresh letters alone.
      if (!is_letter(row[i]) || which[i]) continue;
      which[i] = true;
      --budget;
    }
  }
}

}  // namespace

Activation parse_activation(std::string_view name) {
  if (name == "gelu") return Activation::kGelu;
  if (name == "gelu_tanh") return Activation::kGeluTanh;
  if (name == "relu") return Activation::kRelu;
  throw ConfigError("activation: expected gelu, gelu_tanh or relu, got " + quoted(name));
}

EncoderLayerWeights layer_weights(at::TensorList weights) {
  if (std::size(weights) != kNumLayerWeights) {
    throw ArgumentError("encoder layer: expected " + std::to_string(kNumLayerWeights) +
                        " weights, got " + std::to_string(std::size(weights)));
  }
  EncoderLayerWeights out;
  for (size_t i = 0; i < kNumLayerWeights; ++i) out.*kLayerWeights[i].value = weights[i];
  return out;
}

Tensor encoder_layer(const Tensor& x, const Tensor& key_mask, const EncoderLayerWeights& w,
                     int64_t num_heads, Activation activation, double dropout, bool training) {
  const Tensor normed = norm(x, w.norm1_weight, w.norm1_bias);
  const Tensor attended = self_attention(normed, key_mask, w, num_heads, training ? dropout : 0.0);
  const Tensor y = x + drop(attended, dropout, training);
  const Tensor inner =
      at::linear(norm(y, w.norm2_weight, w.norm2_bias), w.linear1_weight, w.linear1_bias);
  const Tensor hidden = drop(activate(inner, activation), dropout, training);
  return y + drop(at::linear(hidden, w.linear2_weight, w.linear2_bias), dropout, training);
}

Tensor embed_tokens(const Tensor& tokens, const Tensor& token_weight,
                    const Tensor& position_weight) {
  return at::embedding(token_weight, tokens) +
         at::embedding(position_weight, column_numbers(tokens));
}

Tensor add_positions(const Tensor& x, const Tensor& position_weight) {
  return x + at::embedding(position_weight, column_numbers(x.select(-1, 0)));
}

Tensor attention_pool(const Tensor& x, const Tensor& mask, const Tensor& query,
                      const Tensor& norm_weight, const Tensor& norm_bias) {
  const double scale = 1 / std::sqrt(static_cast<double>(query.size(-1)));
  const Tensor scores = at::linear(x, query).squeeze(-1).mul(scale);
  // A row of -inf would give NaN, which a gradient carries into all weights.
  const Tensor empty = mask.any(-1, true).logical_not();
  const Tensor weights =
      scores.masked_fill(mask.logical_not(), -INFINITY).masked_fill(empty, 0.0).softmax(-1);
  return norm(at::matmul(weights.unsqueeze(1), x).squeeze(1), norm_weight, norm_bias);
}

Tensor gather_asvs(const Tensor& asv_embeddings, const Tensor& asv_index, const Tensor& mask) {
  return at::embedding(asv_embeddings, asv_index)
      .masked_fill(mask.logical_not().unsqueeze(-1), 0.0);
}

Tensor pool_by_abundance(const Tensor& asv_embeddings, const Tensor& asv_index, const Tensor& mask,
                         const Tensor& counts) {
  const Tensor weight =
      counts.to(asv_embeddings.scalar_type()).log1p().masked_fill(mask.logical_not(), 0.0);
  const Tensor share = weight / weight.sum(-1, /*keepdim=*/true).clamp_min(kSmallestWeight);
  return at::bmm(share.unsqueeze(1), gather_asvs(asv_embeddings, asv_index, mask)).squeeze(1);
}

Tensor count_embed_add(const Tensor& x, const Tensor& counts, const Tensor& weight,
                       const Tensor& bias) {
  return x + at::linear(counts.log1p().unsqueeze(-1), weight, bias);
}

Tensor count_embed_concat(const Tensor& x, const Tensor& counts, const Tensor& weight,
                          const Tensor& bias, const Tensor& proj_weight, const Tensor& proj_bias) {
  return at::linear(at::cat({x, at::linear(counts.log1p().unsqueeze(-1), weight, bias)}, -1),
                    proj_weight, proj_bias);
}

Tensor count_embed_film(const Tensor& x, const Tensor& counts, const Tensor& weight,
                        const Tensor& bias) {
  // Scale and shift of FiLM (Perez et al. 2018); 1 + scale, so that weights near 0 change little.
  const auto parts = at::linear(counts.log1p().unsqueeze(-1), weight, bias).chunk(2, -1);
  return x * (1 + parts[0]) + parts[1];
}

Tensor fuse_concat(const Tensor& x, const Tensor& categories, const LinearWeights& projection) {
  // P [x; c] = P_x x + P_c c: the second term is the same in every slot, so it is computed once per
  // sample.
  const int64_t dim = projection.weight.size(0);
  const Tensor of_categories =
      at::linear(categories, projection.weight.slice(1, dim), projection.bias);
  return at::linear(x, projection.weight.slice(1, 0, dim)) + of_categories.unsqueeze(1);
}

Tensor fuse_add(const Tensor& x, const Tensor& categories, const LinearWeights& projection) {
  return x + at::linear(categories, projection.weight, projection.bias).unsqueeze(1);
}

std::pair<Tensor, Tensor> fuse_gmu(const Tensor& pooled, const Tensor& categories,
                                   const LinearWeights& transform, const LinearWeights& gate) {
  const Tensor open =
      at::linear(at::cat({pooled, categories}, -1), gate.weight, gate.bias).sigmoid();
  return {pooled + open * at::linear(categories, transform.weight, transform.bias).tanh(), open};
}

Tensor conditional_scale(const Tensor& y, const Tensor& ids, const Tensor& scale,
                         const Tensor& bias) {
  return y * at::embedding(scale, ids) + at::embedding(bias, ids);
}

Tensor nucleotide_logits(const Tensor& states, const Tensor& tokens, const Tensor& weight,
                         const Tensor& bias) {
  const Tensor empty = tokens.gt(0).any(-1, true).logical_not().unsqueeze(-1);
  return at::where(empty, bias, at::linear(states, weight, bias));
}

Tensor asv_mask(const Tensor& tokens) { return tokens.gt(0).any(-1); }

Tensor slot_index(const Tensor& mask) {
  // 0, 1, ..., B * S - 1 without reading a size: `arange` of one would bind an export to it.
  return at::ones_like(mask, at::kLong).flatten().cumsum(0).sub(1).view_as(mask);
}

Tensor random_mask(const Tensor& tokens, double ratio) {
  const Tensor letters = tokens.ge(kFirstLetter).logical_and(tokens.le(kLastLetter));
  // Drawn for each position and used for letters: the draw does not depend on what is there.
  return at::rand_like(tokens, at::kFloat).lt(ratio).logical_and(letters);
}

Tensor span_mask(const Tensor& tokens, double ratio) {
  const Tensor rows = tokens.to(at::kCPU).contiguous();
  // A seed for each row from torch's generator: rows can then be walked in any order.
  const Tensor seeds = at::randint(int64_t{1} << 62, {rows.size(0)}, at::kLong);
  Tensor which = at::zeros(rows.sizes(), at::kBool);
  const int64_t length = rows.size(1);
  for (int64_t row = 0; row < rows.size(0); ++row) {
    CounterRandom random(static_cast<uint64_t>(seeds.data_ptr<int64_t>()[row]), 0, 0,
                         Purpose::kStep);
    mask_spans({rows.data_ptr<int64_t>() + row * length, static_cast<size_t>(length)}, ratio,
               random, which.data_ptr<bool>() + row * length);
  }
  return which.to(tokens.device());
}

Tensor draw_mask(const Tensor& tokens, const std::string& strategy, double ratio) {
  return strategy == "span" ? span_mask(tokens, ratio) : random_mask(tokens, ratio);
}

Tensor apply_mask_token(const Tensor& tokens, const Tensor& which) {
  return tokens.masked_fill(which, kMaskToken);
}

}  // namespace deepbio::model::functional
