// The kernels against a plain version in double: outputs directly, gradients by central differences
// of that version.
#include "deepbio/model/encoder_kernels.h"

#include <array>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>

#include "catch.h"

using namespace deepbio;
using namespace deepbio::model::encoder;

namespace {

using Numbers = std::vector<double>;
using Weights =
    std::vector<std::array<Numbers, 12>>;  // by layer, in the order of EncoderLayerWeights

struct Problem {
  StackShape shape;
  Numbers x, grad_out;
  Weights weights;
  std::vector<uint8_t> key_mask;
  std::vector<int64_t> starts =
      {};  // of the sequences among the rows that are computed; empty: all are

  // The number under which dropout knows a row, or -1 for one that is left out.
  int64_t number_of(int64_t row) const {
    const int64_t sequence = row / shape.length, position = row % shape.length;
    if (starts.empty()) return row;
    return starts[sequence] + position < starts[sequence + 1] ? starts[sequence] + position : -1;
  }
};

Problem make_problem(StackShape s, bool masked) {
  std::mt19937_64 engine(7);
  std::normal_distribution<double> normal;
  const auto numbers = [&](int64_t n, double scale, double middle = 0) {
    Numbers out(static_cast<size_t>(n));
    for (double& value : out) value = static_cast<float>(middle + scale * normal(engine));
    return out;
  };
  Problem p{
      s, numbers(s.rows * s.length * s.dim, 1), numbers(s.rows * s.length * s.dim, 1), {}, {}};
  const int64_t d = s.dim, f = s.width;
  for (int64_t layer = 0; layer < s.layers; ++layer) {
    const double wide = 1 / std::sqrt(static_cast<double>(d));
    p.weights.push_back({numbers(3 * d * d, wide), numbers(3 * d, 0.1), numbers(d * d, wide),
                         numbers(d, 0.1), numbers(f * d, wide), numbers(f, 0.1),
                         numbers(d * f, 1 / std::sqrt(static_cast<double>(f))), numbers(d, 0.1),
                         numbers(d, 0.1, 1), numbers(d, 0.1), numbers(d, 0.1, 1), numbers(d, 0.1)});
  }
  if (masked) {
    p.key_mask.assign(static_cast<size_t>(s.rows * s.length), 1);
    for (int64_t r = 0; r < s.rows; ++r) {
      for (int64_t j = s.length - r % s.length; j < s.length; ++j) p.key_mask[r * s.length + j] = 0;
      if (s.length > 3) p.key_mask[r * s.length + 2] = 0;
    }
    for (int64_t j = 0; j < s.length; ++j)
      p.key_mask[(s.rows - 1) * s.length + j] = 0;  // one without a real key
  }
  return p;
}

Numbers linear(const Numbers& x, const Numbers& w, const Numbers& b, int64_t rows) {
  const auto out = static_cast<int64_t>(b.size()), in = static_cast<int64_t>(w.size()) / out;
  Numbers y(static_cast<size_t>(rows * out));
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t o = 0; o < out; ++o) {
      double total = b[o];
      for (int64_t i = 0; i < in; ++i) total += x[r * in + i] * w[o * in + i];
      y[r * out + o] = total;
    }
  }
  return y;
}

Numbers norm(const Numbers& x, const Numbers& gamma, const Numbers& beta) {
  const size_t d = gamma.size();
  Numbers y(x.size());
  for (size_t row = 0; row < x.size(); row += d) {
    double mean = 0, variance = 0;
    for (size_t j = 0; j < d; ++j) mean += x[row + j] / d;
    for (size_t j = 0; j < d; ++j) variance += (x[row + j] - mean) * (x[row + j] - mean) / d;
    for (size_t j = 0; j < d; ++j)
      y[row + j] = (x[row + j] - mean) / std::sqrt(variance + 1e-5) * gamma[j] + beta[j];
  }
  return y;
}

double activate(double u, int64_t activation) {
  if (activation == 2) return u > 0 ? u : 0;
  if (activation == 1)
    return 0.5 * u * (1 + std::tanh(std::sqrt(2 / M_PI) * (u + 0.044715 * u * u * u)));
  return 0.5 * u * (1 + std::erf(u / std::sqrt(2.0)));
}

void drop(const Problem& p, int64_t layer, Site site, int64_t width, Numbers& x) {
  const StackShape& s = p.shape;
  if (s.dropout == 0) return;
  for (size_t i = 0; i < x.size(); ++i) {
    const auto row = static_cast<int64_t>(i) / width, column = static_cast<int64_t>(i) % width;
    if (p.number_of(row) < 0) continue;
    x[i] *= keeps(s, layer, site, p.number_of(row), column)
                ? 1 / (1 - static_cast<double>(s.dropout))
                : 0;
  }
}

Numbers attention(const Problem& p, int64_t layer, const Numbers& qkv) {
  const StackShape& s = p.shape;
  const int64_t d = s.dim, hd = s.head_dim(), t = s.length;
  Numbers out(static_cast<size_t>(s.rows * t * d), 0);
  for (int64_t r = 0; r < s.rows; ++r) {
    for (int64_t h = 0; h < s.heads; ++h) {
      const auto at = [&](int64_t part, int64_t row, int64_t j) {
        return qkv[(r * t + row) * 3 * d + part * d + h * hd + j];
      };
      for (int64_t i = 0; i < t; ++i) {
        Numbers weight(static_cast<size_t>(t), 0);
        double total = 0;
        for (int64_t j = 0; j < t; ++j) {
          if (!p.key_mask.empty() && !p.key_mask[r * t + j]) continue;
          double score = 0;
          for (int64_t k = 0; k < hd; ++k) score += at(0, i, k) * at(1, j, k);
          total += weight[j] = std::exp(score / std::sqrt(static_cast<double>(hd)));
        }
        for (int64_t j = 0; j < t && total > 0; ++j) {
          const bool kept =
              s.dropout == 0 || keeps(s, layer, Site::kAttention, (r * s.heads + h) * t + i, j);
          const double used = kept ? weight[j] / total / (1 - static_cast<double>(s.dropout)) : 0;
          for (int64_t k = 0; k < hd; ++k) out[(r * t + i) * d + h * hd + k] += used * at(2, j, k);
        }
      }
    }
  }
  return out;
}

Numbers plain_forward(const Problem& p) {
  const StackShape& s = p.shape;
  const int64_t rows = s.rows * s.length;
  Numbers x = p.x;
  for (int64_t layer = 0; layer < s.layers; ++layer) {
    const auto& w = p.weights[layer];
    Numbers y = linear(attention(p, layer, linear(norm(x, w[8], w[9]), w[0], w[1], rows)), w[2],
                       w[3], rows);
    drop(p, layer, Site::kAfterAttention, s.dim, y);
    for (size_t i = 0; i < x.size(); ++i) y[i] += x[i];
    Numbers hidden = linear(norm(y, w[10], w[11]), w[4], w[5], rows);
    for (double& u : hidden) u = activate(u, s.activation);
    drop(p, layer, Site::kHidden, s.width, hidden);
    x = linear(hidden, w[6], w[7], rows);
    drop(p, layer, Site::kAfterHidden, s.dim, x);
    for (size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }
  return x;
}

double loss(const Problem& p) {
  const Numbers y = plain_forward(p);
  return std::inner_product(y.begin(), y.end(), p.grad_out.begin(), 0.0);
}

struct Result {
  std::vector<float> y, grad_x;
  std::vector<std::array<std::vector<float>, 12>> gradients;
};

Result run(const Problem& p, Simd simd) {
  const StackShape& s = p.shape;
  const std::vector<float> x(p.x.begin(), p.x.end()),
      grad_out(p.grad_out.begin(), p.grad_out.end());
  const int64_t floats = LayerPanels::floats(s),
                saved_floats = SavedLayer::floats_per_row(s) * s.length * s.layers;
  std::vector<float> turned(s.layers * floats), plain(turned), sums(turned),
      saved(s.rows * saved_floats, 1e30f);
  // What scratch holds at the start must not matter.
  std::vector<float> scratch(std::max(Scratch::floats(s, true), Scratch::floats(s, false)), 1e30f);
  Result out{std::vector<float>(x.size()), std::vector<float>(x.size()), {}};
  std::vector<std::array<std::vector<float>, 12>> weights;
  for (int64_t layer = 0; layer < s.layers; ++layer) {
    auto& arrays = weights.emplace_back();
    std::array<const float*, 12> pointers;
    for (size_t k = 0; k < 12; ++k) {
      arrays[k].assign(p.weights[layer][k].begin(), p.weights[layer][k].end());
      pointers[k] = arrays[k].data();
    }
    LayerPanels a(s, turned.data() + layer * floats), b(s, plain.data() + layer * floats);
    pack_turned(s, pointers.data(), a);
    pack_plain(s, pointers.data(), b);
  }
  for (int pass = 0; pass < 2; ++pass) {
    for (int64_t first = 0; first < s.rows; first += s.slice_sequences()) {
      const SliceInput input{.first = first,
                             .count = std::min(s.slice_sequences(), s.rows - first),
                             .key_mask = p.key_mask.empty() ? nullptr : p.key_mask.data(),
                             .saved = saved.data() + first * saved_floats,
                             .scratch = scratch.data(),
                             .starts = p.starts.empty() ? nullptr : p.starts.data()};
      if (pass == 0) forward_slice(s, input, x.data(), turned.data(), out.y.data(), simd);
      if (pass == 1) {
        backward_slice(s, input, grad_out.data(), plain.data(), out.grad_x.data(), sums.data(),
                       simd);
      }
    }
  }
  for (int64_t layer = 0; layer < s.layers; ++layer) {
    std::array<float*, 12> pointers;
    for (size_t k = 0; k < 12; ++k) pointers[k] = weights[layer][k].data();
    unpack_plain(s, LayerPanels(s, sums.data() + layer * floats), pointers.data());
  }
  out.gradients = std::move(weights);
  return out;
}

// The slope of the loss along a random direction of one tensor, and what its gradient says of it.
void check_slope(Problem& p, Numbers& tensor, const std::vector<float>& gradient,
                 const std::string& name) {
  CATCH_INFO(name);
  std::mt19937_64 engine(11);
  std::normal_distribution<double> normal;
  const Numbers before = tensor;
  Numbers direction(tensor.size());
  double expected = 0, size = 0;
  for (size_t i = 0; i < tensor.size(); ++i) {
    direction[i] = normal(engine);
    expected += direction[i] * gradient[i];
    size += static_cast<double>(gradient[i]) * gradient[i];
  }
  constexpr double kStep = 1e-7;  // so small that hardly any relu changes sides
  const auto at = [&](double step) {
    for (size_t i = 0; i < tensor.size(); ++i) tensor[i] = before[i] + step * direction[i];
    return loss(p);
  };
  const double slope = (at(kStep) - at(-kStep)) / (2 * kStep);
  tensor = before;
  CATCH_CHECK(slope == Approx(expected).margin(2e-5 * std::sqrt(size) + 1e-6));
}

// Rows after the last real one of each sequence are left out; no gradient arrives at them.
void leave_out_padding(Problem& p) {
  const StackShape& s = p.shape;
  p.starts.push_back(0);
  for (int64_t r = 0; r < s.rows; ++r) {
    int64_t length = s.length;
    while (length > 0 && !p.key_mask[r * s.length + length - 1]) --length;
    p.starts.push_back(p.starts.back() + length);
    for (int64_t i = (r * s.length + length) * s.dim; i < (r + 1) * s.length * s.dim; ++i)
      p.grad_out[i] = 0;
  }
}

void check(StackShape shape, bool masked, bool skip_padding = false) {
  Problem p = make_problem(shape, masked);
  if (skip_padding) leave_out_padding(p);
  Numbers expected = plain_forward(p);
  // Rows that are left out are not written.
  for (size_t i = 0; i < expected.size(); ++i) {
    if (p.number_of(static_cast<int64_t>(i) / shape.dim) < 0) expected[i] = 0;
  }
  for (const Simd simd : simd_paths()) {
    CATCH_INFO(to_string(simd));
    const Result got = run(p, simd);
    double largest = 0;
    for (size_t i = 0; i < expected.size(); ++i)
      largest = std::max(largest, std::abs(got.y[i] - expected[i]));
    CATCH_CHECK(largest < 4e-6);
    check_slope(p, p.x, got.grad_x, "x");
    for (size_t layer = 0; layer < p.weights.size(); ++layer) {
      for (size_t k = 0; k < 12; ++k) {
        check_slope(p, p.weights[layer][k], got.gradients[layer][k],
                    "layer " + std::to_string(layer) + " weight " + std::to_string(k));
      }
    }
  }
}

}  // namespace

CATCH_TEST_CASE("outputs and gradients of the fused stack are those of the plain one",
                "[encoder]") {
  check({.rows = 3, .length = 5, .dim = 64, .heads = 2, .width = 96, .layers = 2}, true);
  check(
      {.rows = 40, .length = 14, .dim = 32, .heads = 2, .width = 32, .layers = 1, .activation = 2},
      true);
  check({.rows = 2, .length = 37, .dim = 32, .heads = 1, .width = 64, .layers = 1, .activation = 1},
        true);
}

CATCH_TEST_CASE("sizes that are no multiples of a panel are computed too", "[encoder]") {
  check({.rows = 2, .length = 3, .dim = 36, .heads = 3, .width = 50, .layers = 1}, false);
  check({.rows = 3, .length = 7, .dim = 40, .heads = 1, .width = 33, .layers = 2}, true);
  check({.rows = 1, .length = 1, .dim = 6, .heads = 3, .width = 5, .layers = 1}, false);
}

CATCH_TEST_CASE("dropout drops what keeps() says at all four sites, and backward drops the same",
                "[encoder]") {
  check({.rows = 3,
         .length = 6,
         .dim = 64,
         .heads = 2,
         .width = 70,
         .layers = 2,
         .dropout = 0.25f,
         .seed = 5},
        true);
}

CATCH_TEST_CASE("rows after the last real one of a sequence can be left out, forward and backward",
                "[encoder]") {
  check({.rows = 5, .length = 9, .dim = 64, .heads = 2, .width = 96, .layers = 2}, true, true);
  check(
      {.rows = 40, .length = 14, .dim = 32, .heads = 2, .width = 32, .layers = 1, .activation = 2},
      true, true);
  check({.rows = 4,
         .length = 6,
         .dim = 36,
         .heads = 3,
         .width = 70,
         .layers = 2,
         .dropout = 0.25f,
         .seed = 5},
        true, true);
}

CATCH_TEST_CASE("dropout keeps the asked share in every site, row and column, and no two alike",
                "[encoder]") {
  StackShape s{.rows = 1,
               .length = 100,
               .dim = 8,
               .heads = 1,
               .width = 8,
               .layers = 2,
               .dropout = 0.3f,
               .seed = 1};
  constexpr int kRows = 400, kColumns = 400;
  int64_t same = 0, kept = 0, neighbours = 0, below = 0;
  for (int64_t row = 0; row < kRows; ++row) {
    for (int64_t column = 0; column < kColumns; ++column) {
      const bool one = keeps(s, 0, Site::kHidden, row, column);
      kept += one;
      same += one == keeps(s, 1, Site::kHidden, row, column);
      neighbours += one == keeps(s, 0, Site::kHidden, row, column + 1);
      below += one == keeps(s, 0, Site::kHidden, row + 1, column);
    }
  }
  // 160,000 draws: standard deviation 0.0011 and 0.0012; independent pairs agree with 0.7^2 +
  // 0.3^2.
  const double n = kRows * kColumns;
  CATCH_CHECK(kept / n == Approx(0.7).margin(0.005));
  for (const int64_t pairs : {same, neighbours, below})
    CATCH_CHECK(pairs / n == Approx(0.58).margin(0.006));
  StackShape other = s;
  other.seed = 2;
  int64_t equal = 0;
  for (int64_t i = 0; i < 10000; ++i)
    equal += keeps(s, 0, Site::kHidden, 0, i) == keeps(other, 0, Site::kHidden, 0, i);
  CATCH_CHECK(equal / 10000.0 == Approx(0.58).margin(0.025));
}
