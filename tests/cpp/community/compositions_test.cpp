#include "deepbio/community/compositions.h"

#include <ATen/ATen.h>

#include <cmath>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

// Samples 1 0 3, 0 0 0, 2 2 2.
CountTable three_samples() {
  CountTable table;
  table.sample_ids = {"s", "t", "u"};
  table.feature_ids = {"a", "b", "c"};
  table.indptr = {0, 2, 2, 5};
  table.indices = {0, 2, 0, 1, 2};
  table.values = {1, 3, 2, 2, 2};
  return table;
}

}  // namespace

CATCH_TEST_CASE("centred log-ratios by hand", "[compositions]") {
  const at::Tensor clr = centred_log_ratios(three_samples(), 1);
  const double mean = (std::log(2) + std::log(4)) / 3;
  CATCH_REQUIRE(clr[0][0].item<double>() == Approx(std::log(2) - mean).epsilon(1e-15));
  CATCH_REQUIRE(clr[0][1].item<double>() == Approx(-mean).epsilon(1e-15));
  CATCH_REQUIRE(clr[1].eq(0).all().item<bool>());
  CATCH_REQUIRE(clr[2].eq(0).all().item<bool>());
  CATCH_REQUIRE_THROWS_WITH(centred_log_ratios(three_samples(), 0),
                            Catch::Contains("the table has zeros"));
  CATCH_REQUIRE_THROWS_AS(centred_log_ratios(three_samples(), -1), ArgumentError);
}

CATCH_TEST_CASE("robust centred log-ratios leave features without reads out", "[compositions]") {
  const at::Tensor rclr = robust_centred_log_ratios(three_samples());
  CATCH_REQUIRE(rclr[0][0].item<double>() == Approx(-std::log(3) / 2).epsilon(1e-15));
  CATCH_REQUIRE(rclr[0][2].item<double>() == Approx(std::log(3) / 2).epsilon(1e-15));
  CATCH_REQUIRE(rclr.isnan().sum().item<int64_t>() == 4);
}

CATCH_TEST_CASE("rows of Hellinger's have length 1, that of an empty sample 0", "[compositions]") {
  const at::Tensor lengths = hellinger(three_samples()).norm(2, {1});
  CATCH_REQUIRE((lengths - at::tensor({1., 0., 1.}, at::kDouble)).abs().max().item<double>() <
                1e-15);
  CATCH_REQUIRE(hellinger(three_samples())[0][2].item<double>() ==
                Approx(std::sqrt(0.75)).epsilon(1e-15));
}
