#include "deepbio/community/permanova.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <span>
#include <unordered_map>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/community/distances.h"

namespace deepbio::community {
namespace {

struct Groups {
  std::vector<int32_t> of_sample;    // [N]
  std::vector<double> inverse_size;  // of each group
};

Groups number_groups(const std::vector<std::string>& labels) {
  Groups out;
  std::unordered_map<std::string, int32_t> known;
  for (const auto& label : labels) {
    const auto place = known.emplace(label, static_cast<int32_t>(known.size())).first->second;
    out.of_sample.push_back(place);
    out.inverse_size.resize(known.size(), 0);
    ++out.inverse_size[place];
  }
  for (double& size : out.inverse_size) size = 1 / size;
  return out;
}

// Sum over groups of the squared distances of its pairs / its size, for the groups as they are.
//   squared  [N, N], only what stands right of the diagonal is read
double within_groups(const double* squared, std::span<const int32_t> group, const std::vector<double>& inverse_size) {
  const auto n = static_cast<int64_t>(group.size());
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double* row = squared + i * n;
    const int32_t mine = group[i];
    double own = 0;
    for (int64_t j = i + 1; j < n; ++j) own += group[j] == mine ? row[j] : 0.0;
    sum += own * inverse_size[mine];
  }
  return sum;
}

// Permutations are taken kLanes at a time, so that a distance is read once for all of them. Each lane adds up in the
// order of within_groups, so that their sums have the same bits.
constexpr int64_t kLanes = 64;
template <class Label>
struct Lanes {
  typedef Label Few __attribute__((vector_size(8 * sizeof(Label)), aligned(sizeof(Label)), may_alias));
};
typedef int64_t Wide __attribute__((vector_size(64)));
typedef double Sums __attribute__((vector_size(64)));
constexpr int64_t kVectors = kLanes / 8;

//   label  [N, kLanes]: the group of each sample in each permutation
//   out    [kLanes]
template <class Label>
inline __attribute__((always_inline)) void within_lanes(const double* squared, const Label* label, int64_t n,
                                                        const double* inverse_size, double* out) {
  using Few = typename Lanes<Label>::Few;
  std::fill(out, out + kLanes, 0.0);
  for (int64_t i = 0; i < n; ++i) {
    const double* row = squared + i * n;
    Wide mine[kVectors];
    Sums own[kVectors] = {};
    const auto* at = reinterpret_cast<const Few*>(label + i * kLanes);
    for (int64_t v = 0; v < kVectors; ++v) mine[v] = __builtin_convertvector(at[v], Wide);
    for (int64_t j = i + 1; j < n; ++j) {
      const auto* other = reinterpret_cast<const Few*>(label + j * kLanes);
      const Sums distance = row[j] - Sums{};
      for (int64_t v = 0; v < kVectors; ++v) {
        own[v] += __builtin_convertvector(other[v], Wide) == mine[v] ? distance : Sums{};
      }
    }
    for (int64_t v = 0; v < kVectors; ++v) {
      for (int64_t k = 0; k < 8; ++k) out[v * 8 + k] += own[v][k] * inverse_size[mine[v][k]];
    }
  }
}

#if defined(__x86_64__)
#define DEEPBIO_SIDE_BY_SIDE __attribute__((target_clones("arch=skylake-avx512", "avx2", "default")))
#else
#define DEEPBIO_SIDE_BY_SIDE
#endif

// Few groups have labels of a byte: the labels of a block then stay in the cache next to the processor.
DEEPBIO_SIDE_BY_SIDE void within_bytes(const double* squared, const uint8_t* label, int64_t n,
                                       const double* inverse_size, double* out) {
  within_lanes(squared, label, n, inverse_size, out);
}
DEEPBIO_SIDE_BY_SIDE void within_words(const double* squared, const int32_t* label, int64_t n,
                                       const double* inverse_size, double* out) {
  within_lanes(squared, label, n, inverse_size, out);
}

// How many of the permutations [first, first + kLanes) have a sum within groups of at most `limit`.
template <class Label, class Within>
int64_t count_as_large(const double* squared, const Groups& groups, const PermanovaOptions& options, int64_t first,
                       double limit, const Within& within) {
  const auto n = static_cast<int64_t>(groups.of_sample.size());
  const int64_t count = std::min(kLanes, options.num_permutations - first);
  std::vector<Label> label(static_cast<size_t>(n * kLanes), 0);
  for (int64_t k = 0; k < count; ++k) {
    CounterRandom random(options.seed, 0, static_cast<uint64_t>(first + k), Purpose::kPermutation);
    const auto order = random_permutation(n, random);
    for (int64_t i = 0; i < n; ++i) label[i * kLanes + k] = static_cast<Label>(groups.of_sample[order[i]]);
  }
  double sums[kLanes];
  within(squared, label.data(), n, groups.inverse_size.data(), sums);
  return std::count_if(sums, sums + count, [&](double sum) { return sum <= limit; });
}

void check(const at::Tensor& distances, const std::vector<std::string>& labels, const PermanovaOptions& options,
           const std::vector<std::string>& ids) {
  if (static_cast<int64_t>(labels.size()) != distances.size(0)) {
    throw ArgumentError("permanova: expected a group for each of " + std::to_string(distances.size(0)) +
                        " samples, got " + std::to_string(labels.size()));
  }
  const auto unnamed = std::find(labels.begin(), labels.end(), "");
  if (unnamed != labels.end()) {
    const auto place = static_cast<size_t>(unnamed - labels.begin());
    throw ArgumentError("permanova: expected a group for each sample, got none for " +
                        (ids.empty() ? "sample " + std::to_string(place) + " (from 0)" : quoted(ids[place])) + " and " +
                        std::to_string(std::count(labels.begin(), labels.end(), "") - 1) +
                        " more; leave such samples out");
  }
  if (options.num_permutations < 1) {
    throw ArgumentError("permanova: expected at least 1 permutation, got " + std::to_string(options.num_permutations));
  }
}

}  // namespace

Permanova permanova(const at::Tensor& given, const std::vector<std::string>& labels, const PermanovaOptions& options,
                    const std::vector<std::string>& ids) {
  const at::Tensor distances = sound_distances(given, ids, "permanova");
  check(distances, labels, options, ids);
  const Groups groups = number_groups(labels);
  Permanova out;
  out.num_samples = distances.size(0);
  out.num_groups = static_cast<int64_t>(groups.inverse_size.size());
  out.num_permutations = options.num_permutations;
  if (out.num_groups < 2 || out.num_groups == out.num_samples) {
    throw ArgumentError("permanova: expected from 2 to " + std::to_string(out.num_samples - 1) + " groups for " +
                        std::to_string(out.num_samples) + " samples, got " + std::to_string(out.num_groups));
  }
  const at::Tensor squared = distances.to(at::kDouble).square().contiguous();
  const double* values = squared.const_data_ptr<double>();
  // Every sample in one group gives the sum over all pairs.
  const std::vector<int32_t> one_group(labels.size(), 0);
  const double total = within_groups(values, one_group, {1 / static_cast<double>(out.num_samples)});
  const double within = within_groups(values, groups.of_sample, groups.inverse_size);
  // Samples that are all alike have no groups that lie apart, rather than 0 / 0.
  if (total > 0) {
    out.pseudo_f = ((total - within) / static_cast<double>(out.num_groups - 1)) /
                   (within / static_cast<double>(out.num_samples - out.num_groups));
  }
  // Pseudo-F falls as the sum within groups rises, so those are compared; sums that differ by rounding are equal.
  const double limit = within + 1e-12 * total;
  const bool fits_bytes = out.num_groups <= 256;
  std::atomic<int64_t> num_as_large{0};
  at::parallel_for(0, (options.num_permutations + kLanes - 1) / kLanes, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * kLanes;
      num_as_large += fits_bytes ? count_as_large<uint8_t>(values, groups, options, first, limit, within_bytes)
                                 : count_as_large<int32_t>(values, groups, options, first, limit, within_words);
    }
  });
  out.p_value = static_cast<double>(1 + num_as_large) / static_cast<double>(1 + options.num_permutations);
  return out;
}

}  // namespace deepbio::community
