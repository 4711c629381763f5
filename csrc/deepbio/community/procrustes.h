// Procrustes: how well two ordinations of the same samples match (Gower 1975), with a test by
// permutation (Jackson 1995).
//
// Both are centred and scaled to a sum of squares of 1; the second is turned, mirrored and
// stretched onto the first.
//   disparity    m^2 = 1 - (sum of the singular values of A' B)^2, what stays apart: scipy's, and
//                vegan's procrustes(symmetric = TRUE)$ss
//   correlation  sqrt(1 - m^2), the statistic of vegan's protest
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "deepbio/community/permutations.h"

namespace deepbio::community {

struct Procrustes {
  double disparity = 0, correlation = 0, p_value = 0;
  int64_t num_samples = 0, num_permutations = 0;
  at::Tensor reference, fitted;  // float64 [N, K]: both as they lie upon each other
};

//   reference, other  [N, K] and [N, L]; the one with fewer axes gets zeros
//   throws            ShapeError: not two tables of the same samples; ArgumentError: numbers that
//                     are not finite, fewer than two samples, samples that all lie in one place, no
//                     permutation, strata that do not fit
Procrustes procrustes(const at::Tensor& reference, const at::Tensor& other,
                      const PermutationOptions& options = {});

}  // namespace deepbio::community
