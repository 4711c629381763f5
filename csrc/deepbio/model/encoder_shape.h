// What the fused encoder stack computes, and where its numbers lie. Free of torch.
//
// Every matrix of activations [M, N] is kept as panels of 32 columns, [ceil(N / 32)][M][32]: a tile
// of 12 rows is one piece of memory, a head of 32 columns is contiguous, and A^T B reads both sides
// in place. Columns that pad D, the feed-forward width or a head up to a full panel (a head of 16
// or fewer columns takes half a panel) hold zeros. A slice is a few sequences, about kSliceRows
// rows together, and goes through all layers at once. How sequences are put into slices, and slices
// into groups whose weight gradients are added up in order, depends on shape and mask alone:
// results are the same for any number of threads.
//
// Axes: R sequences, T positions, D embedding, H heads, F feed-forward width, M rows of a slice.
#pragma once

#include <algorithm>
#include <cstdint>

namespace deepbio::model::encoder {

inline constexpr int64_t kPanel = 32, kHalfPanel = 16, kSliceRows = 448, kGroups = 16, kAlign = 16;
// Tensors, in the order of functional::kLayerWeights.
inline constexpr int64_t kWeightsPerLayer = 12;

constexpr int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
constexpr int64_t panels(int64_t columns) { return round_up(columns, kPanel) / kPanel; }

struct StackShape {
  int64_t rows = 0, length = 0, dim = 0, heads = 1, width = 0, layers = 0;
  int64_t activation = 0;  // functional::Activation
  float dropout = 0;       // 0 where it is not training
  uint64_t seed = 0;       // of the dropout masks

  int64_t head_dim() const { return dim / heads; }
  int64_t padded_head() const {
    return head_dim() <= kHalfPanel ? kHalfPanel : round_up(head_dim(), kPanel);
  }
  int64_t dim_panels() const { return panels(dim); }
  int64_t head_panels() const { return panels(heads * padded_head()); }
  int64_t width_panels() const { return panels(width); }

  int64_t slice_sequences() const {
    return std::max<int64_t>(1, kSliceRows / std::max<int64_t>(1, length));
  }
};

// What one layer keeps for its backward pass, for the M rows of a slice, in this order.
struct SavedLayer {
  float *x, *qkv, *attended, *y,
      *hidden;  // panels: D, 3 heads, heads, D, F (before the activation)
  float *mean1, *inverse1, *mean2, *inverse2,
      *log_sums;  // [M] of both norms; [H][M] of the softmax

  // Floats per row: (6 D + F + H + 4), padded.
  static int64_t floats_per_row(const StackShape& s) {
    const int64_t wide = kPanel * (2 * s.dim_panels() + 4 * s.head_panels() + s.width_panels());
    return wide + round_up(4 + s.heads, kAlign);
  }
  SavedLayer(const StackShape& s, int64_t m, float* at) {
    const auto take = [&at](int64_t floats) { return at += floats, at - floats; };
    const int64_t panel = m * kPanel;
    x = take(s.dim_panels() * panel), qkv = take(3 * s.head_panels() * panel);
    attended = take(s.head_panels() * panel), y = take(s.dim_panels() * panel);
    hidden = take(s.width_panels() * panel);
    mean1 = take(m), inverse1 = take(m), mean2 = take(m), inverse2 = take(m),
    log_sums = take(s.heads * m);
  }
};

// Weights of one layer as the products read them, or the sums of their gradients. Matrices lie as
// [in / 32][out][32]
// (`plain`: gradients, and products of the backward pass) or [out / 32][in][32] (`turned`:
// forward).
struct LayerPanels {
  float *in_proj, *out_proj, *linear1, *linear2;
  float *in_proj_bias, *out_proj_bias, *linear1_bias, *linear2_bias;
  float *norm1_weight, *norm1_bias, *norm2_weight, *norm2_bias;

  static int64_t floats(const StackShape& s) {
    const int64_t d = s.dim_panels() * kPanel, a = s.head_panels() * kPanel,
                  f = s.width_panels() * kPanel;
    return 4 * a * d + 2 * d * f + 3 * a + 6 * d + f;
  }
  LayerPanels(const StackShape& s, float* at) {
    const auto take = [&at](int64_t floats) { return at += floats, at - floats; };
    const int64_t d = s.dim_panels() * kPanel, a = s.head_panels() * kPanel,
                  f = s.width_panels() * kPanel;
    in_proj = take(3 * a * d), out_proj = take(a * d), linear1 = take(d * f), linear2 = take(d * f);
    in_proj_bias = take(3 * a), out_proj_bias = take(d), linear1_bias = take(f),
    linear2_bias = take(d);
    norm1_weight = take(d), norm1_bias = take(d), norm2_weight = take(d), norm2_bias = take(d);
  }
};

// Scratch of one thread.
struct Scratch {
  float *normed, *grad, *dropped, *grad_normed, *hidden, *grad_hidden, *grad_qkv,
      *grad_attended;                                         // panels
  float *turned_keys, *turned_values, *scores, *grad_scores;  // one head, one block of queries
  float *row_sums, *key_real;                                 // [queries of a block], [T padded]
  float* layer;  // one SavedLayer, where nothing is saved

  // Queries that are taken at once, so that their scores stay in the second cache.
  static int64_t query_block(const StackShape& s) {
    const int64_t keys = round_up(std::max<int64_t>(1, s.length), kPanel);
    return std::min(s.length, std::max<int64_t>(12, 65536 / keys / 12 * 12));
  }
  static int64_t floats(const StackShape& s, bool backward) {
    const int64_t m = s.slice_sequences() * s.length, keys = round_up(s.length, kPanel);
    const int64_t panel = round_up(m * kPanel, kAlign), block = query_block(s) * keys;
    int64_t total = panel * (s.dim_panels() + s.width_panels());
    total += backward ? panel * (3 * s.dim_panels() + s.width_panels() + 4 * s.head_panels())
                      : round_up(m * SavedLayer::floats_per_row(s), kAlign);
    return total + 2 * (s.padded_head() * keys + block) + round_up(query_block(s), kAlign) + keys;
  }
  Scratch(const StackShape& s, bool backward, float* at) {
    const auto take = [&at](int64_t floats) { return at += floats, at - floats; };
    const int64_t m = s.slice_sequences() * s.length, keys = round_up(s.length, kPanel);
    const int64_t panel = round_up(m * kPanel, kAlign), block = query_block(s) * keys;
    normed = take(panel * s.dim_panels()), hidden = take(panel * s.width_panels());
    grad = dropped = grad_normed = grad_hidden = grad_qkv = grad_attended = layer = nullptr;
    if (backward) {
      grad = take(panel * s.dim_panels()), dropped = take(panel * s.dim_panels());
      grad_normed = take(panel * s.dim_panels()), grad_hidden = take(panel * s.width_panels());
      grad_qkv = take(panel * 3 * s.head_panels()), grad_attended = take(panel * s.head_panels());
    } else {
      layer = take(round_up(m * SavedLayer::floats_per_row(s), kAlign));
    }
    turned_keys = take(s.padded_head() * keys), turned_values = take(s.padded_head() * keys);
    scores = take(block), grad_scores = take(block);
    row_sums = take(round_up(query_block(s), kAlign)), key_real = take(keys);
  }
};

}  // namespace deepbio::model::encoder
