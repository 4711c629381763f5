#include "deepbio/community/permutations.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <numeric>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/community/groups.h"

namespace deepbio::community {

Orders::Orders(int64_t num_samples, const PermutationOptions& options, std::string_view what)
    : num_samples_(num_samples), num_permutations_(options.num_permutations), seed_(options.seed) {
  if (num_permutations_ < 1) {
    throw ArgumentError(std::string(what) + ": expected at least 1 permutation, got " +
                        std::to_string(num_permutations_));
  }
  if (options.strata.empty()) return;
  check_labels(options.strata, num_samples, "stratum", {}, what);
  const Groups groups = number_groups(options.strata);
  strata_.resize(static_cast<size_t>(groups.count()));
  if (groups.count() == num_samples) {
    throw ArgumentError(std::string(what) + ": expected strata of several samples, got " +
                        std::to_string(num_samples) +
                        " strata of one: no sample can change its place");
  }
  for (int64_t i = 0; i < num_samples; ++i) strata_[groups.of_sample[i]].push_back(i);
}

std::vector<int64_t> Orders::at(int64_t k) const {
  CounterRandom random(seed_, 0, static_cast<uint64_t>(k), Purpose::kPermutation);
  if (strata_.empty()) return random_permutation(num_samples_, random);
  std::vector<int64_t> order(static_cast<size_t>(num_samples_));
  // One stream through all strata, in order of appearance: the same for any number of threads.
  for (const auto& places : strata_) {
    const auto within = random_permutation(static_cast<int64_t>(places.size()), random);
    for (size_t i = 0; i < places.size(); ++i) order[places[i]] = places[within[i]];
  }
  return order;
}

double p_value(const Orders& orders, double at_least,
               const std::function<double(std::span<const int64_t> order)>& statistic) {
  std::atomic<int64_t> num_as_large{0};
  at::parallel_for(0, orders.count(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) num_as_large += statistic(orders.at(k)) >= at_least;
  });
  return static_cast<double>(1 + num_as_large) / static_cast<double>(1 + orders.count());
}

}  // namespace deepbio::community
