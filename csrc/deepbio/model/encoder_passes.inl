// Passes over rows and the ends of products: layer norm, activations, dropout. Included by
// encoder_kernels.cpp after encoder_tiles.inl, once per instruction set.

DEEPBIO_INLINE Vector apply_keep(Vector x, DropoutRow row, uint32_t column, uint32_t threshold,
                                 float scale) {
  Bits h = (*reinterpret_cast<const Bits*>(kNumbers) + column) * kDropoutColumn + row.first;
  h ^= h >> 15;
  h = (h ^ row.second) * kDropoutMix1;
  h ^= h >> 13;
  h *= kDropoutMix2;
  h ^= h >> 16;
  // Scaled by 1 / (1 - p), so that the mean stays what it is without dropout.
  return h >= threshold ? x * scale : Vector{};
}

// What dropout at one site of one layer needs to know.
struct Dropout {
  uint64_t key;
  int64_t first_row;
  uint32_t threshold;
  float scale;
  bool on;
};
DEEPBIO_INLINE Dropout dropout_of(const StackShape& s, int64_t layer, Site site,
                                  int64_t first_row) {
  return {dropout_key(s, layer, site), first_row, dropout_threshold(s), 1 / (1 - s.dropout),
          s.dropout > 0};
}

// x += residual after dropout of x; tiles of `count` rows.
struct DropAndAdd {
  Dropout dropout;
  const float* residual;
  int64_t panel;
  DEEPBIO_CALL void operator()(float* tile, int64_t p, int64_t row, int64_t count) const {
    const float* other = residual + p * panel + row * kPanel;
    for (int64_t r = 0; r < count; ++r) {
      const DropoutRow key =
          dropout.on ? dropout_row(dropout.key, dropout.first_row + row + r) : DropoutRow{};
      for (int64_t v = 0; v < kPanel; v += kLanes) {
        Vector x = load(tile + r * kPanel + v);
        if (dropout.on) {
          x = apply_keep(x, key, static_cast<uint32_t>(p * kPanel + v), dropout.threshold,
                         dropout.scale);
        }
        store(tile + r * kPanel + v, x + load(other + r * kPanel + v));
      }
    }
  }
};

// out = x where dropout keeps it, scaled; zero elsewhere.
DEEPBIO_CALL void drop_panels(const Dropout& dropout, const float* x, int64_t num_panels,
                              int64_t rows, float* out) {
  for (int64_t p = 0; p < num_panels; ++p) {
    for (int64_t r = 0; r < rows; ++r) {
      const DropoutRow key = dropout_row(dropout.key, dropout.first_row + r);
      const int64_t at = (p * rows + r) * kPanel;
      for (int64_t v = 0; v < kPanel; v += kLanes) {
        store(out + at + v, apply_keep(load(x + at + v), key, static_cast<uint32_t>(p * kPanel + v),
                                       dropout.threshold, dropout.scale));
      }
    }
  }
}

// Value and slope of an activation. Zero maps to zero, so padding stays zero.
struct Activated {
  Vector value, slope;
};
template <int kActivation>
DEEPBIO_INLINE Activated activate(Vector u) {
  if constexpr (kActivation == 2) {
    return {u > 0.f ? u : Vector{}, u > 0.f ? all(1.f) : Vector{}};
  } else if constexpr (kActivation == 1) {
    constexpr float kRoot = 0.797884561f, kCube = 0.044715f;  // sqrt(2 / pi)
    // tanh from exp(-2 |x|), which does not overflow, with the sign put back.
    const Vector inner = kRoot * (u + kCube * u * u * u);
    const Vector size = inner < 0.f ? -inner : inner;
    const Vector e = exponential(-2.f * size), magnitude = (1.f - e) / (1.f + e);
    const Vector tanh = inner < 0.f ? -magnitude : magnitude;
    const Vector half = 0.5f * (1.f + tanh);
    return {u * half,
            half + 0.5f * u * (1.f - tanh * tanh) * (kRoot * (1.f + 3.f * kCube * u * u))};
  } else {
    constexpr float kInverseRoot2 = 0.707106781f, kDensity = 0.398942280f;  // 1 / sqrt(2 pi)
    const Vector z = u * kInverseRoot2, size = z < 0.f ? -z : z;
    const Vector e = exponential(-z * z);
    // Abramowitz and Stegun 7.1.26. Beyond 20 deviations e is 0, and reciprocal takes up to 100.
    const Vector t = reciprocal(1.f + 0.3275911f * (size > 20.f ? all(20.f) : size));
    Vector p = all(1.061405429f);
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    const Vector tail = 0.5f * (p * t) * e;  // of the normal distribution beyond |u|
    const Vector below = u < 0.f ? tail : 1.f - tail;
    return {u * below, below + u * (kDensity * e)};
  }
}

// Forward end of linear1: tile is u (kept), active = drop(act(u)).
template <int kActivation>
struct Activate {
  Dropout dropout;
  float* active;
  int64_t panel;
  DEEPBIO_CALL void operator()(float* tile, int64_t p, int64_t row, int64_t count) const {
    float* to = active + p * panel + row * kPanel;
    for (int64_t r = 0; r < count; ++r) {
      const DropoutRow key =
          dropout.on ? dropout_row(dropout.key, dropout.first_row + row + r) : DropoutRow{};
      for (int64_t v = 0; v < kPanel; v += kLanes) {
        Vector x = activate<kActivation>(load(tile + r * kPanel + v)).value;
        if (dropout.on) {
          x = apply_keep(x, key, static_cast<uint32_t>(p * kPanel + v), dropout.threshold,
                         dropout.scale);
        }
        store(to + r * kPanel + v, x);
      }
    }
  }
};

// Backward end of linear2: tile is the gradient of drop(act(u)) and becomes that of u; active is
// computed again.
template <int kActivation>
struct ActivateBackward {
  Dropout dropout;
  const float* hidden;
  float* active;
  int64_t panel;
  DEEPBIO_CALL void operator()(float* tile, int64_t p, int64_t row, int64_t count) const {
    const float* from = hidden + p * panel + row * kPanel;
    float* to = active + p * panel + row * kPanel;
    for (int64_t r = 0; r < count; ++r) {
      const DropoutRow key =
          dropout.on ? dropout_row(dropout.key, dropout.first_row + row + r) : DropoutRow{};
      for (int64_t v = 0; v < kPanel; v += kLanes) {
        const int64_t at = r * kPanel + v;
        Activated a = activate<kActivation>(load(from + at));
        if (dropout.on) {
          const Vector keep = apply_keep(all(1.f), key, static_cast<uint32_t>(p * kPanel + v),
                                         dropout.threshold, dropout.scale);
          a.value *= keep, a.slope *= keep;
        }
        store(to + at, a.value);
        store(tile + at, load(tile + at) * a.slope);
      }
    }
  }
};

constexpr float kNormEps = 1e-5f;

// Mask of the real columns of the last panel.
DEEPBIO_INLINE Vector real_columns(int64_t column, int64_t dim) {
  Vector real;
  for (int i = 0; i < kLanes; ++i) real[i] = column + i < dim ? 1.f : 0.f;
  return real;
}

// out = gamma (x - mean) / sd + beta; computes the statistics where `fresh`, and reads them
// otherwise.
DEEPBIO_CALL void norm_rows(const float* x, int64_t dim, int64_t rows, const float* gamma,
                            const float* beta, float* mean, float* inverse, bool fresh,
                            float* out) {
  const int64_t columns = round_up(dim, kPanel), stride = rows * kPanel;
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = x + r * kPanel;
    float* to = out + r * kPanel;
    if (fresh) {
      Vector total{};
      for (int64_t j = 0; j < columns; j += kLanes)
        total += load(row + j / kPanel * stride + j % kPanel);
      // Two passes: the square of the mean taken from the mean of squares would lose digits.
      const float middle = sum(total) / static_cast<float>(dim);
      Vector squares{};
      for (int64_t j = 0; j < columns; j += kLanes) {
        Vector apart = load(row + j / kPanel * stride + j % kPanel) - middle;
        // Columns that pad are 0, and 0 - mean is not: they must not count in the variance.
        if (j + kLanes > dim) apart *= real_columns(j, dim);
        squares += apart * apart;
      }
      mean[r] = middle;
      inverse[r] = 1 / std::sqrt(sum(squares) / static_cast<float>(dim) + kNormEps);
    }
    const float middle = mean[r], scale = inverse[r];
    for (int64_t j = 0; j < columns; j += kLanes) {
      const int64_t at = j / kPanel * stride + j % kPanel;
      store(to + at, (load(row + at) - middle) * scale * load(gamma + j) + load(beta + j));
    }
  }
}

// grad_x += backward of the norm for grad_out; gradients of gamma and beta are added to where they
// are wanted.
DEEPBIO_CALL void norm_backward(const float* grad_out, const float* x, int64_t dim, int64_t rows,
                                const float* gamma, const float* mean, const float* inverse,
                                float* grad_gamma, float* grad_beta, float* grad_x) {
  const int64_t columns = round_up(dim, kPanel), stride = rows * kPanel;
  for (int64_t r = 0; r < rows; ++r) {
    const float middle = mean[r], scale = inverse[r];
    // With n the normed row and g gamma times the gradient: dx = (g - mean(g) - n mean(g n)) / sd.
    Vector first{}, second{};
    for (int64_t j = 0; j < columns; j += kLanes) {
      const int64_t at = r * kPanel + j / kPanel * stride + j % kPanel;
      const Vector normed = (load(x + at) - middle) * scale, gradient = load(grad_out + at);
      const Vector inner = gradient * load(gamma + j);  // zero in padding, as gamma is
      first += inner, second += inner * normed;
      if (grad_gamma) {
        store(grad_gamma + j, load(grad_gamma + j) + gradient * normed);
        store(grad_beta + j, load(grad_beta + j) + gradient);
      }
    }
    const float mean1 = sum(first) / static_cast<float>(dim),
                mean2 = sum(second) / static_cast<float>(dim);
    for (int64_t j = 0; j < columns; j += kLanes) {
      const int64_t at = r * kPanel + j / kPanel * stride + j % kPanel;
      const Vector normed = (load(x + at) - middle) * scale;
      Vector change = scale * (load(grad_out + at) * load(gamma + j) - mean1 - normed * mean2);
      if (j + kLanes > dim) change *= real_columns(j, dim);
      store(grad_x + at, load(grad_x + at) + change);
    }
  }
}

// Row-major [rows, dim] to panels `panel` floats apart, and back; padding is zero.
DEEPBIO_CALL void to_panels(const float* x, int64_t dim, int64_t rows, int64_t panel, float* out) {
  for (int64_t p = 0; p * kPanel < dim; ++p) {
    const int64_t real = std::min(kPanel, dim - p * kPanel);
    for (int64_t r = 0; r < rows; ++r) {
      float* to = out + p * panel + r * kPanel;
      std::memcpy(to, x + r * dim + p * kPanel, real * sizeof(float));
      for (int64_t j = real; j < kPanel; ++j) to[j] = 0;
    }
  }
}
DEEPBIO_CALL void from_panels(const float* x, int64_t dim, int64_t rows, int64_t panel,
                              float* out) {
  for (int64_t p = 0; p * kPanel < dim; ++p) {
    const int64_t real = std::min(kPanel, dim - p * kPanel);
    for (int64_t r = 0; r < rows; ++r) {
      std::memcpy(out + r * dim + p * kPanel, x + p * panel + r * kPanel, real * sizeof(float));
    }
  }
}
