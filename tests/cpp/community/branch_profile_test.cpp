#include "deepbio/community/branch_profile.h"

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

// Post-order: A 0, B 1, (A,B) 2, C 3.
Phylogeny three_tips() {
  return match_features(io::parse_newick("((A:1,B:2):4,C:8);", "tree"), {"A", "B", "C", "x"},
                        MissingFeatures::kDrop);
}

}  // namespace

CATCH_TEST_CASE("a profile holds the branches above the reads, children first, with their shares",
                "[branch_profile]") {
  const Phylogeny phylogeny = three_tips();
  const std::vector<int64_t> features{2, 0, 3};
  const std::vector<double> counts{6, 2, 100};
  const BranchProfile profile = branch_profile(phylogeny, features, counts);
  CATCH_REQUIRE(profile.total == 8);
  CATCH_REQUIRE(profile.branch.size() == 3);
  double length = 0;
  for (size_t k = 0; k < profile.branch.size(); ++k) {
    if (k > 0) CATCH_REQUIRE(profile.branch[k - 1] < profile.branch[k]);
    const double own = phylogeny.length[profile.branch[k]];
    length += own;
    CATCH_REQUIRE(profile.share[k] == (own == 8 ? 0.75 : 0.25));
  }
  CATCH_REQUIRE(length == 1 + 4 + 8);
}

CATCH_TEST_CASE("a builder starts anew with each sample, an empty one included",
                "[branch_profile]") {
  const Phylogeny phylogeny = three_tips();
  ProfileBuilder builder(phylogeny);
  const std::vector<int64_t> first{0, 1}, second{1};
  const std::vector<double> counts{1, 3}, one{5};
  CATCH_REQUIRE(builder.build(first, counts).branch.size() == 3);
  CATCH_REQUIRE(builder.build({}, {}).branch.empty());
  const BranchProfile profile = builder.build(second, one);
  CATCH_REQUIRE(profile.branch.size() == 2);
  CATCH_REQUIRE(profile.share == std::vector<double>{1, 1});
}

CATCH_TEST_CASE("a tree matched to another table is refused", "[branch_profile]") {
  CountTable table;
  table.sample_ids = {"s"};
  table.feature_ids = {"A"};
  table.indptr = {0, 1};
  table.indices = {0};
  table.values = {1};
  CATCH_REQUIRE_THROWS_AS(branch_profiles(table, three_tips()), ArgumentError);
}
