// Points whose distances are known without what is tested: what tests of ordinations and groups
// measure.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

namespace deepbio::community {

// Distances [N, N] between N places on a line.
inline at::Tensor line_distances(const std::vector<double>& at) {
  const at::Tensor x = at::tensor(at, at::kDouble);
  return (x.unsqueeze(0) - x.unsqueeze(1)).abs().contiguous();
}

// N points in general position, float64 [N, D].
inline at::Tensor points(int64_t n, int64_t dimensions) {
  const at::Tensor at = at::arange(n * dimensions, at::kDouble).view({n, dimensions});
  return (at * at * 0.37 + 1).sin();
}

// Euclidean distances [N, N] between points [N, D].
inline at::Tensor between(const at::Tensor& x) {
  return (x.unsqueeze(1) - x.unsqueeze(0)).square().sum(2).sqrt();
}

}  // namespace deepbio::community
