// Rarefaction curves: a diversity of rarefied draws at several depths, with its spread (Sanders
// 1968; any metric of alpha_diversity.h, or Faith's with a tree). Threads: at::parallel_for over
// samples; the result does not depend on their number.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "deepbio/community/alpha_diversity.h"
#include "deepbio/community/table.h"
#include "deepbio/community/tree.h"

namespace deepbio::community {

struct RarefactionCurveOptions {
  std::vector<int64_t> depths_reads;  // at least one, each at least 1
  int64_t num_draws = 10;             // of each sample at each depth
  uint64_t seed = 0;                  // draw k of a sample is that of `rarefy` in epoch k
  AlphaOptions alpha = {};
};

// Of the draws of each sample; NaN where a sample has fewer reads than the depth, or a draw has no
// value.
struct RarefactionCurve {
  at::Tensor mean;  // float64 [depths, N]
  // float64 [depths, N]: standard deviation between draws (n - 1), 0 of one draw.
  at::Tensor spread;
};

//   metric     as in alpha_diversity; "faith_pd" with a tree
//   phylogeny  the table's features in a tree, for faith_pd; otherwise null
//   throws     ArgumentError: as alpha_diversity, no depth, a depth or number of draws below 1,
//              counts that are no whole numbers, faith_pd without a tree
RarefactionCurve rarefaction_curve(const CountTable& table, std::string_view metric,
                                   const RarefactionCurveOptions& options,
                                   const Phylogeny* phylogeny = nullptr);

// `count` depths in even steps up to `deepest`, without repetition.
std::vector<int64_t> even_depths(int64_t deepest, int64_t count);

}  // namespace deepbio::community
