#include "deepbio/io/tables/depths.h"

#include <algorithm>
#include <numeric>

#include "deepbio/base/error.h"

namespace deepbio::io {

// Rows of the table are its samples, so each sum goes over memory in order.
std::vector<double> sample_totals(const CountTable& table) {
  std::vector<double> totals;
  totals.reserve(table.sample_ids.size());
  for (size_t sample = 0; sample < table.sample_ids.size(); ++sample) {
    const auto counts = table.values.begin();
    totals.push_back(
        std::accumulate(counts + table.indptr[sample], counts + table.indptr[sample + 1], 0.0));
  }
  return totals;
}

double median(std::vector<double> values) {
  if (values.empty()) throw ArgumentError("median: expected at least one number, got none");
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  // Halved before they are added: two of the largest doubles would overflow.
  return values.size() % 2 == 1 ? values[middle] : values[middle - 1] / 2 + values[middle] / 2;
}

}  // namespace deepbio::io
