#include "deepbio/community/compositions.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/text.h"

namespace deepbio::community {
namespace {

// [N, F] of the entries' values, `empty` elsewhere.
at::Tensor dense(const CountTable& table, const std::vector<double>& values, double empty) {
  at::Tensor out = at::full({table.num_samples(), table.num_features()}, empty, at::kDouble);
  double* row = out.mutable_data_ptr<double>();
  for (int64_t i = 0; i < table.num_samples(); ++i, row += table.num_features()) {
    for (int64_t k = table.indptr[i]; k < table.indptr[i + 1]; ++k)
      row[table.indices[k]] = values[k];
  }
  return out;
}

// For each sample, the values of its entries are changed at once.
template <class Change>
std::vector<double> by_sample(const CountTable& table, const Change& change) {
  std::vector<double> out(table.values);
  for (int64_t i = 0; i < table.num_samples(); ++i) {
    change(
        std::span<double>(out).subspan(static_cast<size_t>(table.indptr[i]),
                                       static_cast<size_t>(table.indptr[i + 1] - table.indptr[i])));
  }
  return out;
}

}  // namespace

std::vector<double> robust_log_ratios(const CountTable& table) {
  return by_sample(table, [](std::span<double> values) {
    double mean = 0;
    // Only counts above 0 are entries, so that the logarithm is finite.
    for (double& value : values) mean += value = std::log(value);
    for (double& value : values) value -= mean / static_cast<double>(values.size());
  });
}

std::vector<double> root_shares(const CountTable& table) {
  return by_sample(table, [](std::span<double> values) {
    double total = 0;
    for (const double value : values) total += value;
    for (double& value : values) value = std::sqrt(value / total);
  });
}

at::Tensor centred_log_ratios(const CountTable& table, double pseudocount) {
  // Without zeros no pseudocount is needed, and 0 leaves the ratios as they were measured.
  const bool has_zeros =
      static_cast<int64_t>(table.values.size()) < table.num_samples() * table.num_features();
  if (!(pseudocount >= 0) || !std::isfinite(pseudocount) || (pseudocount == 0 && has_zeros)) {
    throw ArgumentError("pseudocount: expected a number above 0, got " +
                        io::number_text(pseudocount) +
                        (pseudocount == 0 ? ": the table has zeros" : ""));
  }
  const at::Tensor logs = dense(table, table.values, 0).add_(pseudocount).log_();
  return logs - logs.mean(1, /*keepdim=*/true);
}

at::Tensor robust_centred_log_ratios(const CountTable& table) {
  return dense(table, robust_log_ratios(table), std::numeric_limits<double>::quiet_NaN());
}

at::Tensor hellinger(const CountTable& table) { return dense(table, root_shares(table), 0); }

}  // namespace deepbio::community
