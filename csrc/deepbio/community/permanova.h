// PERMANOVA: whether groups of samples lie apart in a distance matrix (Anderson 2001).
//
// Pseudo-F = (SS_between / (groups - 1)) / (SS_within / (N - groups)), with SS_total = sum of
// squared distances of all pairs / N and SS_within = sum over groups of the squared distances of
// its pairs / its size. p as in permutations.h, within strata where some are given. Several
// factors: adonis.h. Threads: at::parallel_for over blocks of permutations; the result does not
// depend on their number.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "deepbio/community/permutations.h"

namespace deepbio::community {

struct Permanova {
  double pseudo_f = 0;  // infinite when the samples of each group are alike, 0 when all are
  double p_value = 0;   // (1 + permutations at least as large) / (1 + permutations)
  int64_t num_samples = 0, num_groups = 0, num_permutations = 0;
};

//   distances  [N, N]
//   groups     label of each sample [N], none empty
//   ids        N, or none: they name samples in errors
//   throws     ShapeError when not square, ArgumentError: what is no distance (distances.h),
//              another number of labels, a sample without a group, fewer than two groups, each
//              sample a group of its own, no permutation
Permanova permanova(const at::Tensor& distances, const std::vector<std::string>& groups,
                    const PermutationOptions& options, const std::vector<std::string>& ids = {});

}  // namespace deepbio::community
