// The kernels are written once, with vectors of kLanes floats (.inl), and compiled three times,
// each time in a namespace of its own that sets the width of vectors and tiles. Tiles are as large
// as the registers: 12 rows of 2 vectors of 16 floats are 24 of AVX-512's 32, 6 of 2 are 12 of
// AVX2's 16.
#include "deepbio/model/encoder_kernels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace deepbio::model::encoder {
namespace {

// Dropout: a 64-bit hash of (seed, layer, site) and the row, then a 32-bit one of the column
// (multiply, xor, shift).
constexpr uint32_t kDropoutColumn = 0x9e3779b1, kDropoutMix1 = 0x7feb352d,
                   kDropoutMix2 = 0x846ca68b;
alignas(64) constexpr uint32_t kNumbers[kPanel] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                   8, 9, 10, 11, 12, 13, 14, 15};

constexpr uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}
// + 1 keeps layer 0, site 0 from being the seed alone.
uint64_t dropout_key(const StackShape& s, int64_t layer, Site site) {
  return mix(mix(s.seed) + static_cast<uint64_t>(layer) * 4 + static_cast<uint64_t>(site) + 1);
}
struct DropoutRow {
  uint32_t first, second;
};
DropoutRow dropout_row(uint64_t key, int64_t row) {
  const uint64_t hash = mix(key + static_cast<uint64_t>(row) * 0x9e3779b97f4a7c15);
  return {static_cast<uint32_t>(hash), static_cast<uint32_t>(hash >> 32)};
}
// An element is dropped where its hash is below p 2^32.
uint32_t dropout_threshold(const StackShape& s) {
  return static_cast<uint32_t>(
      std::min(4294967295.0, static_cast<double>(s.dropout) * 4294967296.0));
}

#if defined(__x86_64__)
namespace avx512 {
constexpr int kLanes = 16, kTileRows = 12, kOuterRows = 8;
#define DEEPBIO_TARGET \
  __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma,prefer-vector-width=512")))
// Each needs the ones above it.
// clang-format off
#include "deepbio/model/encoder_tiles.inl"
#include "deepbio/model/encoder_passes.inl"
#include "deepbio/model/encoder_attention.inl"
#include "deepbio/model/encoder_layers.inl"
// clang-format on
#undef DEEPBIO_TARGET
}  // namespace avx512
namespace avx2 {
constexpr int kLanes = 8, kTileRows = 6, kOuterRows = 4;
#define DEEPBIO_TARGET __attribute__((target("avx2,fma")))
// Each needs the ones above it.
// clang-format off
#include "deepbio/model/encoder_tiles.inl"
#include "deepbio/model/encoder_passes.inl"
#include "deepbio/model/encoder_attention.inl"
#include "deepbio/model/encoder_layers.inl"
// clang-format on
#undef DEEPBIO_TARGET
}  // namespace avx2
#endif
namespace baseline {
constexpr int kLanes = 4, kTileRows = 6, kOuterRows = 4;
#define DEEPBIO_TARGET
// Each needs the ones above it.
// clang-format off
#include "deepbio/model/encoder_tiles.inl"
#include "deepbio/model/encoder_passes.inl"
#include "deepbio/model/encoder_attention.inl"
#include "deepbio/model/encoder_layers.inl"
// clang-format on
#undef DEEPBIO_TARGET
}  // namespace baseline

// A matrix of a layer: which column of the padded layout each real row (out) and column (in) stands
// at.
struct Matrix {
  int64_t out, in, padded_out, padded_in;
  bool out_by_head, in_by_head;  // heads are padded one by one; in_proj holds three sets of them
};

int64_t place(const StackShape& s, int64_t column, bool by_head) {
  if (!by_head) return column;
  // in_proj has the query's, key's and value's columns one after the other, each by head.
  const int64_t part = column / s.dim, head = column % s.dim / s.head_dim();
  return part * s.head_panels() * kPanel + head * s.padded_head() + column % s.head_dim();
}

std::array<Matrix, 4> matrices(const StackShape& s) {
  const int64_t d = s.dim_panels() * kPanel, a = s.head_panels() * kPanel,
                f = s.width_panels() * kPanel;
  return {Matrix{3 * s.dim, s.dim, 3 * a, d, true, false}, Matrix{s.dim, s.dim, d, a, false, true},
          Matrix{s.width, s.dim, f, d, false, false}, Matrix{s.dim, s.width, d, f, false, false}};
}

// Visits each real element: row-major index, and its place in [in / 32][out][32] or [out /
// 32][in][32]. Rows go in blocks of a panel's width, so that neighbours in the panels follow one
// another.
template <class Visit>
void each_element(const StackShape& s, const Matrix& m, bool turned, const Visit& visit) {
  std::vector<int64_t> row_at(static_cast<size_t>(m.out)), column_at(static_cast<size_t>(m.in));
  for (int64_t i = 0; i < m.out; ++i) {
    const int64_t row = place(s, i, m.out_by_head);
    row_at[i] = turned ? row / kPanel * m.padded_in * kPanel + row % kPanel : row * kPanel;
  }
  for (int64_t j = 0; j < m.in; ++j) {
    const int64_t column = place(s, j, m.in_by_head);
    column_at[j] =
        turned ? column * kPanel : column / kPanel * m.padded_out * kPanel + column % kPanel;
  }
  if (!turned) {
    for (int64_t i = 0; i < m.out; ++i) {
      for (int64_t j = 0; j < m.in; ++j) visit(i * m.in + j, row_at[i] + column_at[j]);
    }
    return;
  }
  for (int64_t block = 0; block < m.out; block += kPanel) {
    const int64_t end = std::min(m.out, block + kPanel);
    for (int64_t j = 0; j < m.in; ++j) {
      for (int64_t i = block; i < end; ++i) visit(i * m.in + j, row_at[i] + column_at[j]);
    }
  }
}

// The arrays of a layer in the order of its weights, as they lie in panels.
std::array<float*, kWeightsPerLayer> arrays(const LayerPanels& p) {
  return {p.in_proj,      p.in_proj_bias, p.out_proj,     p.out_proj_bias,
          p.linear1,      p.linear1_bias, p.linear2,      p.linear2_bias,
          p.norm1_weight, p.norm1_bias,   p.norm2_weight, p.norm2_bias};
}
struct Row {
  int64_t weight, size;
  bool by_head;
};
std::array<Row, 8> vectors(const StackShape& s) {
  return {Row{1, 3 * s.dim, true}, {3, s.dim, false}, {5, s.width, false}, {7, s.dim, false},
          {8, s.dim, false},       {9, s.dim, false}, {10, s.dim, false},  {11, s.dim, false}};
}

void pack(const StackShape& s, const float* const* weights, LayerPanels& packed, bool turned) {
  const auto to = arrays(packed);
  // Columns that pad are zero from here on, and products of zeros keep them so.
  std::fill_n(packed.in_proj, LayerPanels::floats(s), 0.f);
  const auto shapes = matrices(s);
  for (size_t k = 0; k < shapes.size(); ++k) {
    const float* from = weights[2 * k];
    float* out = to[2 * k];
    each_element(s, shapes[k], turned, [&](int64_t plain, int64_t at) { out[at] = from[plain]; });
  }
  for (const Row& row : vectors(s)) {
    for (int64_t i = 0; i < row.size; ++i)
      to[row.weight][place(s, i, row.by_head)] = weights[row.weight][i];
  }
}

}  // namespace

// The same hash as apply_keep of encoder_passes.inl, an element at a time, for tests.
bool keeps(const StackShape& shape, int64_t layer, Site site, int64_t row, int64_t column) {
  const DropoutRow key = dropout_row(dropout_key(shape, layer, site), row);
  uint32_t h = static_cast<uint32_t>(column) * kDropoutColumn + key.first;
  h ^= h >> 15;
  h = (h ^ key.second) * kDropoutMix1;
  h ^= h >> 13;
  h *= kDropoutMix2;
  h ^= h >> 16;
  return h >= dropout_threshold(shape);
}

void pack_turned(const StackShape& shape, const float* const* weights, LayerPanels& packed) {
  pack(shape, weights, packed, true);
}
void pack_plain(const StackShape& shape, const float* const* weights, LayerPanels& packed) {
  pack(shape, weights, packed, false);
}

void unpack_plain(const StackShape& shape, const LayerPanels& packed, float* const* weights) {
  const auto from = arrays(packed);
  const auto shapes = matrices(shape);
  for (size_t k = 0; k < shapes.size(); ++k) {
    const float* sums = from[2 * k];
    float* out = weights[2 * k];
    each_element(shape, shapes[k], false,
                 [&](int64_t plain, int64_t at) { out[plain] = sums[at]; });
  }
  for (const Row& row : vectors(shape)) {
    for (int64_t i = 0; i < row.size; ++i)
      weights[row.weight][i] = from[row.weight][place(shape, i, row.by_head)];
  }
}

void forward_slice(const StackShape& shape, const SliceInput& slice, const float* x, float* turned,
                   float* out, Simd simd) {
  switch (simd) {
#if defined(__x86_64__)
    case Simd::kAvx512:
      return avx512::forward(shape, slice, x, turned, out);
    case Simd::kAvx2:
      return avx2::forward(shape, slice, x, turned, out);
#endif
    default:
      return baseline::forward(shape, slice, x, turned, out);
  }
}

void backward_slice(const StackShape& shape, const SliceInput& slice, const float* grad_out,
                    float* plain, float* grad_x, float* gradients, Simd simd) {
  switch (simd) {
#if defined(__x86_64__)
    case Simd::kAvx512:
      return avx512::backward(shape, slice, grad_out, plain, grad_x, gradients);
    case Simd::kAvx2:
      return avx2::backward(shape, slice, grad_out, plain, grad_x, gradients);
#endif
    default:
      return baseline::backward(shape, slice, grad_out, plain, grad_x, gradients);
  }
}

}  // namespace deepbio::model::encoder
