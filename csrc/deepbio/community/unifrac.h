// UniFrac distances and Faith's phylogenetic diversity: the plain, exact version.
//
// For branch b of length L_b, p_ib is the share of sample i's reads (among features in the tree) below b:
//   unweighted             sum L over branches in exactly one of i, j / sum L over branches in at least one
//                          (Lozupone & Knight 2005)
//   weighted_unnormalized  sum L |p_i - p_j|                        (Lozupone et al. 2007)
//   weighted_normalized    the same / sum L (p_i + p_j)
//   faith_pd               sum L over branches with reads           (Faith 1992)
// Never NaN: two samples that share only zero-length branches, or two empty ones, are at distance 0; an empty one
// and a non-empty one at 1 (unnormalized: the other's mass). Identical samples give exactly 0.
// Threads: at::parallel_for over rows; the result does not depend on their number.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "deepbio/community/table.h"
#include "deepbio/community/tree.h"

namespace deepbio::community {

enum class Metric { kUnweighted, kWeightedNormalized, kWeightedUnnormalized };
// "unweighted", "weighted_normalized", "weighted_unnormalized". throws ArgumentError naming the nearest.
Metric parse_metric(std::string_view name);
std::string_view to_string(Metric metric);

// One sample as the branches that hold its reads: ascending branch numbers and the share below each.
struct BranchProfile {
  std::vector<int64_t> branch;
  std::vector<double> share;  // p_ib in (0, 1]
};
// features, counts: the sample's entries; features absent from the tree are left out of the total.
BranchProfile branch_profile(const Phylogeny& phylogeny, std::span<const int64_t> features,
                             std::span<const double> counts);
// One pair, branch by branch as the formulas stand above.
double distance(const Phylogeny& phylogeny, const BranchProfile& a, const BranchProfile& b, Metric metric);

// All pairs, from per-sample sums and what two samples share (equal to distance() to about 1e-15).
// returns float64 [N, N], exactly symmetric, zero diagonal.
// complexity  O(N * branches of all samples)
at::Tensor pairwise_distances(const Phylogeny& phylogeny, const std::vector<BranchProfile>& profiles, Metric metric);
at::Tensor unifrac(const CountTable& table, const Phylogeny& phylogeny, Metric metric);
// returns float64 [N]
at::Tensor faith_pd(const CountTable& table, const Phylogeny& phylogeny);

}  // namespace deepbio::community
