// The rotation that brings B nearest to A is U V' of the singular value decomposition of B' A
// (Schoenemann 1966), and the sum of its singular values is the correlation. A permutation needs
// the sum alone: [K, K] values and no rotation.
#include "deepbio/community/procrustes.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "deepbio/base/error.h"

namespace deepbio::community {
namespace {

constexpr double kRoundingOfFit = 1e-12;  // of correlations that are equal on paper

at::Tensor standardised(const at::Tensor& given, int64_t num_axes) {
  at::Tensor out = given.to(at::kDouble);
  if (!out.isfinite().all().item<bool>())
    throw ArgumentError("procrustes: expected finite coordinates");
  out = out - out.mean(0, /*keepdim=*/true);
  const double length = out.norm().item<double>();
  if (!(length > 1e-14 * given.abs().max().item<double>())) {
    throw ArgumentError("procrustes: all samples lie in one place");
  }
  // Axes of zeros change neither distances nor lengths: the ordinations then have the same width.
  return at::constant_pad_nd(out / length, {0, num_axes - out.size(1)}).contiguous();
}

void check(const at::Tensor& reference, const at::Tensor& other) {
  const bool is_fit = reference.dim() == 2 && other.dim() == 2 &&
                      reference.size(0) == other.size(0) && reference.size(1) > 0 &&
                      other.size(1) > 0;
  if (!is_fit) {
    const auto text = [](const at::Tensor& t) {
      return t.dim() == 2 ? "[" + std::to_string(t.size(0)) + ", " + std::to_string(t.size(1)) + "]"
                          : std::to_string(t.dim()) + " dimensions";
    };
    throw ShapeError(
        "procrustes: expected coordinates [N, K] and [N, L] of the same samples, got " +
        text(reference) + " and " + text(other));
  }
  if (reference.size(0) < 2) {
    throw ArgumentError("procrustes: expected at least 2 samples, got " +
                        std::to_string(reference.size(0)));
  }
}

}  // namespace

Procrustes procrustes(const at::Tensor& reference, const at::Tensor& other,
                      const PermutationOptions& options) {
  check(reference, other);
  const int64_t n = reference.size(0), num_axes = std::max(reference.size(1), other.size(1));
  const at::Tensor a = standardised(reference, num_axes), b = standardised(other, num_axes);
  const Orders orders(n, options, "procrustes");

  const auto [u, s, vt] = at::linalg_svd(b.t().matmul(a), /*full_matrices=*/false);
  const double stretch = s.sum().item<double>();
  Procrustes out;
  out.num_samples = n;
  out.num_permutations = options.num_permutations;
  // Rounding may take an ordination compared with itself above 1, and its disparity below 0.
  out.correlation = std::min(stretch, 1.0);
  out.disparity = 1 - out.correlation * out.correlation;
  out.reference = a;
  out.fitted = b.matmul(u.matmul(vt)) * stretch;

  out.p_value = p_value(orders, stretch - kRoundingOfFit, [&](std::span<const int64_t> order) {
    const at::Tensor rows =
        at::tensor(at::ArrayRef<int64_t>(order.data(), order.size()), at::kLong);
    return at::linalg_svdvals(b.index_select(0, rows).t().matmul(a)).sum().item<double>();
  });
  return out;
}

}  // namespace deepbio::community
