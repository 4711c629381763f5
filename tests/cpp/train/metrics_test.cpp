#include "deepbio/train/metrics.h"

#include <cmath>

#include "catch.h"

#include "deepbio/base/error.h"

namespace deepbio::train {
namespace {

CATCH_TEST_CASE("regression metrics of a worked example", "[metrics]") {
  // errors 1, -1, 2; mean of actual 3; SSE 6, SST 8
  const RegressionMetrics metrics = regression_metrics({2, 2, 7}, {1, 3, 5});
  CATCH_REQUIRE(metrics.num_samples == 3);
  CATCH_REQUIRE(metrics.mae == Approx(4.0 / 3));
  CATCH_REQUIRE(metrics.mse == Approx(2));
  CATCH_REQUIRE(metrics.rmse == Approx(std::sqrt(2.0)));
  CATCH_REQUIRE(metrics.r2 == Approx(1 - 6.0 / 8));
}

CATCH_TEST_CASE("the mean as answer has an r2 of zero, and constant truth does too", "[metrics]") {
  CATCH_REQUIRE(regression_metrics({2, 2}, {1, 3}).r2 == Approx(0).margin(1e-12));
  CATCH_REQUIRE(regression_metrics({1, 2}, {5, 5}).r2 == 0);
}

CATCH_TEST_CASE("classification metrics of a worked example", "[metrics]") {
  // actual 0 0 0 1 1 2, predicted 0 0 1 1 0 0
  const ClassificationMetrics metrics = classification_metrics({0, 0, 1, 1, 0, 0}, {0, 0, 0, 1, 1, 2}, 3);
  CATCH_REQUIRE(metrics.accuracy == Approx(3.0 / 6));
  CATCH_REQUIRE(metrics.balanced_accuracy == Approx((2.0 / 3 + 1.0 / 2 + 0) / 3));
  CATCH_REQUIRE(metrics.precision == Approx(0.5 * (2.0 / 4) + (2.0 / 6) * (1.0 / 2)));
  CATCH_REQUIRE(metrics.recall == Approx(0.5));
  const double f1_0 = 2 * 0.5 * (2.0 / 3) / (0.5 + 2.0 / 3), f1_1 = 0.5;
  CATCH_REQUIRE(metrics.f1 == Approx(0.5 * f1_0 + (2.0 / 6) * f1_1));
  CATCH_REQUIRE(metrics.confusion == std::vector<std::vector<int64_t>>{{2, 1, 0}, {1, 1, 0}, {1, 0, 0}});
}

CATCH_TEST_CASE("metrics refuse nothing at all, unequal lengths and unknown classes", "[metrics]") {
  CATCH_REQUIRE_THROWS_AS(regression_metrics({}, {}), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(regression_metrics({1}, {1, 2}), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(classification_metrics({3}, {0}, 3), ArgumentError);
}

}  // namespace
}  // namespace deepbio::train
