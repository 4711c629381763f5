// A test by permutation compares one sum over pairs for thousands of orders of the labels, and the
// matrix, not the arithmetic, is what takes time to read. Hence lanes: one pass for 64 orders.
#include "deepbio/community/groups.h"

#include <ATen/Parallel.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <atomic>
#include <unordered_map>

#include "deepbio/base/error.h"
#include "deepbio/base/simd.h"

namespace deepbio::community {
namespace {

// Permutations are taken kLanes at a time, so that a distance is read once for all of them. Each
// lane adds up in the order of within_groups, so that their sums have the same bits.
constexpr int64_t kLanes = 64;
template <class Label>
struct Lanes {
  typedef Label Few
      __attribute__((vector_size(8 * sizeof(Label)), aligned(sizeof(Label)), may_alias));
};
typedef int64_t Wide __attribute__((vector_size(64)));
typedef double Sums __attribute__((vector_size(64)));
constexpr int64_t kVectors = kLanes / 8;

//   label  [N, kLanes]: the group of each sample in each permutation
//   out    [kLanes]
template <class Label>
inline __attribute__((always_inline)) void within_lanes(const double* matrix, const Label* label,
                                                        int64_t n, const double* weight,
                                                        double* out) {
  using Few = typename Lanes<Label>::Few;
  std::fill(out, out + kLanes, 0.0);
  for (int64_t i = 0; i < n; ++i) {
    const double* row = matrix + i * n;
    Wide mine[kVectors];
    Sums own[kVectors] = {};
    // Labels become 64-bit numbers, as wide as the doubles that a comparison of them chooses from.
    const auto* at = reinterpret_cast<const Few*>(label + i * kLanes);
    for (int64_t v = 0; v < kVectors; ++v) mine[v] = __builtin_convertvector(at[v], Wide);
    for (int64_t j = i + 1; j < n; ++j) {
      const auto* other = reinterpret_cast<const Few*>(label + j * kLanes);
      const Sums distance = row[j] - Sums{};
      for (int64_t v = 0; v < kVectors; ++v) {
        // Adding 0 instead of branching: which pairs are within a group is random from order to
        // order.
        own[v] += __builtin_convertvector(other[v], Wide) == mine[v] ? distance : Sums{};
      }
    }
    // A row at a time, as within_groups: `own` is the sum of row i, weighed by the group of sample
    // i.
    for (int64_t v = 0; v < kVectors; ++v) {
      for (int64_t k = 0; k < 8; ++k) out[v * 8 + k] += own[v][k] * weight[mine[v][k]];
    }
  }
}

#if defined(__x86_64__)
#define DEEPBIO_SIDE_BY_SIDE \
  __attribute__((target_clones("arch=skylake-avx512", "avx2", "default")))
#else
#define DEEPBIO_SIDE_BY_SIDE
#endif

// Few groups have labels of a byte: the labels of a block then stay in the cache next to the
// processor.
DEEPBIO_SIDE_BY_SIDE void within_bytes(const double* matrix, const uint8_t* label, int64_t n,
                                       const double* weight, double* out) {
  within_lanes(matrix, label, n, weight, out);
}
DEEPBIO_SIDE_BY_SIDE void within_words(const double* matrix, const int32_t* label, int64_t n,
                                       const double* weight, double* out) {
  within_lanes(matrix, label, n, weight, out);
}

#if defined(__x86_64__)
// The same sums for processors with AVX-512: one instruction compares the labels of all lanes, and
// the bits that come of it say which lanes add the distance.
__attribute__((target("avx512f,avx512bw"))) void within_masks(const double* matrix,
                                                              const uint8_t* label, int64_t n,
                                                              const double* weight, double* out) {
  std::fill(out, out + kLanes, 0.0);
  for (int64_t i = 0; i < n; ++i) {
    const double* row = matrix + i * n;
    const __m512i mine = _mm512_loadu_si512(label + i * kLanes);
    __m512d own[kVectors];
    for (auto& sum : own) sum = _mm512_setzero_pd();
    for (int64_t j = i + 1; j < n; ++j) {
      const uint64_t same = _mm512_cmpeq_epi8_mask(mine, _mm512_loadu_si512(label + j * kLanes));
      const __m512d distance = _mm512_set1_pd(row[j]);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        own[v] =
            _mm512_mask_add_pd(own[v], static_cast<__mmask8>(same >> (8 * v)), own[v], distance);
      }
    }
    double sums[kLanes];
    for (int v = 0; v < kVectors; ++v) _mm512_storeu_pd(sums + 8 * v, own[v]);
    for (int64_t k = 0; k < kLanes; ++k) out[k] += sums[k] * weight[label[i * kLanes + k]];
  }
}

bool has_masks() { return choose_simd() == Simd::kAvx512; }
#else
bool has_masks() { return false; }
constexpr auto within_masks = within_bytes;
#endif

// How many of the orders [first, first + kLanes) have a sum within groups of at most `limit`.
template <class Label, class Within>
int64_t count_block(const double* matrix, const std::vector<int32_t>& of_sample,
                    const std::vector<double>& weight, const Orders& orders, int64_t first,
                    double limit, const Within& within) {
  const auto n = static_cast<int64_t>(of_sample.size());
  const int64_t count = std::min(kLanes, orders.count() - first);
  // Lanes past the last order stay in group 0; their sums are computed and not counted.
  std::vector<Label> label(static_cast<size_t>(n * kLanes), 0);
  for (int64_t k = 0; k < count; ++k) {
    const auto order = orders.at(first + k);
    for (int64_t i = 0; i < n; ++i) label[i * kLanes + k] = static_cast<Label>(of_sample[order[i]]);
  }
  double sums[kLanes];
  within(matrix, label.data(), n, weight.data(), sums);
  return std::count_if(sums, sums + count, [&](double sum) { return sum <= limit; });
}

}  // namespace

Groups number_groups(const std::vector<std::string>& labels) {
  Groups out;
  std::unordered_map<std::string, int32_t> known;
  for (const auto& label : labels) {
    const auto place = known.emplace(label, static_cast<int32_t>(known.size())).first->second;
    out.of_sample.push_back(place);
    out.size.resize(known.size(), 0);
    ++out.size[place];
  }
  return out;
}

void check_labels(const std::vector<std::string>& labels, int64_t num_samples,
                  std::string_view kind, const std::vector<std::string>& ids,
                  std::string_view what) {
  const std::string begin = std::string(what) + ": expected a " + std::string(kind) + " for each ";
  if (static_cast<int64_t>(labels.size()) != num_samples) {
    throw ArgumentError(begin + "of " + std::to_string(num_samples) + " samples, got " +
                        std::to_string(labels.size()));
  }
  const auto unnamed = std::find(labels.begin(), labels.end(), "");
  if (unnamed == labels.end()) return;
  const auto place = static_cast<size_t>(unnamed - labels.begin());
  throw ArgumentError(
      begin + "sample, got none for " +
      (ids.empty() ? "sample " + std::to_string(place) + " (from 0)" : quoted(ids[place])) +
      " and " + std::to_string(std::count(labels.begin(), labels.end(), "") - 1) +
      " more; leave such samples out");
}

Groups comparable_groups(const std::vector<std::string>& labels, int64_t num_samples,
                         const std::vector<std::string>& ids, std::string_view what) {
  check_labels(labels, num_samples, "group", ids, what);
  // With one group there is nothing to compare; with N groups no pair lies within one.
  Groups out = number_groups(labels);
  if (out.count() < 2 || out.count() == num_samples) {
    throw ArgumentError(std::string(what) + ": expected from 2 to " +
                        std::to_string(num_samples - 1) + " groups for " +
                        std::to_string(num_samples) + " samples, got " +
                        std::to_string(out.count()));
  }
  return out;
}

double within_groups(const double* matrix, const std::vector<int32_t>& of_sample,
                     const std::vector<double>& weight) {
  const auto n = static_cast<int64_t>(of_sample.size());
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double* row = matrix + i * n;
    const int32_t mine = of_sample[i];
    double own = 0;
    for (int64_t j = i + 1; j < n; ++j) own += of_sample[j] == mine ? row[j] : 0.0;
    sum += own * weight[mine];
  }
  return sum;
}

int64_t count_within(const double* matrix, const std::vector<int32_t>& of_sample,
                     const std::vector<double>& weight, const Orders& orders, double limit) {
  const bool fits_bytes = weight.size() <= 256;
  const auto within_few = has_masks() ? within_masks : within_bytes;
  // A count of whole numbers: the order in which threads add to it does not change it.
  std::atomic<int64_t> count{0};
  at::parallel_for(0, (orders.count() + kLanes - 1) / kLanes, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * kLanes;
      count +=
          fits_bytes
              ? count_block<uint8_t>(matrix, of_sample, weight, orders, first, limit, within_few)
              : count_block<int32_t>(matrix, of_sample, weight, orders, first, limit, within_words);
    }
  });
  return count;
}

}  // namespace deepbio::community
