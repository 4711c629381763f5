// UniFrac distances and Faith's phylogenetic diversity.
//
// For branch b of length L_b, p_ib is the share of sample i's reads (among features in the tree)
// below b:
//   unweighted               sum L over branches in exactly one of i, j / sum L over branches in at
//                            least one (Lozupone & Knight 2005)
//   unweighted_unnormalized  the numerator of unweighted
//   weighted_unnormalized    sum L |p_i - p_j| (Lozupone et al. 2007)
//   weighted_normalized      the same / sum L (p_i + p_j)
//   generalized(alpha)       sum L (p_i + p_j)^(alpha-1) |p_i - p_j| / sum L (p_i + p_j)^alpha
//                            (Chen et al. 2012)
//   variance adjusted        of n reads in both samples n_b are below b: L becomes L / v, v =
//                            sqrt(n_b (n - n_b)), or L / v^alpha when generalized; branches with v
//                            = 0 are left out (Chang et al. 2011)
//   faith_pd                 sum L over branches with reads (Faith 1992)
// Never NaN: two samples that share only zero-length branches, or two empty ones, are at distance
// 0; an empty one and a non-empty one at 1 (unnormalized: the other's mass). Identical samples give
// exactly 0. Threads: at::parallel_for; the result does not depend on their number.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "deepbio/community/branch_profile.h"
#include "deepbio/community/table.h"
#include "deepbio/community/tree.h"

namespace deepbio::community {

enum class Metric {
  kUnweighted,
  kWeightedNormalized,
  kWeightedUnnormalized,
  kGeneralized,
  kUnweightedUnnormalized,
};
// "unweighted", "weighted_normalized", "weighted_unnormalized", "generalized",
// "unweighted_unnormalized". throws ArgumentError naming the nearest.
Metric parse_metric(std::string_view name);
std::string_view to_string(Metric metric);

// Float has branch weights and sums in 32 bits: fixed point, 2^-31 of a sample's largest sum, and
// so about 1e-6 from double; generalized in floats, within 5e-6.
enum class Precision { kDouble, kFloat };

struct UnifracOptions {
  Metric metric = Metric::kUnweighted;
  double alpha = 1.0;              // generalized only: weight of abundant branches, 0 or more
  bool variance_adjusted = false;  // pair by pair, much slower than the others
  bool bypass_tips = false;  // leaves out the branches that end in a feature (changes the values)
  Precision precision = Precision::kDouble;
};

// What weights are rounded to (shared_branches.h).
struct Grid {
  double bound = 0;  // of the samples' sums
  // Known: no sample's sum is larger, and none too small; nothing is looked at then.
  bool is_safe = false;
  Grid() = default;
  Grid(double sum) : bound(sum) {}
};

// throws ArgumentError for a negative or infinite alpha.
void check_options(const UnifracOptions& options);

// One pair, branch by branch as the formulas stand above: what the fast version is compared with.
double distance(const Phylogeny& phylogeny, const BranchProfile& a, const BranchProfile& b,
                const UnifracOptions& options);
double distance(const Phylogeny& phylogeny, const BranchProfile& a, const BranchProfile& b,
                Metric metric);
// All pairs by distance(). returns float64 [N, N]
at::Tensor plain_pairwise_distances(const Phylogeny& phylogeny,
                                    const std::vector<const BranchProfile*>& profiles,
                                    const UnifracOptions& options);
at::Tensor plain_pairwise_distances(const Phylogeny& phylogeny,
                                    const std::vector<BranchProfile>& profiles,
                                    const UnifracOptions& options);

// All pairs from what two samples share (shared_branches.h); equal to distance() to 1e-11 (double)
// or 5e-6 (float).
//   grid     double distances are the same bits in any selection of samples whose largest_sum() is
//            at most its bound
//   returns  [N, N], float64 or float32 by options.precision, exactly symmetric, zero diagonal
//   memory   beside result and profiles: at most 20 bytes for each (branch, sample) and 1 MiB + 2
//            MiB a thread; generalized in double 28 bytes and 2 + 4 MiB
//   throws   ArgumentError for a negative or infinite alpha
at::Tensor pairwise_distances(const Phylogeny& phylogeny,
                              const std::vector<const BranchProfile*>& profiles,
                              const UnifracOptions& options, const Grid& grid = {});
at::Tensor pairwise_distances(const Phylogeny& phylogeny,
                              const std::vector<BranchProfile>& profiles,
                              const UnifracOptions& options);
at::Tensor pairwise_distances(const Phylogeny& phylogeny,
                              const std::vector<BranchProfile>& profiles, Metric metric);
// A part of the same numbers, the same bits: of each wanted sample the distances to those before
// it, one after the other. Samples are wanted or not in multiples of kColumnsTogether.
//   returns  float64 or float32 [sum of the wanted samples' numbers]
inline constexpr int64_t kColumnsTogether = 128;
at::Tensor distances_of_columns(const Phylogeny& phylogeny,
                                const std::vector<BranchProfile>& profiles,
                                const UnifracOptions& options, const std::vector<bool>& is_wanted);
at::Tensor unifrac(const CountTable& table, const Phylogeny& phylogeny,
                   const UnifracOptions& options);
at::Tensor unifrac(const CountTable& table, const Phylogeny& phylogeny, Metric metric);
// returns float64 [N]
at::Tensor faith_pd(const CountTable& table, const Phylogeny& phylogeny);

}  // namespace deepbio::community
