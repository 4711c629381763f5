// Tests by permutation: the orders of samples that they try, and the p value that comes of them.
//
// Order k depends on (seed, k) only. With strata (blocks of a design, hosts) samples change places
// within their stratum alone. p = (1 + orders whose statistic is at least as large) / (1 + orders):
// the real order is among them. Threads: an Orders is immutable; p_value runs on at::parallel_for
// and does not depend on the number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace deepbio::community {

struct PermutationOptions {
  int64_t num_permutations = 999;
  uint64_t seed = 0;
  std::vector<std::string> strata = {};  // of each sample [N], or none
};

class Orders {
 public:
  //   what    begins the messages
  //   throws  ArgumentError: no permutation, another number of strata than samples, a sample
  //           without one, strata of one sample each
  Orders(int64_t num_samples, const PermutationOptions& options, std::string_view what);

  int64_t count() const { return num_permutations_; }
  // Sample order[i] takes the place of sample i. k from 0.
  std::vector<int64_t> at(int64_t k) const;

 private:
  int64_t num_samples_, num_permutations_;
  uint64_t seed_;
  std::vector<std::vector<int64_t>> strata_;  // places of each, when there are any
};

//   statistic   of an order
//   at_least    orders with a statistic of at least this count: the real one, less what rounding
//               may take
//   returns     p
double p_value(const Orders& orders, double at_least,
               const std::function<double(std::span<const int64_t> order)>& statistic);

}  // namespace deepbio::community
