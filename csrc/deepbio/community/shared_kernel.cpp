#include "deepbio/community/shared_kernel.h"

#include <algorithm>
#include <cmath>

// Every function that the compiled-for-one-processor entries use is inlined into them, so that it takes their
// instructions; vectors never cross a call.
#define DEEPBIO_INLINE inline __attribute__((always_inline))

namespace deepbio::community {
namespace {

template <class T>
struct VectorOf {
  // As aligned as a T, since panels come from anywhere; loads from aligned memory cost the same.
  typedef T type __attribute__((vector_size(64), aligned(sizeof(T)), may_alias));
};
template <class T>
using Vector = typename VectorOf<T>::type;
constexpr int kVectors = 4;

template <class T, Shared kShared>
DEEPBIO_INLINE void add_simple(const CommonBranches<T>& row, const T* panel, double* sums) {
  const auto* vectors = reinterpret_cast<const Vector<T>*>(panel);
  Vector<T> part[kVectors] = {};
  for (int64_t k = 0; k < row.count; ++k) {
    const Vector<T>* other = vectors + static_cast<int64_t>(row.index[k]) * kVectors;
    const T own = row.value[k];
    for (int v = 0; v < kVectors; ++v) {
      if constexpr (kShared == Shared::kSum) {
        part[v] += other[v];
      } else {
        const Vector<T> all = own - Vector<T>{};
        part[v] += other[v] < all ? other[v] : all;
      }
    }
  }
  const T* lanes = reinterpret_cast<const T*>(part);
  for (int64_t lane = 0; lane < kLanes<T>; ++lane) sums[lane] += lanes[lane];
}

// Half is alpha 1/2, by far the most used, where the power is a square root.
template <class T, bool kHalf>
DEEPBIO_INLINE void add_power(T alpha, const CommonBranches<T>& row, const Panel<T>& panel, double* first,
                              double* second) {
  T numerator[kLanes<T>], denominator[kLanes<T>];
  std::fill_n(numerator, kLanes<T>, T(0));
  std::fill_n(denominator, kLanes<T>, T(0));
  for (int64_t k = 0; k < row.count; ++k) {
    const int64_t at = static_cast<int64_t>(row.index[k]) * kLanes<T>;
    const T own = row.value[k], own_power = row.power[k], length = panel.length[row.index[k]];
    for (int64_t lane = 0; lane < kLanes<T>; ++lane) {
      const T other = panel.value[at + lane], both = own + other;
      if constexpr (kHalf) {
        const T root = std::sqrt(both), weight = length * root, alone = own_power + panel.power[at + lane];
        // |p_i - p_j| / s * s^(1/2) as |p_i - p_j| / s^(1/2); a sample without the branch adds nothing.
        const T apart = length * std::abs(own - other) / root;
        numerator[lane] += other > 0 ? apart - alone : T(0);
        denominator[lane] += other > 0 ? weight - alone : T(0);
      } else if (other > 0) {
        const T weight = length * (alpha == 0 ? T(1) : std::pow(both, alpha));
        const T alone = own_power + panel.power[at + lane];
        numerator[lane] += weight * std::abs(own - other) / both - alone;
        denominator[lane] += weight - alone;
      }
    }
  }
  for (int64_t lane = 0; lane < kLanes<T>; ++lane) {
    first[lane] += numerator[lane];
    second[lane] += denominator[lane];
  }
}

template <class T>
DEEPBIO_INLINE void add(Shared shared, double alpha, const CommonBranches<T>& row, const Panel<T>& panel, double* first,
                        double* second) {
  if (shared == Shared::kSum) {
    add_simple<T, Shared::kSum>(row, panel.value, first);
  } else if (shared == Shared::kMin) {
    add_simple<T, Shared::kMin>(row, panel.value, first);
  } else if (alpha == 0.5) {
    add_power<T, true>(T(alpha), row, panel, first, second);
  } else {
    add_power<T, false>(T(alpha), row, panel, first, second);
  }
}

#if defined(__x86_64__)
template <class T>
__attribute__((target("avx512f,avx512dq,avx512vl,fma,prefer-vector-width=512"))) void add_avx512(
    Shared shared, double alpha, const CommonBranches<T>& row, const Panel<T>& panel, double* first, double* second) {
  add(shared, alpha, row, panel, first, second);
}
template <class T>
__attribute__((target("avx2,fma"))) void add_avx2(Shared shared, double alpha, const CommonBranches<T>& row,
                                                  const Panel<T>& panel, double* first, double* second) {
  add(shared, alpha, row, panel, first, second);
}
#endif

}  // namespace

const std::vector<Instructions>& usable_instructions() {
  static const std::vector<Instructions> usable = [] {
    std::vector<Instructions> found;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
      found.push_back(Instructions::kAvx512);
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(Instructions::kAvx2);
#endif
    found.push_back(Instructions::kBaseline);
    return found;
  }();
  return usable;
}

template <class T>
void add_shared(Shared shared, double alpha, const CommonBranches<T>& row, const Panel<T>& panel, double* first,
                double* second, Instructions instructions) {
  switch (instructions) {
#if defined(__x86_64__)
    case Instructions::kAvx512:
      return add_avx512(shared, alpha, row, panel, first, second);
    case Instructions::kAvx2:
      return add_avx2(shared, alpha, row, panel, first, second);
#endif
    default:
      return add(shared, alpha, row, panel, first, second);
  }
}

template void add_shared<float>(Shared, double, const CommonBranches<float>&, const Panel<float>&, double*, double*,
                                Instructions);
template void add_shared<double>(Shared, double, const CommonBranches<double>&, const Panel<double>&, double*, double*,
                                 Instructions);

}  // namespace deepbio::community
