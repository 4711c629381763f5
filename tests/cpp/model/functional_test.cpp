#include "deepbio/model/functional.h"

#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "catch.h"

namespace fn = deepbio::model::functional;
using torch::Tensor;

namespace {

// A plain encoder layer: per head, per query, softmax over the real keys.
Tensor slow_encoder_layer(const Tensor& x, const Tensor& mask, const fn::EncoderLayerWeights& w,
                          int64_t heads) {
  const int64_t rows = x.size(0), length = x.size(1), dim = x.size(2), width = dim / heads;
  const auto norm = [&](const Tensor& t, const Tensor& weight, const Tensor& bias) {
    const Tensor centred = t - t.mean(-1, true);
    return centred / (centred.square().mean(-1, true) + 1e-5).sqrt() * weight + bias;
  };
  const Tensor qkv =
      norm(x, w.norm1_weight, w.norm1_bias).matmul(w.in_proj_weight.t()) + w.in_proj_bias;
  Tensor mixed = torch::zeros_like(x);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t head = 0; head < heads; ++head) {
      const auto part = [&](int64_t which) {
        return qkv[row].narrow(1, which * dim + head * width, width);
      };
      for (int64_t query = 0; query < length; ++query) {
        const Tensor scores = part(1).mv(part(0)[query]) / std::sqrt(static_cast<double>(width));
        const Tensor weights = scores.exp() * mask[row];
        mixed[row][query].narrow(0, head * width, width) +=
            (weights / weights.sum()).matmul(part(2));
      }
    }
  }
  const Tensor y = x + mixed.matmul(w.out_proj_weight.t()) + w.out_proj_bias;
  const Tensor inner =
      norm(y, w.norm2_weight, w.norm2_bias).matmul(w.linear1_weight.t()) + w.linear1_bias;
  const Tensor gelu = 0.5 * inner * (1 + (inner / std::sqrt(2.0)).erf());
  return y + gelu.matmul(w.linear2_weight.t()) + w.linear2_bias;
}

fn::EncoderLayerWeights random_weights(int64_t dim, int64_t width) {
  const auto make = [](at::IntArrayRef shape) { return torch::randn(shape, torch::kDouble) * 0.3; };
  return {make({3 * dim, dim}), make({3 * dim}), make({dim, dim}),   make({dim}),
          make({width, dim}),   make({width}),   make({dim, width}), make({dim}),
          make({dim}),          make({dim}),     make({dim}),        make({dim})};
}

}  // namespace

CATCH_TEST_CASE("an encoder layer is attention and feed-forward written out by hand",
                "[functional]") {
  torch::manual_seed(0);
  const auto weights = random_weights(12, 20);
  const Tensor x = torch::randn({3, 5, 12}, torch::kDouble);
  const Tensor mask = torch::arange(5).lt(torch::tensor({5, 2, 4}).unsqueeze(1));
  const Tensor got = fn::encoder_layer(x, mask, weights, 3, fn::Activation::kGelu, 0.0, true);
  CATCH_REQUIRE(at::allclose(got, slow_encoder_layer(x, mask, weights, 3), 0, 1e-12));
  const Tensor all = torch::ones({3, 5}, torch::kBool);
  CATCH_REQUIRE(
      at::allclose(fn::encoder_layer(x, {}, weights, 3, fn::Activation::kGelu, 0.0, false),
                   slow_encoder_layer(x, all, weights, 3), 0, 1e-12));
  const Tensor tanh = fn::encoder_layer(x, mask, weights, 3, fn::Activation::kGeluTanh, 0.0, false);
  CATCH_REQUIRE_FALSE(at::allclose(got, tanh, 0, 1e-6));
  CATCH_REQUIRE(at::allclose(got, tanh, 0, 1e-1));
}

CATCH_TEST_CASE("a row without a real position gives no NaN, forward or backward", "[functional]") {
  torch::manual_seed(0);
  for (const auto dtype : {torch::kFloat, torch::kDouble}) {
    auto weights = random_weights(8, 16);
    for (Tensor* t : {&weights.in_proj_weight, &weights.in_proj_bias, &weights.out_proj_weight,
                      &weights.out_proj_bias, &weights.linear1_weight, &weights.linear1_bias,
                      &weights.linear2_weight, &weights.linear2_bias, &weights.norm1_weight,
                      &weights.norm1_bias, &weights.norm2_weight, &weights.norm2_bias}) {
      *t = t->to(dtype);
    }
    const Tensor x = torch::randn({2, 4, 8}, torch::TensorOptions(dtype).requires_grad(true));
    const Tensor mask =
        torch::tensor({{true, true, false, false}, {false, false, false, false}}, torch::kBool);
    for (const double dropout : {0.0, 0.4}) {
      const Tensor y = fn::encoder_layer(x, mask, weights, 2, fn::Activation::kGelu, dropout, true);
      const Tensor pooled = fn::attention_pool(y, mask, torch::randn({1, 8}, dtype),
                                               torch::ones({8}, dtype), torch::zeros({8}, dtype));
      CATCH_REQUIRE(pooled.isfinite().all().item<bool>());
      const Tensor gradient = torch::autograd::grad({pooled.sum() + y.sum()}, {x})[0];
      CATCH_REQUIRE(gradient.isfinite().all().item<bool>());
    }
  }
}

CATCH_TEST_CASE("attention pooling is a softmax over real positions and a LayerNorm",
                "[functional]") {
  const Tensor x = torch::tensor({{{1.0, 0.0}, {0.0, 2.0}, {9.0, 9.0}}}, torch::kDouble);
  const Tensor mask = torch::tensor({{true, true, false}});
  const Tensor query = torch::tensor({{0.5, 1.0}}, torch::kDouble);
  // scores 0.5/sqrt(2), 2/sqrt(2): weights by hand
  const double a = std::exp(0.5 / std::sqrt(2.0)), b = std::exp(2 / std::sqrt(2.0));
  const double first = a / (a + b), second = 2 * b / (a + b), mean = (first + second) / 2;
  const double sd = std::sqrt((first - mean) * (first - mean) + 1e-5);
  const Tensor got = fn::attention_pool(x, mask, query, torch::tensor({2.0, 1.0}, torch::kDouble),
                                        torch::tensor({0.0, 3.0}, torch::kDouble));
  CATCH_REQUIRE(got[0][0].item<double>() == Approx(2 * (first - mean) / sd));
  CATCH_REQUIRE(got[0][1].item<double>() == Approx((second - mean) / sd + 3));
}

CATCH_TEST_CASE("tokens get their own row and the row of their place", "[functional]") {
  const Tensor token = torch::arange(14.0).view({7, 2}),
               position = torch::arange(100.0, 112.0).view({6, 2});
  const Tensor tokens = torch::tensor({{5, 1, 0}, {4, 4, 2}});
  const Tensor got = fn::embed_tokens(tokens, token, position);
  for (int64_t row = 0; row < 2; ++row) {
    for (int64_t at = 0; at < 3; ++at) {
      const Tensor expected = token[tokens[row][at].item<int64_t>()] + position[at];
      CATCH_REQUIRE(at::equal(got[row][at], expected));
    }
  }
  const Tensor x = torch::randn({2, 4, 2});
  CATCH_REQUIRE(at::equal(fn::add_positions(x, position), x + position.slice(0, 0, 4)));
  CATCH_REQUIRE(fn::add_positions(x.slice(0, 0, 0), position).sizes() ==
                at::IntArrayRef({0, 4, 2}));
}

CATCH_TEST_CASE("distinct ASVs stand where they occur and padding is zero", "[functional]") {
  const Tensor asvs = torch::tensor({{1.0, 2.0}, {3.0, 4.0}});
  const Tensor got = fn::gather_asvs(asvs, torch::tensor({{1, 0}, {1, 0}}),
                                     torch::tensor({{true, true}, {true, false}}));
  CATCH_REQUIRE(
      at::equal(got, torch::tensor({{{3.0, 4.0}, {1.0, 2.0}}, {{3.0, 4.0}, {0.0, 0.0}}})));
  const Tensor tokens = torch::tensor({{{5, 1}, {0, 0}}, {{5, 2}, {5, 0}}});
  CATCH_REQUIRE(at::equal(fn::asv_mask(tokens), torch::tensor({{true, false}, {true, true}})));
  CATCH_REQUIRE(at::equal(fn::slot_index(fn::asv_mask(tokens)), torch::tensor({{0, 1}, {2, 3}})));
}

CATCH_TEST_CASE("count embeddings see ln(count + 1)", "[functional]") {
  const Tensor x = torch::tensor({{{1.0, 2.0}}}, torch::kDouble),
               counts = torch::tensor({{9.0}}, torch::kDouble);
  const Tensor w = torch::tensor({{2.0}, {-1.0}}, torch::kDouble),
               b = torch::tensor({0.5, 0.25}, torch::kDouble);
  const double c = std::log(10.0);
  const Tensor added = fn::count_embed_add(x, counts, w, b);
  CATCH_REQUIRE(
      at::allclose(added, torch::tensor({{{1 + 2 * c + 0.5, 2 - c + 0.25}}}, torch::kDouble)));
  const Tensor p =
      torch::tensor({{1.0, 10.0, 100.0, 1000.0}, {0.0, 0.0, 0.0, 1.0}}, torch::kDouble);
  const Tensor joined =
      fn::count_embed_concat(x, counts, w, b, p, torch::zeros({2}, torch::kDouble));
  const double e0 = 2 * c + 0.5, e1 = -c + 0.25;
  CATCH_REQUIRE(
      at::allclose(joined, torch::tensor({{{21 + 100 * e0 + 1000 * e1, e1}}}, torch::kDouble)));
  const Tensor film = fn::count_embed_film(torch::tensor({{{3.0}}}, torch::kDouble), counts, w, b);
  CATCH_REQUIRE(film.item<double>() == Approx(3 * (1 + e0) + e1));
}

CATCH_TEST_CASE("pooling by abundance is the mean weighted by ln(count + 1)", "[functional]") {
  const Tensor asvs = torch::tensor({{1.0, 2.0}, {3.0, -4.0}, {5.0, 6.0}}, torch::kDouble);
  const Tensor index = torch::tensor({{2, 0}, {1, 0}, {0, 0}});
  const Tensor mask = torch::tensor({{true, true}, {true, false}, {false, false}});
  const Tensor counts = torch::tensor({{9.0, 99.0}, {7.0, 1000.0}, {5.0, 5.0}});
  const double a = std::log(10.0), b = std::log(100.0);
  const Tensor expected =
      torch::tensor({{(5 * a + b) / (a + b), (6 * a + 2 * b) / (a + b)}, {3.0, -4.0}, {0.0, 0.0}},
                    torch::kDouble);
  CATCH_REQUIRE(
      at::allclose(fn::pool_by_abundance(asvs, index, mask, counts.to(torch::kDouble)), expected));
  CATCH_REQUIRE(fn::pool_by_abundance(asvs, index, mask, counts).scalar_type() == torch::kDouble);
}

CATCH_TEST_CASE("covariates are fused as written", "[functional]") {
  torch::manual_seed(3);
  const Tensor x = torch::randn({2, 3, 4}, torch::kDouble),
               c = torch::randn({2, 5}, torch::kDouble);
  const Tensor w = torch::randn({4, 9}, torch::kDouble), b = torch::randn({4}, torch::kDouble);
  const Tensor expected = at::linear(at::cat({x, c.unsqueeze(1).expand({2, 3, 5})}, -1), w, b);
  CATCH_REQUIRE(at::allclose(fn::fuse_concat(x, c, {w, b}), expected));
  const Tensor pooled = x.select(1, 0), t = torch::randn({4, 5}, torch::kDouble);
  const auto [fused, gate] = fn::fuse_gmu(pooled, c, {t, b}, {w, b});
  CATCH_REQUIRE(at::allclose(gate, 1 / (1 + (-at::linear(at::cat({pooled, c}, 1), w, b)).exp())));
  CATCH_REQUIRE(at::allclose(fused, pooled + gate * at::tanh(at::linear(c, t, b))));
  const Tensor y = torch::tensor({{2.0}, {3.0}}), ids = torch::tensor({1, 0});
  const Tensor scaled =
      fn::conditional_scale(y, ids, torch::tensor({{1.0}, {10.0}}), torch::tensor({{0.0}, {0.5}}));
  CATCH_REQUIRE(at::equal(scaled, torch::tensor({{20.5}, {3.0}})));
}

CATCH_TEST_CASE("masking takes letters at the asked rate, spans use up their budget",
                "[functional]") {
  torch::manual_seed(0);
  Tensor tokens = torch::randint(1, 5, {300, 30});
  tokens.select(1, 0).fill_(5);
  tokens.slice(1, 25).zero_();
  const Tensor letters = tokens.ge(1).logical_and(tokens.le(4));
  const Tensor random = fn::random_mask(tokens, 0.15);
  CATCH_REQUIRE_FALSE(random.logical_and(letters.logical_not()).any().item<bool>());
  // 7200 letters, p = 0.15: standard deviation 0.0042
  CATCH_REQUIRE(random.sum().item<double>() / letters.sum().item<double>() ==
                Approx(0.15).margin(0.017));
  const Tensor span = fn::span_mask(tokens, 0.25);
  CATCH_REQUIRE_FALSE(span.logical_and(letters.logical_not()).any().item<bool>());
  CATCH_REQUIRE(span.sum(1).eq(6).all().item<bool>());  // floor(0.25 x 24)
  const Tensor hidden = fn::apply_mask_token(tokens, span);
  CATCH_REQUIRE(at::equal(hidden.eq(6), span));
  CATCH_REQUIRE(at::equal(hidden.masked_select(span.logical_not()),
                          tokens.masked_select(span.logical_not())));
  CATCH_REQUIRE(fn::span_mask(torch::zeros({2, 4}, torch::kLong), 0.5).any().item<bool>() == false);
}
