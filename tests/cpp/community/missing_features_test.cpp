#include "deepbio/community/missing_features.h"

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

// f0 ... f5 in two samples of 10 and 20 reads and an empty one.
CountTable six_features() {
  CountTable table;
  table.sample_ids = {"s0", "s1", "none"};
  table.feature_ids = {"f0", "f1", "f2", "f3", "f4", "f5"};
  table.indptr = {0, 3, 6, 6};
  table.indices = {0, 1, 2, 0, 3, 5};
  table.values = {6, 3, 1, 5, 5, 10};
  return table;
}

Phylogeny matched(const std::string& newick) {
  return match_features(io::parse_newick(newick, "t.nwk"), six_features().feature_ids,
                        MissingFeatures::kDrop);
}

}  // namespace

CATCH_TEST_CASE("features that are left out are counted with their reads, three are named",
                "[missing_features]") {
  const MissingReport report = missing_report(six_features(), matched("((f0:1,f5:1):1,x:1);"));
  CATCH_REQUIRE(report.num_missing == 4);
  CATCH_REQUIRE(report.num_features == 6);
  CATCH_REQUIRE(report.examples == std::vector<std::string>{"f1", "f2", "f3"});
  CATCH_REQUIRE(report.lost_reads == 9);
  CATCH_REQUIRE(report.all_reads == 30);
  CATCH_REQUIRE(report.worst_sample == "s0");
  CATCH_REQUIRE(report.worst_share == 0.4);
  CATCH_REQUIRE(to_text(report, "t.nwk") ==
                "left out 4 of 6 features that are not tips of t.nwk, for example 'f1', 'f2', 'f3' "
                "(30.0 % of the reads; most in sample 's0': 40.0 %)");
}

CATCH_TEST_CASE("features without reads are told as such, and nothing where nothing is missing",
                "[missing_features]") {
  const MissingReport report =
      missing_report(six_features(), matched("(f0:1,f1:1,f2:1,f3:1,f5:1);"));
  CATCH_REQUIRE(
      to_text(report, "t") ==
      "left out 1 of 6 features that are not tips of t, for example 'f4' (without reads)");
  const auto whole = matched("(f0:1,f1:1,f2:1,f3:1,f4:1,f5:1);");
  CATCH_REQUIRE(to_text(missing_report(six_features(), whole), "t").empty());
  CountTable narrow = six_features();
  narrow.feature_ids.pop_back();
  CATCH_REQUIRE_THROWS_AS(missing_report(narrow, whole), ArgumentError);
}
