// R depends on an order of the labels only through the sum of ranks within groups, since all ranks
// together always add up to P (P + 1) / 2 for P pairs. So a permutation is one sum over those
// pairs.
#include "deepbio/community/anosim.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "deepbio/community/distances.h"
#include "deepbio/community/groups.h"

namespace deepbio::community {

at::Tensor ranks_of_pairs(const at::Tensor& distances) {
  const int64_t n = distances.size(0);
  const double* from = distances.const_data_ptr<double>();
  std::vector<std::pair<double, int64_t>> pairs;  // distance, place
  pairs.reserve(static_cast<size_t>(n * (n - 1) / 2));
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = i + 1; j < n; ++j) pairs.emplace_back(from[i * n + j], i * n + j);
  }
  // By distance and then by place: the order of equal distances, and with it nothing, depends on
  // how the sort goes about it.
  std::sort(pairs.begin(), pairs.end());

  at::Tensor out = at::zeros({n, n}, at::kDouble);
  double* rank = out.mutable_data_ptr<double>();
  for (size_t first = 0; first < pairs.size();) {
    size_t last = first;
    while (last < pairs.size() && pairs[last].first == pairs[first].first) ++last;
    // Ranks first + 1 to last: the mean of the first and the last of them.
    const double mean = 0.5 * static_cast<double>(first + 1 + last);
    for (; first < last; ++first) rank[pairs[first].second] = mean;
  }
  return out.add_(out.t().clone());
}

Anosim anosim(const at::Tensor& given, const std::vector<std::string>& labels,
              const PermutationOptions& options, const std::vector<std::string>& ids) {
  const at::Tensor distances = sound_distances(given, ids, "anosim").to(at::kDouble).contiguous();
  const int64_t n = distances.size(0);
  const Groups groups = comparable_groups(labels, n, ids, "anosim");
  const Orders orders(n, options, "anosim");
  const at::Tensor ranks = ranks_of_pairs(distances);
  const double* values = ranks.const_data_ptr<double>();
  // Ranks are summed as they are; PERMANOVA is the one that weighs groups by their size.
  const std::vector<double> weight(groups.size.size(), 1.0);

  const double within = within_groups(values, groups.of_sample, weight);
  const double num_pairs = static_cast<double>(n) * static_cast<double>(n - 1) / 2;
  double num_within = 0;
  for (const double size : groups.size) num_within += size * (size - 1) / 2;
  const double between = num_pairs * (num_pairs + 1) / 2 - within;
  Anosim out{
      .num_samples = n, .num_groups = groups.count(), .num_permutations = options.num_permutations};
  out.r = (between / (num_pairs - num_within) - within / num_within) / (num_pairs / 2);

  // R falls as the ranks within groups rise; sums of halves are exact.
  const int64_t as_large = count_within(values, groups.of_sample, weight, orders, within);
  out.p_value =
      static_cast<double>(1 + as_large) / static_cast<double>(1 + options.num_permutations);
  return out;
}

}  // namespace deepbio::community
