// Groups of samples as tests compare them, and the sums of a matrix within groups that change
// places. Threads: pure functions; count_within uses at::parallel_for, and its result does not
// depend on their number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/community/permutations.h"

namespace deepbio::community {

struct Groups {
  std::vector<int32_t> of_sample;  // [N]: numbers from 0 in order of appearance
  std::vector<double> size;        // samples of each
  int64_t count() const { return static_cast<int64_t>(size.size()); }
};

Groups number_groups(const std::vector<std::string>& labels);

// throws ArgumentError: another number of labels than samples, an empty label (with the sample's
// id).
//   kind  "group", "stratum": what a label is called
//   ids   N, or none
void check_labels(const std::vector<std::string>& labels, int64_t num_samples,
                  std::string_view kind, const std::vector<std::string>& ids,
                  std::string_view what);

// number_groups of labels that can be compared.
// throws ArgumentError: as above, fewer than two groups, each sample a group of its own.
Groups comparable_groups(const std::vector<std::string>& labels, int64_t num_samples,
                         const std::vector<std::string>& ids, std::string_view what);

// Sum over groups of the entries of its pairs times the group's weight.
//   matrix  [N, N], only what stands right of the diagonal is read
//   weight  of each group
double within_groups(const double* matrix, const std::vector<int32_t>& of_sample,
                     const std::vector<double>& weight);

// How many orders of the labels have a sum within groups of at most `limit`. The matrix is read
// once for 64 orders.
int64_t count_within(const double* matrix, const std::vector<int32_t>& of_sample,
                     const std::vector<double>& weight, const Orders& orders, double limit);

}  // namespace deepbio::community
