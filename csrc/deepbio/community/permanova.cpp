// SS_total does not change with the labels, so an order of them is one sum within groups.
#include "deepbio/community/permanova.h"

#include <ATen/ATen.h>

#include "deepbio/community/distances.h"
#include "deepbio/community/groups.h"

namespace deepbio::community {

Permanova permanova(const at::Tensor& given, const std::vector<std::string>& labels,
                    const PermutationOptions& options, const std::vector<std::string>& ids) {
  const at::Tensor distances = sound_distances(given, ids, "permanova");
  const int64_t n = distances.size(0);
  const Groups groups = comparable_groups(labels, n, ids, "permanova");
  const Orders orders(n, options, "permanova");
  Permanova out;
  out.num_samples = n;
  out.num_groups = groups.count();
  out.num_permutations = options.num_permutations;

  const at::Tensor squared = distances.to(at::kDouble).square().contiguous();
  const double* values = squared.const_data_ptr<double>();
  // An order keeps the sizes of the groups, so the weights are the same for all orders.
  std::vector<double> inverse_size;
  for (const double size : groups.size) inverse_size.push_back(1 / size);
  // Every sample in one group gives the sum over all pairs.
  const double total =
      within_groups(values, std::vector<int32_t>(labels.size(), 0), {1 / static_cast<double>(n)});
  const double within = within_groups(values, groups.of_sample, inverse_size);
  // Samples that are all alike have no groups that lie apart, rather than 0 / 0.
  if (total > 0) {
    out.pseudo_f = ((total - within) / static_cast<double>(out.num_groups - 1)) /
                   (within / static_cast<double>(n - out.num_groups));
  }

  // Pseudo-F falls as the sum within groups rises, so those are compared; sums that differ by
  // rounding are equal.
  const int64_t as_large =
      count_within(values, groups.of_sample, inverse_size, orders, within + 1e-12 * total);
  out.p_value =
      static_cast<double>(1 + as_large) / static_cast<double>(1 + options.num_permutations);
  return out;
}

}  // namespace deepbio::community
