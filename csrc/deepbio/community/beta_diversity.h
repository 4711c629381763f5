// Distances between samples that need no tree.
//
// With x_if the reads of feature f in sample i, and sums over the F features of the table:
//   braycurtis        sum |x_i - x_j| / sum (x_i + x_j) (Bray & Curtis 1957)
//   jaccard           1 - features in both / features in at least one (Jaccard 1901)
//   aitchison         Euclidean distance of clr(x_i + pseudocount), clr(x) = ln x - mean of ln x
//                     (Aitchison 1982)
//   robust_aitchison  Euclidean distance of ln x - mean of ln x over the sample's features with
//                     reads, 0 for the others (Martino 2019 without its completion of the matrix:
//                     vegan's 2.6)
//   hellinger         Euclidean distance of the square roots of relative abundances (Rao 1995)
//   euclidean         of the counts as they are
// As scipy.spatial.distance and QIIME 2 give them, but never NaN: two empty samples are at distance
// 0, an empty and a non-empty one at 1 (braycurtis, jaccard). Identical samples are at exactly 0.
// The Aitchison distance depends on the features of the table, also on those without reads.
// Threads: at::parallel_for; the result does not depend on their number.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>

#include "deepbio/community/table.h"

namespace deepbio::community {

enum class BetaMetric {
  kBrayCurtis,
  kJaccard,
  kAitchison,
  kRobustAitchison,
  kHellinger,
  kEuclidean
};
// "braycurtis, jaccard, ...": all names.
std::string beta_metric_names();
// By name, also "Bray-Curtis" or "bray_curtis". throws ArgumentError naming the nearest.
BetaMetric parse_beta_metric(std::string_view name);
// Whether the name is one of these.
bool is_beta_metric(std::string_view name);

struct BetaOptions {
  BetaMetric metric = BetaMetric::kBrayCurtis;
  double pseudocount = 1;  // aitchison only: added to every count, above 0
};

// returns  float64 [N, N], exactly symmetric, zero diagonal
// complexity  braycurtis, jaccard: the pairs of samples that share a feature, summed over
//             features; the others: the same, or N^2 F / 2 multiplications in panels where more
//             than an eighth of the table is above zero
// throws   ArgumentError for a pseudocount that is not above 0
at::Tensor beta_diversity(const CountTable& table, const BetaOptions& options);

}  // namespace deepbio::community
