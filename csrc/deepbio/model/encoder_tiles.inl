// Vectors and products, compiled once per instruction set: encoder_kernels.cpp includes this file
// inside a namespace with DEEPBIO_TARGET, kLanes, kTileRows and kOuterRows defined. Panels:
// encoder_shape.h.

#define DEEPBIO_INLINE DEEPBIO_TARGET inline __attribute__((always_inline))
#define DEEPBIO_CALL DEEPBIO_TARGET __attribute__((noinline))

// As aligned as a float, since rows of a slice begin anywhere; loads from aligned memory cost the
// same.
typedef float Vector __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));
typedef uint32_t Bits __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));
constexpr int64_t kVectors = kPanel / kLanes;  // of a row of a panel

DEEPBIO_INLINE Vector load(const float* at) { return *reinterpret_cast<const Vector*>(at); }
DEEPBIO_INLINE void store(float* at, Vector value) { *reinterpret_cast<Vector*>(at) = value; }
DEEPBIO_INLINE Vector all(float value) { return value - Vector{}; }
DEEPBIO_INLINE Vector larger(Vector a, Vector b) { return a > b ? a : b; }
// Sum and maximum over the lanes: halves are folded onto each other.
template <int kStep, int... I>
DEEPBIO_INLINE Vector exchange(Vector v, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(v, v, (I ^ kStep)...);
}
template <int kStep = kLanes / 2>
DEEPBIO_INLINE float sum(Vector v) {
  if constexpr (kStep == 0) {
    return v[0];
  } else {
    return sum<kStep / 2>(v + exchange<kStep>(v, std::make_integer_sequence<int, kLanes>()));
  }
}
template <int kStep = kLanes / 2>
DEEPBIO_INLINE float maximum(Vector v) {
  if constexpr (kStep == 0) {
    return v[0];
  } else {
    return maximum<kStep / 2>(
        larger(v, exchange<kStep>(v, std::make_integer_sequence<int, kLanes>())));
  }
}

// 1 / x for x from 1 to 100, relative error 1e-7: a guess from the bits, then Newton's method; a
// division costs more.
DEEPBIO_INLINE Vector reciprocal(Vector x) {
  Vector guess = reinterpret_cast<Vector>(0x7ef311c3u - reinterpret_cast<Bits>(x));
  guess *= 2.f - x * guess;
  guess *= 2.f - x * guess;
  return guess * (2.f - x * guess);
}

// e^x for x <= 0 (and a little above), relative error 1e-7; 1e-38 below -87.
DEEPBIO_INLINE Vector exponential(Vector x) {
  // kRound is 1.5 * 2^23: adding it leaves a whole number in the low bits. ln 2 in two parts, the
  // first with few bits, so that n times it is exact.
  constexpr float kLog2E = 1.44269504f, kRound = 12582912.f, kLn2High = 0.693359375f,
                  kLn2Low = -2.12194440e-4f;
  x = x < -87.f ? all(-87.f) : x;
  const Vector shifted = x * kLog2E + kRound, n = shifted - kRound;
  const Vector r = (x - n * kLn2High) - n * kLn2Low;
  Vector p = all(0.00139337399f);
  p = p * r + 0.00836323995f;
  p = p * r + 0.0416664641f;
  p = p * r + 0.166665766f;
  p = p * r + 0.5f;
  p = (p * r) * r + (r + 1.f);
  return reinterpret_cast<Vector>(reinterpret_cast<Bits>(p) +
                                  (reinterpret_cast<Bits>(shifted) << 23));
}

// One tile: R rows of C, kWide vectors wide. C = start + A B.
//   a      row r, column k at a[(k / 32) a_panel + r 32 + k % 32]
//   b      row k at b[k 32];  c row r at c[r 32]
//   start  row r at start[r start_row]: a bias (start_row 0), C itself (32) or zeros
template <int R, int kWide>
DEEPBIO_CALL void product_tile(const float* a, int64_t a_panel, const float* b, int64_t depth,
                               float* c, const float* start, int64_t start_row) {
  Vector sums[R][kWide];
// Unrolled whole, so that every element of `sums` is a register of its own.
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kWide; ++v) sums[r][v] = load(start + r * start_row + v * kLanes);
  }
  for (int64_t k0 = 0; k0 < depth; k0 += kPanel, a += a_panel) {
    const int64_t end = depth - k0 < kPanel ? depth - k0 : kPanel;
    for (int64_t k = 0; k < end; ++k, b += kPanel) {
      Vector row[kWide];
#pragma GCC unroll 4
      for (int v = 0; v < kWide; ++v) row[v] = load(b + v * kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        // One float against a whole row of b: no shuffles, and each load of b serves all rows of
        // the tile.
        const float factor = a[r * kPanel + k];
#pragma GCC unroll 4
        for (int v = 0; v < kWide; ++v) sums[r][v] += factor * row[v];
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kWide; ++v) store(c + r * kPanel + v * kLanes, sums[r][v]);
  }
}

// One tile of C += A^T B over `rows` rows: a, b and c have rows of 32 floats; R rows of C.
template <int R, int kWide>
DEEPBIO_CALL void outer_tile(const float* a, const float* b, int64_t rows, float* c) {
  Vector sums[R][kWide];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kWide; ++v) sums[r][v] = load(c + r * kPanel + v * kLanes);
  }
  for (int64_t m = 0; m < rows; ++m, a += kPanel, b += kPanel) {
    Vector row[kWide];
#pragma GCC unroll 4
    for (int v = 0; v < kWide; ++v) row[v] = load(b + v * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const float factor = a[r];
#pragma GCC unroll 4
      for (int v = 0; v < kWide; ++v) sums[r][v] += factor * row[v];
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kWide; ++v) store(c + r * kPanel + v * kLanes, sums[r][v]);
  }
}

using ProductTile = void (*)(const float*, int64_t, const float*, int64_t, float*, const float*,
                             int64_t);
using OuterTile = void (*)(const float*, const float*, int64_t, float*);

template <int kWide, int... R>
constexpr std::array<ProductTile, sizeof...(R) + 1> product_tiles(
    std::integer_sequence<int, R...>) {
  return {nullptr, &product_tile<R + 1, kWide>...};
}
template <int kWide, int... R>
constexpr std::array<OuterTile, sizeof...(R) + 1> outer_tiles(std::integer_sequence<int, R...>) {
  return {nullptr, &outer_tile<R + 1, kWide>...};
}
// By number of rows; a tile of AVX-512 is a panel wide, or half a panel where no more is wanted.
constexpr int64_t kTileColumns = 2 * kLanes;
constexpr auto kProductTiles = product_tiles<2>(std::make_integer_sequence<int, kTileRows>());
constexpr auto kOuterTiles = outer_tiles<2>(std::make_integer_sequence<int, kOuterRows>());
constexpr auto kNarrowProductTiles = product_tiles<1>(std::make_integer_sequence<int, kTileRows>());
constexpr auto kNarrowOuterTiles = outer_tiles<1>(std::make_integer_sequence<int, kOuterRows>());

alignas(64) constexpr float kZeros[kPanel] = {};

struct Left {
  const float* at;
  int64_t panel;  // floats from one panel to the next
};
struct Out {
  float* at;
  int64_t panel;
};
struct Start {
  const float* at = kZeros;
  int64_t row = 0, panel = 0;
};

// Rows [row, row + count) of one panel of C, `columns` (16 or 32) wide. b: [depth][32].
DEEPBIO_INLINE void product_rows(Left a, int64_t row, int64_t count, const float* b, int64_t depth,
                                 int64_t columns, float* c, const float* start, int64_t start_row) {
  if (columns < kTileColumns) {
    kNarrowProductTiles[count](a.at + row * kPanel, a.panel, b, depth, c, start, start_row);
    return;
  }
  for (int64_t j = 0; j < columns; j += kTileColumns) {
    kProductTiles[count](a.at + row * kPanel, a.panel, b + j, depth, c + j, start + j, start_row);
  }
}

// What is done with a finished tile while it is in the first cache.
struct NoEpilogue {
  DEEPBIO_INLINE void operator()(float*, int64_t, int64_t, int64_t) const {}
};

// C [rows, panels 32] = start + A B, then epilogue(tile, panel, row, count) on each tile.
template <class Epilogue>
DEEPBIO_INLINE void product(Left a, int64_t rows, const float* b, int64_t depth, int64_t num_panels,
                            Out c, Start start, const Epilogue& epilogue) {
  for (int64_t p = 0; p < num_panels; ++p) {
    for (int64_t row = 0; row < rows; row += kTileRows) {
      const int64_t count = rows - row < kTileRows ? rows - row : kTileRows;
      float* tile = c.at + p * c.panel + row * kPanel;
      product_rows(a, row, count, b + p * depth * kPanel, depth, kPanel, tile,
                   start.at + p * start.panel, start.row);
      epilogue(tile, p, row, count);
    }
  }
}

// C [32 a_panels, 32 b_panels] += A^T B over the rows, C as [b_panels][32 a_panels][32].
DEEPBIO_CALL void outer_product(Left a, int64_t a_panels, Left b, int64_t b_panels, int64_t rows,
                                float* c) {
  constexpr int64_t kBlock = 128;  // rows of two panels that fit the first cache
  // A block of rows of both sides stays in the first cache while all tiles of C pass over it.
  for (int64_t m = 0; m < rows; m += kBlock) {
    const int64_t count = rows - m < kBlock ? rows - m : kBlock;
    for (int64_t q = 0; q < b_panels; ++q) {
      for (int64_t i = 0; i < a_panels * kPanel; i += kOuterRows) {
        const float* left = a.at + (i / kPanel) * a.panel + m * kPanel + i % kPanel;
        for (int64_t j = 0; j < kPanel; j += kTileColumns) {
          kOuterTiles[kOuterRows](left, b.at + q * b.panel + m * kPanel + j, count,
                                  c + (q * a_panels * kPanel + i) * kPanel + j);
        }
      }
    }
  }
}

// sums [panels 32] += columns of A.
DEEPBIO_CALL void add_columns(Left a, int64_t num_panels, int64_t rows, float* sums) {
  for (int64_t p = 0; p < num_panels; ++p) {
    for (int64_t v = 0; v < kVectors; ++v) {
      const float* at = a.at + p * a.panel + v * kLanes;
      // Two sums, as an addition has to wait for the one before it.
      Vector even{}, odd{};
      int64_t m = 0;
      for (; m + 1 < rows; m += 2)
        even += load(at + m * kPanel), odd += load(at + (m + 1) * kPanel);
      if (m < rows) even += load(at + m * kPanel);
      float* to = sums + p * kPanel + v * kLanes;
      store(to, load(to) + (even + odd));
    }
  }
}
