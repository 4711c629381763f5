// The corner cases in which ssu, scikit-bio and GUniFrac part, one test each; unifrac_test and
// tree_test hold the others (root length, polytomies, empty samples, NaN, one sample, absent
// features, duplicate tips, negative lengths).
#include <ATen/ATen.h>

#include "catch.h"
#include "community/table_of.h"

#include "deepbio/base/error.h"
#include "deepbio/community/unifrac.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

const std::vector<Metric> kEveryMetric{Metric::kUnweighted, Metric::kWeightedNormalized,
                                       Metric::kWeightedUnnormalized, Metric::kGeneralized,
                                       Metric::kUnweightedUnnormalized};

Phylogeny matched(const CountTable& table, const std::string& newick,
                  MissingFeatures missing = MissingFeatures::kError) {
  return match_features(io::parse_newick(newick, "t.nwk"), table.feature_ids, missing, "t.nwk");
}

void require_same(const CountTable& a, const Phylogeny& tree_a, const CountTable& b,
                  const Phylogeny& tree_b) {
  for (const Metric metric : kEveryMetric) {
    for (const bool variance_adjusted : {false, true}) {
      UnifracOptions options;
      options.metric = metric;
      options.alpha = 0.5;
      options.variance_adjusted = variance_adjusted;
      const at::Tensor difference = unifrac(a, tree_a, options) - unifrac(b, tree_b, options);
      CATCH_REQUIRE(difference.abs().max().item<double>() < 1e-14);
    }
  }
  CATCH_REQUIRE((faith_pd(a, tree_a) - faith_pd(b, tree_b)).abs().max().item<double>() < 1e-14);
}

const std::string kTree = "((f0:1,f1:2):0.5,(f2:3,f3:0.25):4);";
const CountTable kTable = table_of({{3, 0, 1, 2}, {0, 5, 1, 0}, {2, 2, 0, 7}});

}  // namespace

CATCH_TEST_CASE("a root with a single child counts the branch below it in every sample",
                "[corner_cases]") {
  const CountTable table = table_of({{1, 0}, {0, 1}});
  const auto phylogeny = matched(table, "((f0:1,f1:2):10);");
  CATCH_REQUIRE(faith_pd(table, phylogeny).equal(at::tensor({11.0, 12.0}, at::kDouble)));
  // 1 and 2 are not shared, 10 is.
  CATCH_REQUIRE(unifrac(table, phylogeny, Metric::kUnweighted)[0][1].item<double>() ==
                Approx(3.0 / 13));
}

CATCH_TEST_CASE(
    "the path from the root to the clade of all observed tips counts, also after shearing",
    "[corner_cases]") {
  const std::string newick = "((f0:1,f1:2):10,(x:1,y:1):3);";
  const CountTable table = table_of({{1, 0}, {0, 1}});
  const auto whole = matched(table, newick);
  CATCH_REQUIRE(faith_pd(table, whole).equal(at::tensor({11.0, 12.0}, at::kDouble)));
  const io::Tree sheared = shear(io::parse_newick(newick, "t"), {"f0", "f1"});
  require_same(table, whole, table, match_features(sheared, table.feature_ids));
}

CATCH_TEST_CASE("tips that no feature names are sheared and change nothing", "[corner_cases]") {
  const std::string more = "((f0:1,(f1:2,x1:9):0):0.5,((f2:3,f3:0.25):4,(x2:1,x3:1):7):0);";
  require_same(kTable, matched(kTable, kTree), kTable, matched(kTable, more));
}

CATCH_TEST_CASE("an inner node with one child is as good as one branch of both lengths",
                "[corner_cases]") {
  const std::string chained = "((((f0:0.75):0.25,f1:2):0.25):0.25,(f2:3,f3:0.25):4);";
  const auto plain = matched(kTable, kTree), with_chain = matched(kTable, chained);
  // Variance adjustment of a generalised distance also adds over branches, so every form is
  // unchanged.
  require_same(kTable, plain, kTable, with_chain);
}

CATCH_TEST_CASE("a tree without any length is refused, and one missing length is named",
                "[corner_cases]") {
  CATCH_REQUIRE_THROWS_WITH(matched(kTable, "((f0,f1),(f2,f3));"),
                            Catch::Contains("has no branch lengths"));
  CATCH_REQUIRE_THROWS_WITH(matched(kTable, "((f0:1,f1:2):1,(f2,f3:1):1);"),
                            Catch::Contains("t.nwk") && Catch::Contains("'f2' has no length"));
}

CATCH_TEST_CASE("the name of an inner node matches no feature", "[corner_cases]") {
  CATCH_REQUIRE_THROWS_WITH(matched(kTable, "((f0:1,f1:1)f2:1,f3:1);"), Catch::Contains("'f2'"));
  const auto dropped = matched(kTable, "((f0:1,f1:1)f2:1,f3:1);", MissingFeatures::kDrop);
  CATCH_REQUIRE(dropped.missing == std::vector<int64_t>{2});
}

CATCH_TEST_CASE("relative abundances give the distances and the diversity of their counts",
                "[corner_cases]") {
  CountTable shares = kTable;
  const auto totals = sample_totals(kTable);
  for (int64_t i = 0; i < shares.num_samples(); ++i) {
    for (int64_t k = shares.indptr[i]; k < shares.indptr[i + 1]; ++k) shares.values[k] /= totals[i];
  }
  const auto phylogeny = matched(kTable, kTree);
  for (const Metric metric : kEveryMetric) {
    const at::Tensor difference =
        unifrac(kTable, phylogeny, metric) - unifrac(shares, phylogeny, metric);
    CATCH_REQUIRE(difference.abs().max().item<double>() < 1e-14);
  }
  // faithpd drops samples whose total is below 1; presence is what counts.
  for (double& value : shares.values) value *= 0.01;
  CATCH_REQUIRE(faith_pd(shares, phylogeny).equal(faith_pd(kTable, phylogeny)));
}

CATCH_TEST_CASE("an empty sample among others gets defined distances in every form",
                "[corner_cases]") {
  const CountTable table = table_of({{0, 0, 0, 0}, {0, 5, 1, 0}, {0, 0, 0, 0}});
  const auto phylogeny = matched(table, kTree);
  for (const Metric metric : kEveryMetric) {
    for (const bool variance_adjusted : {false, true}) {
      UnifracOptions options;
      options.metric = metric;
      options.variance_adjusted = variance_adjusted;
      const at::Tensor values = unifrac(table, phylogeny, options);
      CATCH_REQUIRE(values.isfinite().all().item<bool>());
      CATCH_REQUIRE(values[0][2].item<double>() == 0);
    }
  }
  CATCH_REQUIRE(faith_pd(table, phylogeny)[0].item<double>() == 0);
}
