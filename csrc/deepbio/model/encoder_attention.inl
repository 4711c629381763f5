// Attention of one head of one sequence, in cache. Included by encoder_kernels.cpp after
// encoder_passes.inl, once per instruction set.

template <int... I>
DEEPBIO_INLINE Vector low_halves(Vector a, Vector b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, (I / 2 + I % 2 * kLanes)...);
}
template <int... I>
DEEPBIO_INLINE Vector high_halves(Vector a, Vector b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, (kLanes / 2 + I / 2 + I % 2 * kLanes)...);
}

// x [rows, depth] in panels to [rows / 32][depth][32], zero up to a multiple of 16 rows. depth: a
// multiple of 16.
// Keys are turned once for all queries of a head: a tile of q k^T then reads rows of both.
DEEPBIO_CALL void turn(Left x, int64_t rows, int64_t depth, float* out) {
  using Lanes = std::make_integer_sequence<int, kLanes>;
  for (int64_t row = 0; row < round_up(rows, kHalfPanel); row += kLanes) {
    for (int64_t d = 0; d < depth; d += kLanes) {
      Vector block[kLanes], next[kLanes];
      const float* from = x.at + d / kPanel * x.panel + row * kPanel + d % kPanel;
      for (int i = 0; i < kLanes; ++i)
        block[i] = row + i < rows ? load(from + i * kPanel) : Vector{};
        // Interleaving the first half with the second, log2(lanes) times over, turns a square
        // block.
#pragma GCC unroll 4
      for (int stage = 1; stage < kLanes; stage *= 2) {
#pragma GCC unroll 16
        for (int i = 0; i < kLanes / 2; ++i) {
          next[2 * i] = low_halves(block[i], block[i + kLanes / 2], Lanes());
          next[2 * i + 1] = high_halves(block[i], block[i + kLanes / 2], Lanes());
        }
#pragma GCC unroll 16
        for (int i = 0; i < kLanes; ++i) block[i] = next[i];
      }
      float* to = out + row / kPanel * depth * kPanel + d * kPanel + row % kPanel;
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) store(to + i * kPanel, block[i]);
    }
  }
}

// One head of one sequence: pointers to its first row and column, the panels of a matrix `panel`
// floats apart.
struct Head {
  int64_t rows, panel;  // T; floats from panel to panel
  int64_t depth;        // padded columns of the head
  int64_t keys;         // up to the last real key; the others add nothing
  const float* key_real;
  float scale;
  int64_t first_row;  // of the dropout of query 0
  Dropout dropout;

  int64_t columns() const { return depth < kPanel ? depth : kPanel; }
  int64_t num_panels() const { return (depth + kPanel - 1) / kPanel; }
};

// scores [keys / 32][count][32] = q k^T, keys up to a multiple of 16; turned: keys [keys /
// 32][depth][32].
DEEPBIO_INLINE void multiply_keys(const Head& h, const float* q, int64_t count, const float* turned,
                                  float* scores) {
  for (int64_t j = 0; j < h.keys; j += kPanel) {
    const int64_t columns = h.keys - j > kHalfPanel ? kPanel : kHalfPanel;
    for (int64_t row = 0; row < count; row += kTileRows) {
      product_rows({q, h.panel}, row, std::min<int64_t>(kTileRows, count - row),
                   turned + j * h.depth, h.depth, columns, scores + j * count + row * kPanel,
                   kZeros, 0);
    }
  }
}

// out [count, depth] = start + weights b: weights [keys / 32][count][32], b rows of keys in panels.
DEEPBIO_INLINE void multiply_weights(const Head& h, const float* weights, int64_t count,
                                     const float* b, float* out) {
  for (int64_t p = 0; p < h.num_panels(); ++p) {
    for (int64_t row = 0; row < count; row += kTileRows) {
      product_rows({weights, count * kPanel}, row, std::min<int64_t>(kTileRows, count - row),
                   b + p * h.panel, h.keys, h.columns(), out + p * h.panel + row * kPanel, kZeros,
                   0);
    }
  }
}

// out [keys, depth] += weights^T x, x [count, depth] in panels.
DEEPBIO_INLINE void add_turned_weights(const Head& h, const float* weights, int64_t count,
                                       const float* x, float* out) {
  for (int64_t p = 0; p < h.num_panels(); ++p) {
    for (int64_t key = 0; key < h.keys; key += kOuterRows) {
      const int64_t some = std::min<int64_t>(kOuterRows, h.keys - key);
      const float* left = weights + key / kPanel * count * kPanel + key % kPanel;
      float* to = out + p * h.panel + key * kPanel;
      if (h.columns() < kTileColumns) {
        kNarrowOuterTiles[some](left, x + p * h.panel, count, to);
        continue;
      }
      for (int64_t j = 0; j < h.columns(); j += kTileColumns) {
        kOuterTiles[some](left, x + p * h.panel + j, count, to + j);
      }
    }
  }
}

// Scores to weights that lack their division by the row's sum; inverse [count] is what they lack.
DEEPBIO_CALL void soften(const Head& h, int64_t query, int64_t count, float* scores, float* inverse,
                         float* log_sums) {
  const int64_t end = round_up(h.keys, kHalfPanel);
  for (int64_t r = 0; r < count; ++r) {
    float* row = scores + r * kPanel;
    Vector most = all(-std::numeric_limits<float>::infinity());
    for (int64_t j = 0; j < end; j += kLanes) {
      const Vector score = load(row + j / kPanel * count * kPanel + j % kPanel);
      most = larger(
          most, load(h.key_real + j) > 0.f ? score : all(-std::numeric_limits<float>::infinity()));
    }
    // The largest real score is taken away before the exponential, which then is at most 1.
    const float top = maximum(most);
    const DropoutRow key =
        h.dropout.on ? dropout_row(h.dropout.key, h.first_row + query + r) : DropoutRow{};
    Vector total{};
    for (int64_t j = 0; j < end; j += kLanes) {
      float* at = row + j / kPanel * count * kPanel + j % kPanel;
      // A padded key may lie far above the top of the real ones, where e^x is infinite: times 0
      // that would be NaN.
      const Vector real = load(h.key_real + j);
      Vector weight = exponential(real > 0.f ? (load(at) - top) * h.scale : Vector{}) * real;
      // Before dropout: the softmax is over all keys, and dropout leaves out weights, not keys.
      total += weight;
      if (h.dropout.on)
        weight = apply_keep(weight, key, static_cast<uint32_t>(j), h.dropout.threshold, 1.f);
      store(at, weight);
    }
    const float all_weights = sum(total);
    inverse[r] = (h.dropout.on ? h.dropout.scale : 1.f) / all_weights;
    // With it the backward pass finds any weight again from its score: exp(score - log sum).
    log_sums[query + r] = top * h.scale + std::log(all_weights);
  }
}

// q, k, v, out: first row and column of the head. Leaves log_sums [T].
DEEPBIO_CALL void attend(const Head& h, const float* q, const float* k, const float* v,
                         const Scratch& scratch, int64_t block, float* out, float* log_sums) {
  // Softmax over no key is 0 / 0; such a sequence attends to nothing.
  if (h.keys == 0) {
    for (int64_t p = 0; p < h.num_panels(); ++p) {
      for (int64_t r = 0; r < h.rows; ++r) {
        std::memset(out + p * h.panel + r * kPanel, 0, h.columns() * sizeof(float));
      }
    }
    std::memset(log_sums, 0, h.rows * sizeof(float));
    return;
  }
  turn({k, h.panel}, h.keys, h.depth, scratch.turned_keys);
  // Scores of a block of queries alone, [block, keys]: those of all queries would leave the cache.
  for (int64_t query = 0; query < h.rows; query += block) {
    const int64_t count = std::min(block, h.rows - query);
    multiply_keys(h, q + query * kPanel, count, scratch.turned_keys, scratch.scores);
    soften(h, query, count, scratch.scores, scratch.row_sums, log_sums);
    multiply_weights(h, scratch.scores, count, v, out + query * kPanel);
    for (int64_t p = 0; p < h.num_panels(); ++p) {
      for (int64_t r = 0; r < count; ++r) {
        float* row = out + p * h.panel + (query + r) * kPanel;
        for (int64_t j = 0; j < h.columns(); j += kLanes)
          // One division for each query at the end, instead of one for each weight.
          store(row + j, load(row + j) * scratch.row_sums[r]);
      }
    }
  }
}

// What backward reads of one head, and what it writes.
struct HeadBackward {
  const float *q, *k, *v, *out, *grad_out, *log_sums;
  float *grad_q, *grad_k, *grad_v;
};

// delta [count]: sum of out grad_out of each query.
DEEPBIO_INLINE void output_sums(const Head& h, const HeadBackward& b, int64_t query, int64_t count,
                                float* delta) {
  for (int64_t r = 0; r < count; ++r) {
    Vector total{};
    for (int64_t p = 0; p < h.num_panels(); ++p) {
      const int64_t at = p * h.panel + (query + r) * kPanel;
      for (int64_t j = 0; j < h.columns(); j += kLanes)
        total += load(b.out + at + j) * load(b.grad_out + at + j);
    }
    delta[r] = sum(total);
  }
}

// scores become the weights as they were used, grad_scores (gradient of those) the gradient of
// scores.
// With P the weights and dP their gradient, the scores have dS = P (dP - sum_j P dP), and the sum
// is that of out grad_out (`delta`), which needs no weights (Dao 2022).
DEEPBIO_CALL void soften_backward(const Head& h, const float* log_sums, int64_t query,
                                  int64_t count, const float* delta, float* scores,
                                  float* grad_scores) {
  const int64_t end = round_up(h.keys, kHalfPanel);
  for (int64_t r = 0; r < count; ++r) {
    const DropoutRow key =
        h.dropout.on ? dropout_row(h.dropout.key, h.first_row + query + r) : DropoutRow{};
    const float level = log_sums[query + r], centre = delta[r];
    for (int64_t j = 0; j < end; j += kLanes) {
      const int64_t at = r * kPanel + j / kPanel * count * kPanel + j % kPanel;
      const Vector real = load(h.key_real + j), raised = load(scores + at) * h.scale - level;
      const Vector weight = exponential(real > 0.f ? raised : Vector{}) * real;
      Vector used = weight, gradient = load(grad_scores + at);
      if (h.dropout.on) {
        const Vector keep = apply_keep(all(1.f), key, static_cast<uint32_t>(j), h.dropout.threshold,
                                       h.dropout.scale);
        used *= keep, gradient *= keep;
      }
      store(scores + at, used);
      store(grad_scores + at, weight * (gradient - centre) * h.scale);
    }
  }
}

DEEPBIO_CALL void attend_backward(const Head& h, const HeadBackward& b, const Scratch& scratch,
                                  int64_t block) {
  for (int64_t p = 0; p < h.num_panels(); ++p) {
    for (int64_t r = 0; r < h.rows; ++r) {
      const int64_t at = p * h.panel + r * kPanel;
      std::memset(b.grad_k + at, 0, h.columns() * sizeof(float));
      std::memset(b.grad_v + at, 0, h.columns() * sizeof(float));
      if (h.keys == 0) std::memset(b.grad_q + at, 0, h.columns() * sizeof(float));
    }
  }
  if (h.keys == 0) return;
  turn({b.k, h.panel}, h.keys, h.depth, scratch.turned_keys);
  turn({b.v, h.panel}, h.keys, h.depth, scratch.turned_values);
  for (int64_t query = 0; query < h.rows; query += block) {
    const int64_t count = std::min(block, h.rows - query), at = query * kPanel;
    multiply_keys(h, b.q + at, count, scratch.turned_keys, scratch.scores);
    multiply_keys(h, b.grad_out + at, count, scratch.turned_values, scratch.grad_scores);
    output_sums(h, b, query, count, scratch.row_sums);
    soften_backward(h, b.log_sums, query, count, scratch.row_sums, scratch.scores,
                    scratch.grad_scores);
    add_turned_weights(h, scratch.scores, count, b.grad_out + at, b.grad_v);
    add_turned_weights(h, scratch.grad_scores, count, b.q + at, b.grad_k);
    multiply_weights(h, scratch.grad_scores, count, b.k, b.grad_q + at);
  }
}
