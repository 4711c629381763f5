// Euclidean distances between samples whose entries are mostly zero, each row less its own
// constant. Threads: at::parallel_for; the result does not depend on their number.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "deepbio/community/table.h"

namespace deepbio::community {

// The samples of each feature, ascending, with a value for each entry.
struct ByFeature {
  std::vector<int64_t> indptr;  // [F + 1]
  std::vector<int64_t> sample;
  std::vector<double> value;
};
//   values  of the entries of the table, in its order
ByFeature by_feature(const CountTable& table, const std::vector<double>& values);

// Distances of the rows y_i - shift_i, y zero where the table has no entry, below the diagonal and
// on it.
//   y        of the entries of the table, in its order
//   shift    the mean of each row over all F features [N], or none: rows as they are
//   out      zeros, float64 [N, N], contiguous
//   complexity  the pairs of samples that share a feature, or N^2 F / 2 multiplications in panels
//               where more than an eighth of the table is above zero
void fill_euclidean(const CountTable& table, const std::vector<double>& y,
                    const std::vector<double>& shift, const at::Tensor& out);

}  // namespace deepbio::community
