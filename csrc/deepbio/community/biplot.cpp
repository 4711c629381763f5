#include "deepbio/community/biplot.h"

#include <ATen/ATen.h>

#include <cmath>

#include "deepbio/base/error.h"

namespace deepbio::community {

at::Tensor biplot(const Pcoa& pcoa, const CountTable& table) {
  const int64_t n = pcoa.coordinates.size(0), num_axes = pcoa.coordinates.size(1);
  if (n != table.num_samples()) {
    throw ShapeError("biplot: expected the " + std::to_string(n) +
                     " samples of the ordination, got a table of " +
                     std::to_string(table.num_samples()));
  }
  if (n < 2) throw ArgumentError("biplot: expected at least 2 samples, got " + std::to_string(n));
  const at::Tensor centred = pcoa.coordinates - pcoa.coordinates.mean(0, /*keepdim=*/true);
  const at::Tensor sd = centred.square().sum(0).div(static_cast<double>(n - 1)).sqrt();
  // Axes of negative eigenvalues have no real coordinates; their arrows are 0 instead of NaN.
  const at::Tensor is_axis = (pcoa.eigenvalues > 0).logical_and(sd > 0);
  // Covariances with axes of variance 1, / (n - 1), times sqrt(n - 1) / sqrt(eigenvalue).
  const at::Tensor divisor = sd * pcoa.eigenvalues.sqrt() * std::sqrt(static_cast<double>(n - 1));
  const at::Tensor scaled = at::where(is_axis, centred / divisor, 0.0).contiguous();

  at::Tensor out = at::zeros({table.num_features(), num_axes}, at::kDouble);
  double* to = out.mutable_data_ptr<double>();
  const double* from = scaled.const_data_ptr<double>();
  // The covariance needs no centred table: the axes are centred, so the mean of a feature drops
  // out. That keeps the table sparse.
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = table.indptr[i]; k < table.indptr[i + 1]; ++k) {
      double* row = to + table.indices[k] * num_axes;
      for (int64_t axis = 0; axis < num_axes; ++axis)
        row[axis] += table.values[k] * from[i * num_axes + axis];
    }
  }
  return out;
}

}  // namespace deepbio::community
