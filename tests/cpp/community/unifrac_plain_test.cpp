// The plain version against values worked by hand; everything faster is compared with it in
// unifrac_pairs_test.cpp.
#include <cmath>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/community/unifrac.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

const std::vector<int64_t> kFeatures{0, 1, 2};

// ((A:1,B:2):4,C:8): a has A 1, B 1; b has B 2, C 2. Shares: a {A .5, B .5, AB 1}, b {B .5, AB .5,
// C .5}.
struct Pair {
  Phylogeny phylogeny =
      match_features(io::parse_newick("((A:1,B:2):4,C:8);", "tree"), {"A", "B", "C"});
  BranchProfile a = branch_profile(phylogeny, kFeatures, std::vector<double>{1, 1, 0});
  BranchProfile b = branch_profile(phylogeny, kFeatures, std::vector<double>{0, 2, 2});
  double operator()(const UnifracOptions& options) const {
    return distance(phylogeny, a, b, options);
  }
};

UnifracOptions metric(Metric which) {
  UnifracOptions options;
  options.metric = which;
  return options;
}

}  // namespace

CATCH_TEST_CASE("every metric of two samples is what its formula gives by hand",
                "[unifrac_plain]") {
  const Pair pair;
  CATCH_REQUIRE(pair(metric(Metric::kUnweighted)) == Approx(9.0 / 15).epsilon(1e-14));
  CATCH_REQUIRE(pair(metric(Metric::kUnweightedUnnormalized)) == Approx(9).epsilon(1e-14));
  const double apart = 1 * 0.5 + 2 * 0 + 4 * 0.5 + 8 * 0.5,
               sum = 1 * 0.5 + 2 * 1 + 4 * 1.5 + 8 * 0.5;
  CATCH_REQUIRE(pair(metric(Metric::kWeightedUnnormalized)) == Approx(apart).epsilon(1e-14));
  CATCH_REQUIRE(pair(metric(Metric::kWeightedNormalized)) == Approx(apart / sum).epsilon(1e-14));
  UnifracOptions generalized = metric(Metric::kGeneralized);
  CATCH_REQUIRE(pair(generalized) == Approx(apart / sum).epsilon(1e-14));
  generalized.alpha = 0;
  CATCH_REQUIRE(pair(generalized) == Approx((1 + 0 + 4 * 0.5 / 1.5 + 8) / 15).epsilon(1e-14));
  generalized.alpha = 0.5;
  const double numerator = std::sqrt(0.5) + 0 + 4 * 0.5 / std::sqrt(1.5) + 8 * std::sqrt(0.5);
  const double denominator = std::sqrt(0.5) + 2 + 4 * std::sqrt(1.5) + 8 * std::sqrt(0.5);
  CATCH_REQUIRE(pair(generalized) == Approx(numerator / denominator).epsilon(1e-14));
}

CATCH_TEST_CASE("variance adjusted divides each branch by the deviation of its reads",
                "[unifrac_plain]") {
  const Pair pair;
  UnifracOptions options = metric(Metric::kWeightedNormalized);
  options.variance_adjusted = true;
  // Of 6 reads in both samples 1, 3, 4 and 2 are below A, B, AB and C.
  const double va = std::sqrt(5), vb = 3, vab = std::sqrt(8), vc = std::sqrt(8);
  const double numerator = 1 * 0.5 / va + 4 * 0.5 / vab + 8 * 0.5 / vc;
  const double denominator = 1 * 0.5 / va + 2 * 1 / vb + 4 * 1.5 / vab + 8 * 0.5 / vc;
  CATCH_REQUIRE(pair(options) == Approx(numerator / denominator).epsilon(1e-14));
}

CATCH_TEST_CASE("bypassing tips leaves the inner branches", "[unifrac_plain]") {
  const Pair pair;
  UnifracOptions options = metric(Metric::kWeightedUnnormalized);
  options.bypass_tips = true;
  CATCH_REQUIRE(pair(options) == Approx(4 * 0.5).epsilon(1e-14));
}

CATCH_TEST_CASE("all pairs of the plain version are symmetric with a zero diagonal",
                "[unifrac_plain]") {
  const Pair pair;
  const at::Tensor all =
      plain_pairwise_distances(pair.phylogeny, {pair.a, pair.b}, metric(Metric::kUnweighted));
  CATCH_REQUIRE(all[0][0].item<double>() == 0);
  CATCH_REQUIRE(all[0][1].item<double>() == all[1][0].item<double>());
  CATCH_REQUIRE(all[0][1].item<double>() == Approx(0.6).epsilon(1e-14));
}
