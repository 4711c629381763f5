#include "deepbio/community/alpha_diversity.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

double value_of(std::vector<double> counts, std::string_view metric, double base = 2) {
  return alpha_diversity(counts, metric, AlphaOptions{base});
}

}  // namespace

CATCH_TEST_CASE("the formulas of alpha diversity by hand", "[alpha_diversity]") {
  const std::vector<double> counts{1, 1, 2, 4, 12};
  CATCH_REQUIRE(value_of(counts, "observed_features") == 5);
  CATCH_REQUIRE(value_of({2, 2, 2, 2}, "shannon") == Approx(2).epsilon(1e-15));
  CATCH_REQUIRE(value_of({2, 2, 2, 2}, "shannon", 4) == Approx(1).epsilon(1e-15));
  CATCH_REQUIRE(value_of({2, 2, 2, 2}, "pielou_evenness") == Approx(1).epsilon(1e-15));
  CATCH_REQUIRE(value_of(counts, "simpson") == Approx(1 - 166.0 / 400).epsilon(1e-15));
  CATCH_REQUIRE(value_of(counts, "inverse_simpson") == Approx(400.0 / 166).epsilon(1e-15));
  CATCH_REQUIRE(value_of(counts, "berger_parker") == 0.6);
  CATCH_REQUIRE(value_of(counts, "goods_coverage") == 0.9);
  CATCH_REQUIRE(value_of(counts, "chao1") == 5.5);
  // 4 rare features with 8 reads, 2 of them singletons: coverage 3/4; sum of i (i - 1) f_i = 14;
  // variation 4 / 0.75 * 14 / 56 - 1 = 1/3; 1 + 4 / 0.75 + 2 / 0.75 / 3.
  CATCH_REQUIRE(value_of(counts, "ace") == Approx(1 + 16.0 / 3 + 8.0 / 9).epsilon(1e-14));
}

CATCH_TEST_CASE(
    "where a formula says nothing the value is NaN, and 0 where nothing is there to count",
    "[alpha_diversity]") {
  for (const char* metric : {"shannon", "simpson", "inverse_simpson", "pielou_evenness",
                             "berger_parker", "goods_coverage"}) {
    CATCH_CAPTURE(metric);
    CATCH_REQUIRE(std::isnan(value_of({}, metric)));
  }
  for (const char* metric : {"observed_features", "chao1", "ace"})
    CATCH_REQUIRE(value_of({}, metric) == 0);
  CATCH_REQUIRE(std::isnan(value_of({5}, "pielou_evenness")));
  CATCH_REQUIRE(std::isnan(value_of({1, 1, 20}, "ace")));
  CATCH_REQUIRE_FALSE(std::signbit(value_of({5}, "shannon")));
}

CATCH_TEST_CASE("what alpha diversity cannot mean is refused", "[alpha_diversity]") {
  CATCH_REQUIRE_THROWS_WITH(value_of({1.5}, "chao1"), Catch::Contains("whole numbers, got 1.5"));
  CATCH_REQUIRE(value_of({0.5, 0.5}, "shannon") == 1);
  CATCH_REQUIRE_THROWS_WITH(value_of({1}, "simpsn"), Catch::Contains("did you mean 'simpson'"));
  for (const double base : {0.0, 1.0, -2.0, std::numeric_limits<double>::infinity()})
    CATCH_REQUIRE_THROWS_AS(value_of({1}, "shannon", base), ArgumentError);
  const io::CountTable table{{"s1", "s2"}, {"a", "b"}, {0, 2, 3}, {0, 1, 1}, {1, 3, 0.5}};
  CATCH_REQUIRE_THROWS_WITH(alpha_diversity(table, "ace"), Catch::Contains("sample 's2'"));
  CATCH_REQUIRE(
      alpha_diversity(table, "observed_features").equal(at::tensor({2.0, 1.0}, at::kDouble)));
}
