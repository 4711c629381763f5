#include "deepbio/community/permanova.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <numeric>
#include <span>
#include <unordered_map>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"

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

// Sum over groups of the squared distances of its pairs / its size.
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

void check(const at::Tensor& distances, const std::vector<std::string>& labels, const PermanovaOptions& options) {
  if (distances.dim() != 2 || distances.size(0) != distances.size(1)) {
    throw ShapeError("permanova: expected distances [N, N], got " + std::to_string(distances.dim()) +
                     " dimensions of " + std::to_string(distances.numel()) + " numbers");
  }
  if (static_cast<int64_t>(labels.size()) != distances.size(0)) {
    throw ArgumentError("permanova: expected a group for each of " + std::to_string(distances.size(0)) +
                        " samples, got " + std::to_string(labels.size()));
  }
  if (options.num_permutations < 1) {
    throw ArgumentError("permanova: expected at least 1 permutation, got " + std::to_string(options.num_permutations));
  }
}

}  // namespace

Permanova permanova(const at::Tensor& distances, const std::vector<std::string>& labels,
                    const PermanovaOptions& options) {
  check(distances, labels, options);
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
  std::vector<char> is_as_large(static_cast<size_t>(options.num_permutations), 0);
  at::parallel_for(0, options.num_permutations, 1, [&](int64_t begin, int64_t end) {
    std::vector<int32_t> shuffled(labels.size());
    for (int64_t k = begin; k < end; ++k) {
      CounterRandom random(options.seed, 0, static_cast<uint64_t>(k), Purpose::kPermutation);
      const auto order = random_permutation(out.num_samples, random);
      for (size_t i = 0; i < shuffled.size(); ++i) shuffled[i] = groups.of_sample[order[i]];
      is_as_large[k] = within_groups(values, shuffled, groups.inverse_size) <= limit;
    }
  });
  const auto num_as_large = std::accumulate(is_as_large.begin(), is_as_large.end(), int64_t{0});
  out.p_value = static_cast<double>(1 + num_as_large) / static_cast<double>(1 + options.num_permutations);
  return out;
}

}  // namespace deepbio::community
