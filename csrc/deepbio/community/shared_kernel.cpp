// The same loops three times, for registers of 64, 32 and 16 bytes, with gcc's vector extensions;
// by hand only where AVX-512 has what those cannot say: an estimate of the inverse square root, and
// masks.
#include "deepbio/community/shared_kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>

// Every function that the compiled-for-one-processor entries use is inlined into them, so that it
// takes their instructions; vectors never cross a call.
#define DEEPBIO_INLINE inline __attribute__((always_inline))

namespace deepbio::community {
namespace {

template <class T, int kBytes>
struct VectorOf {
  typedef T type __attribute__((vector_size(kBytes), aligned(sizeof(T)), may_alias));
};
constexpr int kRegisters = 8;

// Sums and minima. A row's sums stay in kWidth registers while its entries [begin, end) pass.
template <class T, int kBytes, Shared kShared, int kWidth>
DEEPBIO_INLINE void add_some(const SharedTile<T>& tile, int64_t row, int64_t pass) {
  using Vector = typename VectorOf<T, kBytes>::type;
  constexpr int64_t kRow = 512 / kBytes;
  const auto* panel = reinterpret_cast<const Vector*>(tile.panel) + pass;
  auto* sums = reinterpret_cast<Vector*>(tile.first + row * kLanes<T>) + pass;
  Vector part[kWidth];
  for (int v = 0; v < kWidth; ++v) part[v] = sums[v];
  // Lanes of the panel without the branch hold 0: they add 0 as a sum and as a minimum, unasked.
  for (int64_t k = tile.start[row]; k < tile.start[row + 1]; ++k) {
    const Vector* other = panel + tile.index[k] * kRow;
    if constexpr (kShared == Shared::kSum) {
      for (int v = 0; v < kWidth; ++v) part[v] += other[v];
    } else {
      const Vector own = tile.value[k] - Vector{};
      for (int v = 0; v < kWidth; ++v) part[v] += other[v] < own ? other[v] : own;
    }
  }
  for (int v = 0; v < kWidth; ++v) sums[v] = part[v];
}

// Narrower registers take the lanes in several passes.
template <class T, int kBytes, Shared kShared>
DEEPBIO_INLINE void add_simple(const SharedTile<T>& tile) {
  constexpr auto kPerVector = static_cast<int64_t>(kBytes / sizeof(T));
  const int64_t last = tile.last_lane / kPerVector;
  for (int64_t row = 0; row < tile.num_rows; ++row) {
    if (tile.start[row] == tile.start[row + 1]) continue;
    int64_t pass = tile.first_lane / kPerVector;
    for (; pass + kRegisters <= last; pass += kRegisters)
      add_some<T, kBytes, kShared, kRegisters>(tile, row, pass);
    // Lanes come in quarters of 512 bytes, so that at least two registers are left at any width.
    for (; pass < last; pass += 2) add_some<T, kBytes, kShared, 2>(tile, row, pass);
  }
}

// 2^x, |x| taken as 1000 at most: whole part into the exponent, the rest (at most 1/2) by its
// series.
DEEPBIO_INLINE double exp2_of(double x) {
  x = x < -1000.0 ? -1000.0 : x > 1000.0 ? 1000.0 : x;
  // 1.5 * 2^52: the low bits of x + kShift are x as a whole number.
  constexpr double kShift = 6755399441055744.0;
  const double shifted = x + kShift, f = (x - (shifted - kShift)) * 0.693147180559945309417;
  // 1 / 13!: with |f| at most log(2) / 2 the first term left out is below 1e-17 of the sum.
  double sum = 1.0 / 6227020800;
  sum = sum * f + 1.0 / 479001600;
  sum = sum * f + 1.0 / 39916800;
  sum = sum * f + 1.0 / 3628800;
  sum = sum * f + 1.0 / 362880;
  sum = sum * f + 1.0 / 40320;
  sum = sum * f + 1.0 / 5040;
  sum = sum * f + 1.0 / 720;
  sum = sum * f + 1.0 / 120;
  sum = sum * f + 1.0 / 24;
  sum = sum * f + 1.0 / 6;
  sum = sum * f + 0.5;
  sum = sum * f + 1.0;
  sum = sum * f + 1.0;
  // The shift throws the exponent of `shifted` away; what was its lowest bits is added to that of
  // sum.
  const auto whole = std::bit_cast<uint64_t>(shifted) << 52;
  return std::bit_cast<double>(std::bit_cast<uint64_t>(sum) + whole);
}

// log2 of a normal x > 0: the exponent, and 2 atanh((m - 1) / (m + 1)) of a mantissa m in
// [0.7, 1.42).
DEEPBIO_INLINE double log2_of(double x) {
  constexpr uint64_t kRootHalf = 0x3fe6a09e667f3bcd;  // sqrt(1/2)
  // Centred on sqrt(1/2): the mantissa is near 1 from both sides, where the series needs fewest
  // terms.
  const auto bits = std::bit_cast<uint64_t>(x) - kRootHalf;
  // The exponent as a double without a conversion: 2^52 + (exponent + 2048) has it in its low bits.
  const double exponent =
      std::bit_cast<double>(((bits + (uint64_t{2048} << 52)) >> 52) | 0x4330000000000000) -
      4503599627372544.0;
  const double m = std::bit_cast<double>((bits & 0x000fffffffffffff) + kRootHalf);
  const double s = (m - 1) / (m + 1), z = s * s;
  double sum = 1.0 / 23;
  sum = sum * z + 1.0 / 21;
  sum = sum * z + 1.0 / 19;
  sum = sum * z + 1.0 / 17;
  sum = sum * z + 1.0 / 15;
  sum = sum * z + 1.0 / 13;
  sum = sum * z + 1.0 / 11;
  sum = sum * z + 1.0 / 9;
  sum = sum * z + 1.0 / 7;
  sum = sum * z + 1.0 / 5;
  sum = sum * z + 1.0 / 3;
  sum = sum * z + 1.0;
  return exponent + 2.88539008177792681472 * s * sum;
}

DEEPBIO_INLINE double power_of(double x, double alpha) { return exp2_of(alpha * log2_of(x)); }

template <class T>
struct Terms {
  T first, second;
};

// What a branch of this length adds for two samples that hold it. alpha 1/2 is by far the most
// used: there the power is a square root.
template <class T, bool kHalf>
DEEPBIO_INLINE Terms<T> terms_of(T own, T other, T alone, T length, double alpha, T rounder) {
  const T both = own + other;
  T weight, apart;
  if constexpr (kHalf) {
    // |p_i - p_j| / s * s^(1/2) as |p_i - p_j| / s^(1/2)
    const T root = std::sqrt(both);
    weight = length * root;
    apart = length * std::abs(own - other) / root;
  } else {
    weight = length * T(power_of(both, alpha));
    apart = weight * std::abs(own - other) / both;
  }
  // P_i and P_j are multiples of the grid already, so only the new terms are rounded.
  return {((apart + rounder) - rounder) - alone, ((weight + rounder) - rounder) - alone};
}

template <class T, bool kHalf>
DEEPBIO_INLINE void add_power(const SharedTile<T>& tile) {
  for (int64_t row = 0; row < tile.num_rows; ++row) {
    T* __restrict first = tile.first + row * kLanes<T>;
    T* __restrict second = tile.second + row * kLanes<T>;
    for (int64_t k = tile.start[row]; k < tile.start[row + 1]; ++k) {
      const T* __restrict others = tile.panel + tile.index[k] * kLanes<T>;
      const T* __restrict other_powers = tile.panel_power + tile.index[k] * kLanes<T>;
      const T own = tile.value[k], own_power = tile.power[k],
              length = tile.panel_length[tile.index[k]];
      for (int64_t lane = tile.first_lane; lane < tile.last_lane; ++lane) {
        const T alone = own_power + other_powers[lane];
        const Terms<T> terms =
            terms_of<T, kHalf>(own, others[lane], alone, length, tile.alpha, tile.rounder);
        // A sample without the branch adds nothing.
        first[lane] += others[lane] > 0 ? terms.first : T(0);
        second[lane] += others[lane] > 0 ? terms.second : T(0);
      }
    }
  }
}

template <class T, bool kHalf>
DEEPBIO_INLINE void list_power(const SharedList<T>& list) {
  T* __restrict first = list.first;
  T* __restrict second = list.second;
  for (int64_t k = 0; k < list.count; ++k) {
    const T alone = list.own_power + list.other_power[k];
    const Terms<T> terms =
        terms_of<T, kHalf>(list.own, list.other[k], alone, list.length, list.alpha, list.rounder);
    first[k] = terms.first;
    second[k] = terms.second;
  }
}

template <class T>
DEEPBIO_INLINE void list_terms(const SharedList<T>& list) {
  return list.alpha == 0.5 ? list_power<T, true>(list) : list_power<T, false>(list);
}

template <class T, int kBytes>
DEEPBIO_INLINE void add(Shared shared, const SharedTile<T>& tile) {
  if constexpr (!std::is_same_v<T, float>) {
    if (shared == Shared::kSum) return add_simple<T, kBytes, Shared::kSum>(tile);
    if (shared == Shared::kMin) return add_simple<T, kBytes, Shared::kMin>(tile);
  }
  if constexpr (!std::is_same_v<T, uint32_t>) {
    if (shared == Shared::kPower)
      return tile.alpha == 0.5 ? add_power<T, true>(tile) : add_power<T, false>(tile);
  }
}

#if defined(__x86_64__)
#define DEEPBIO_AVX512 \
  __attribute__((target("avx512f,avx512dq,avx512vl,fma,prefer-vector-width=512")))

struct Doubles {
  using Value = double;
  using Vector = __m512d;
  using Mask = __mmask8;
  static constexpr int64_t kWidth = 8;
  static constexpr int kSteps = 2;  // of Newton's method from the 14 bits of the estimate
};
struct Floats {
  using Value = float;
  using Vector = __m512;
  using Mask = __mmask16;
  static constexpr int64_t kWidth = 16;
  static constexpr int kSteps = 1;
};
DEEPBIO_AVX512 DEEPBIO_INLINE __m512d inverse_root_estimate(__m512d x) {
  return _mm512_rsqrt14_pd(x);
}
DEEPBIO_AVX512 DEEPBIO_INLINE __m512 inverse_root_estimate(__m512 x) {
  return _mm512_rsqrt14_ps(x);
}
DEEPBIO_AVX512 DEEPBIO_INLINE __m512d load(const double* p) { return _mm512_loadu_pd(p); }
DEEPBIO_AVX512 DEEPBIO_INLINE __m512 load(const float* p) { return _mm512_loadu_ps(p); }
DEEPBIO_AVX512 DEEPBIO_INLINE __m512d load_some(__mmask8 mask, const double* p) {
  return _mm512_maskz_loadu_pd(mask, p);
}
DEEPBIO_AVX512 DEEPBIO_INLINE __m512 load_some(__mmask16 mask, const float* p) {
  return _mm512_maskz_loadu_ps(mask, p);
}
DEEPBIO_AVX512 DEEPBIO_INLINE void store_some(__mmask8 mask, double* p, __m512d x) {
  _mm512_mask_storeu_pd(p, mask, x);
}
DEEPBIO_AVX512 DEEPBIO_INLINE void store_some(__mmask16 mask, float* p, __m512 x) {
  _mm512_mask_storeu_ps(p, mask, x);
}
DEEPBIO_AVX512 DEEPBIO_INLINE void store(double* p, __m512d x) { _mm512_storeu_pd(p, x); }
DEEPBIO_AVX512 DEEPBIO_INLINE void store(float* p, __m512 x) { _mm512_storeu_ps(p, x); }
DEEPBIO_AVX512 DEEPBIO_INLINE __m512d absolute(__m512d x) { return _mm512_abs_pd(x); }
DEEPBIO_AVX512 DEEPBIO_INLINE __m512 absolute(__m512 x) { return _mm512_abs_ps(x); }
DEEPBIO_AVX512 DEEPBIO_INLINE __mmask8 is_positive(__m512d x) {
  return _mm512_cmp_pd_mask(x, _mm512_setzero_pd(), _CMP_GT_OQ);
}
DEEPBIO_AVX512 DEEPBIO_INLINE __mmask16 is_positive(__m512 x) {
  return _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GT_OQ);
}
DEEPBIO_AVX512 DEEPBIO_INLINE __m512d add_where(__mmask8 mask, __m512d sum, __m512d x) {
  return _mm512_mask_add_pd(sum, mask, sum, x);
}
DEEPBIO_AVX512 DEEPBIO_INLINE __m512 add_where(__mmask16 mask, __m512 sum, __m512 x) {
  return _mm512_mask_add_ps(sum, mask, sum, x);
}

template <class Vector>
struct TwoVectors {
  Vector first, second;
};

// terms_of<T, true> without a square root or a division, which take three times as long as all the
// rest. shifted: rounder + P_i. (term + rounder) - (shifted + P_j) rounds the term to the grid and
// takes the rest away.
template <class Kind, class Vector = typename Kind::Vector, class T = typename Kind::Value>
DEEPBIO_AVX512 DEEPBIO_INLINE TwoVectors<Vector> root_terms(T own, Vector other, Vector other_power,
                                                            T length, T shifted, T rounder) {
  // Lanes without the branch have other = 0 and own > 0: no lane takes the root of 0.
  const Vector both = own + other, half = T(0.5) * both;
  Vector inverse = inverse_root_estimate(both);
  // Each step doubles the right bits: 14, 28, 56 for the 53 of a double; 28 for the 24 of a float.
  for (int step = 0; step < Kind::kSteps; ++step)
    inverse = inverse * (T(1.5) - (half * inverse) * inverse);
  const Vector scaled = length * inverse, alone = shifted + other_power;
  const Vector apart = absolute(own - other) * scaled, weight = both * scaled;
  return {(apart + rounder) - alone, (weight + rounder) - alone};
}

// The sums of kGroup vectors from `lane` on stay in registers.
template <class Kind, int kGroup>
DEEPBIO_AVX512 DEEPBIO_INLINE void add_some_roots(const SharedTile<typename Kind::Value>& tile,
                                                  int64_t row, int64_t lane) {
  using T = typename Kind::Value;
  using Vector = typename Kind::Vector;
  const int64_t at = row * kLanes<T> + lane;
  Vector first[kGroup], second[kGroup];
  for (int v = 0; v < kGroup; ++v) {
    first[v] = load(tile.first + at + v * Kind::kWidth);
    second[v] = load(tile.second + at + v * Kind::kWidth);
  }
  for (int64_t k = tile.start[row]; k < tile.start[row + 1]; ++k) {
    const int64_t in_panel = tile.index[k] * kLanes<T> + lane;
    const T length = tile.panel_length[tile.index[k]], own = tile.value[k];
    const T shifted = tile.rounder + tile.power[k];
    for (int v = 0; v < kGroup; ++v) {
      const Vector other = load(tile.panel + in_panel + v * Kind::kWidth);
      const Vector other_power = load(tile.panel_power + in_panel + v * Kind::kWidth);
      const auto terms = root_terms<Kind>(own, other, other_power, length, shifted, tile.rounder);
      const auto is_shared = is_positive(other);
      first[v] = add_where(is_shared, first[v], terms.first);
      second[v] = add_where(is_shared, second[v], terms.second);
    }
  }
  for (int v = 0; v < kGroup; ++v) {
    store(tile.first + at + v * Kind::kWidth, first[v]);
    store(tile.second + at + v * Kind::kWidth, second[v]);
  }
}

template <class Kind>
DEEPBIO_AVX512 void add_roots_avx512(const SharedTile<typename Kind::Value>& tile) {
  for (int64_t row = 0; row < tile.num_rows; ++row) {
    if (tile.start[row] == tile.start[row + 1]) continue;
    int64_t lane = tile.first_lane;
    for (; lane + 4 * Kind::kWidth <= tile.last_lane; lane += 4 * Kind::kWidth)
      add_some_roots<Kind, 4>(tile, row, lane);
    for (; lane < tile.last_lane; lane += 2 * Kind::kWidth)
      add_some_roots<Kind, 2>(tile, row, lane);
  }
}

template <class Kind>
DEEPBIO_AVX512 void list_roots_avx512(const SharedList<typename Kind::Value>& list) {
  const auto shifted = list.rounder + list.own_power;
  for (int64_t k = 0; k < list.count; k += Kind::kWidth) {
    // The last vector reads and writes only as many lanes as are left: the list ends where memory
    // may.
    const auto some = static_cast<typename Kind::Mask>(
        (uint64_t{1} << std::min(Kind::kWidth, list.count - k)) - 1);
    const auto terms =
        root_terms<Kind>(list.own, load_some(some, list.other + k),
                         load_some(some, list.other_power + k), list.length, shifted, list.rounder);
    store_some(some, list.first + k, terms.first);
    store_some(some, list.second + k, terms.second);
  }
}

template <class T>
using KindOf = std::conditional_t<std::is_same_v<T, double>, Doubles, Floats>;

template <class T>
DEEPBIO_AVX512 void terms_avx512(const SharedList<T>& list) {
  return list.alpha == 0.5 ? list_roots_avx512<KindOf<T>>(list) : list_terms(list);
}
template <class T>
__attribute__((target("avx2,fma"))) void terms_avx2(const SharedList<T>& list) {
  list_terms(list);
}

template <class T>
DEEPBIO_AVX512 void add_avx512(Shared shared, const SharedTile<T>& tile) {
  if constexpr (!std::is_same_v<T, uint32_t>) {
    if (shared == Shared::kPower && tile.alpha == 0.5) {
      return add_roots_avx512<KindOf<T>>(tile);
    }
  }
  add<T, 64>(shared, tile);
}
template <class T>
__attribute__((target("avx2,fma"))) void add_avx2(Shared shared, const SharedTile<T>& tile) {
  add<T, 32>(shared, tile);
}
#endif

}  // namespace

template <class T>
void add_shared(Shared shared, const SharedTile<T>& tile, Simd simd) {
  switch (simd) {
#if defined(__x86_64__)
    case Simd::kAvx512:
      return add_avx512(shared, tile);
    case Simd::kAvx2:
      return add_avx2(shared, tile);
#endif
    default:
      return add<T, 16>(shared, tile);
  }
}

template <class T>
void shared_terms(const SharedList<T>& list, Simd simd) {
  switch (simd) {
#if defined(__x86_64__)
    case Simd::kAvx512:
      return terms_avx512(list);
    case Simd::kAvx2:
      return terms_avx2(list);
#endif
    default:
      return list_terms(list);
  }
}

template void shared_terms<double>(const SharedList<double>&, Simd);
template void shared_terms<float>(const SharedList<float>&, Simd);
template void add_shared<double>(Shared, const SharedTile<double>&, Simd);
template void add_shared<float>(Shared, const SharedTile<float>&, Simd);
template void add_shared<uint32_t>(Shared, const SharedTile<uint32_t>&, Simd);

double positive_power(double x, double alpha) { return power_of(x, alpha); }

}  // namespace deepbio::community
