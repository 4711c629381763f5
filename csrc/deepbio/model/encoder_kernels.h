// The arithmetic of the fused encoder stack on float32: a slice of sequences through all layers,
// forward and backward.
//
// Free of torch. Compiled for AVX-512, AVX2 (with FMA) and the baseline of the target, picked at
// run time. Pre-norm layers as functional::encoder_layer defines them: x +
// drop(attention(norm1(x))), then x + drop(W2 drop(act(W1 norm2(x)))); key mask true = real; a
// sequence without a real key attends to nothing (zeros, no gradient). Dropout masks are a hash of
// (seed, layer, site, sequence, position, column) and are computed again in the backward pass.
// Threads: pure functions of their arguments; a caller gives each thread its own scratch. Source:
// Dao 2022 (FlashAttention) for the backward pass of attention from log-sum-exp; Abramowitz and
// Stegun 7.1.26 for erf (1.5e-7).
#pragma once

#include <cstdint>

#include "deepbio/base/simd.h"
#include "deepbio/model/encoder_shape.h"

namespace deepbio::model::encoder {

enum class Site : uint64_t { kAttention = 0, kAfterAttention = 1, kHidden = 2, kAfterHidden = 3 };
// Whether dropout keeps an element: row is sequence T + position (rows that are left out do not
// count), or
// ((sequence H) + head) T + query for kAttention.
bool keeps(const StackShape& shape, int64_t layer, Site site, int64_t row, int64_t column);

// weights: kWeightsPerLayer row-major arrays of one layer. Padding is zero.
void pack_turned(const StackShape& shape, const float* const* weights, LayerPanels& packed);
void pack_plain(const StackShape& shape, const float* const* weights, LayerPanels& packed);
// Sums of gradients to row-major arrays.
void unpack_plain(const StackShape& shape, const LayerPanels& packed, float* const* weights);

struct SliceInput {
  int64_t first = 0, count = 0;       // sequences
  const uint8_t* key_mask = nullptr;  // [R, T] or null
  float* saved = nullptr;  // layers x num_rows x SavedLayer::floats_per_row, or null (forward only)
  float* scratch = nullptr;  // Scratch::floats
  // [R + 1]: computed rows before each sequence, where those after its last real one are left out;
  // null: T of each.
  const int64_t* starts = nullptr;

  int64_t start(const StackShape& s, int64_t sequence) const {
    return starts ? starts[sequence] : sequence * s.length;
  }
  int64_t num_rows(const StackShape& s) const { return start(s, first + count) - start(s, first); }
};

// x, out [R, T, D] row-major; turned: layers x LayerPanels::floats. Rows that are left out are
// neither read nor written.
void forward_slice(const StackShape& shape, const SliceInput& slice, const float* x, float* turned,
                   float* out, Simd simd);
// gradients: layers x LayerPanels::floats, added to; null where no weight needs one.
void backward_slice(const StackShape& shape, const SliceInput& slice, const float* grad_out,
                    float* plain, float* grad_x, float* gradients, Simd simd);

}  // namespace deepbio::model::encoder
