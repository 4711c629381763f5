#include "deepbio/community/shared_branches.h"

#include <ATen/Parallel.h>

#include <cmath>

#include "catch.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

struct Samples {
  Phylogeny phylogeny;
  std::vector<BranchProfile> profiles;
  std::vector<const BranchProfile*> views;
};

// 40 samples: A in all, B in every second, C in sample 7 and 9 only, D (length 0) in all.
Samples forty() {
  Samples out;
  out.phylogeny = match_features(io::parse_newick("((A:0.1,B:0.7):0.3,C:0.5,D:0);", "tree"),
                                 {"A", "B", "C", "D"});
  for (int64_t i = 0; i < 40; ++i) {
    std::vector<int64_t> features{0, 3};
    if (i % 2 == 1) features.push_back(1);
    if (i == 7 || i == 9) features.push_back(2);
    out.profiles.push_back(
        branch_profile(out.phylogeny, features, std::vector<double>(features.size(), 1.0 + i)));
  }
  for (const BranchProfile& profile : out.profiles) out.views.push_back(&profile);
  return out;
}

}  // namespace

CATCH_TEST_CASE("common branches are lists by chunk and sample, rare ones lists of samples",
                "[shared_branches]") {
  const Samples samples = forty();
  for (const int threads : {1, 3}) {
    at::set_num_threads(threads);
    const SharedBranches<double> branches(samples.phylogeny, samples.views, {});
    CATCH_REQUIRE(branches.form == Shared::kSum);
    CATCH_REQUIRE(branches.is_exact);
    CATCH_REQUIRE(branches.num_chunks == 1);
    CATCH_REQUIRE(branches.start.size() == 42);
    for (int64_t i = 0; i < 40; ++i)
      CATCH_REQUIRE(branches.start[i + 1] - branches.start[i] == (i % 2 == 1 ? 3 : 2));
    CATCH_REQUIRE(branches.rare_start == std::vector<int64_t>{0, 2});
    CATCH_REQUIRE(branches.rare_sample == std::vector<int32_t>{7, 9});
    CATCH_REQUIRE(branches.own_start[8] - branches.own_start[7] == 1);
    CATCH_REQUIRE(branches.own_place == std::vector<int32_t>{0, 1});
    CATCH_REQUIRE(std::abs(branches.own_sum[0] - 0.4) < 1e-14);
    CATCH_REQUIRE(std::abs(branches.own_sum[7] - 1.6) < 1e-14);
  }
  at::set_num_threads(1);
}

CATCH_TEST_CASE("weights are multiples of one grid that a larger bound makes coarser",
                "[shared_branches]") {
  const Samples samples = forty();
  const UnifracOptions options{.metric = Metric::kWeightedNormalized};
  CATCH_REQUIRE(std::abs(largest_sum(samples.phylogeny, samples.views, options) -
                         0.5 * (0.4 + 1e-300) * 2) < 1);
  const SharedBranches<double> own(samples.phylogeny, samples.views, options);
  const SharedBranches<double> wide(samples.phylogeny, samples.views, options, 1000.0);
  const double largest = largest_sum(samples.phylogeny, samples.views, options);
  const double fine = std::ldexp(1.0, std::ilogb(largest) + 1 - 51),
               coarse = std::ldexp(1.0, 9 + 1 - 51);
  for (const double value : own.value) CATCH_REQUIRE(std::fmod(value, fine) == 0);
  for (const double value : wide.value) CATCH_REQUIRE(std::fmod(value, coarse) == 0);
  const SharedBranches<uint32_t> fixed(samples.phylogeny, samples.views, options);
  CATCH_REQUIRE(fixed.is_exact);
  CATCH_REQUIRE(std::abs(fixed.own_sum[7] * fixed.unit - own.own_sum[7]) < 1e-8);
}

CATCH_TEST_CASE(
    "a sample too small for the grid leaves doubles as they are and refuses fixed point",
    "[shared_branches]") {
  const Samples samples = forty();
  CATCH_REQUIRE_FALSE(SharedBranches<uint32_t>(samples.phylogeny, samples.views, {}, 1e6).is_exact);
  const SharedBranches<double> branches(samples.phylogeny, samples.views, {}, 1e12);
  CATCH_REQUIRE_FALSE(branches.is_exact);
  CATCH_REQUIRE(branches.rounder == 0);
  CATCH_REQUIRE(branches.rare_length == std::vector<double>{0.5});
}
