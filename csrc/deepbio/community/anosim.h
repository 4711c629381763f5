// ANOSIM: whether distances between groups of samples rank above those within (Clarke 1993).
//
// R = (mean rank of distances between groups - mean rank within) / (N (N - 1) / 4), from -1 to 1;
// equal distances share the mean of their ranks. As in scikit-bio and vegan. p as in
// permutations.h.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "deepbio/community/permutations.h"

namespace deepbio::community {

struct Anosim {
  double r = 0, p_value = 0;
  int64_t num_samples = 0, num_groups = 0, num_permutations = 0;
};

//   distances  [N, N]
//   groups     label of each sample [N], none empty
//   ids        N, or none: they name samples in errors
//   throws     as permanova
Anosim anosim(const at::Tensor& distances, const std::vector<std::string>& groups,
              const PermutationOptions& options, const std::vector<std::string>& ids = {});

// Ranks of the distances of all pairs, from 1; equal ones share the mean of theirs.
//   distances  float64 [N, N], symmetric, contiguous
//   returns    float64 [N, N], symmetric, 0 on the diagonal
at::Tensor ranks_of_pairs(const at::Tensor& distances);

}  // namespace deepbio::community
