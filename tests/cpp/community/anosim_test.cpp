#include "deepbio/community/anosim.h"

#include <ATen/ATen.h>

#include "catch.h"
#include "community/points.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::community;

CATCH_TEST_CASE("equal distances share the mean of their ranks", "[anosim]") {
  // Of 0, 1, 3, 4 on a line: distances 1 3 4 2 3 1.
  const at::Tensor ranks = ranks_of_pairs(line_distances({0, 1, 3, 4}));
  const std::vector<double> expected{0,   1.5, 4.5, 6,   1.5, 0,   3,   4.5,
                                     4.5, 3,   0,   1.5, 6,   4.5, 1.5, 0};
  CATCH_REQUIRE(at::equal(ranks, at::tensor(expected, at::kDouble).view({4, 4})));
}

CATCH_TEST_CASE("R is 1 when every distance within is below every one between", "[anosim]") {
  const Anosim apart =
      anosim(line_distances({1, 2, 3, 16, 17, 18}), {"a", "a", "a", "b", "b", "b"}, {20000, 3});
  CATCH_REQUIRE(apart.r == 1);
  // 2 of the 20 ways to choose three of six samples.
  CATCH_REQUIRE(std::abs(apart.p_value - 0.1) < 5 * std::sqrt(0.1 * 0.9 / 20000));
  // Ranks within 1.5 + 4.5 of 6: mean 3, of the 4 between (21 - 6) / 4 = 3.75; (3.75 - 3) / 3.
  const Anosim mixed = anosim(line_distances({0, 1, 3, 4}), {"a", "a", "b", "a"}, {9});
  const double within = (1.5 + 6 + 4.5) / 3, between = (4.5 + 3 + 1.5) / 3;
  CATCH_REQUIRE(mixed.r == Approx((between - within) / 3).epsilon(1e-15));
}

CATCH_TEST_CASE("anosim refuses what cannot be compared", "[anosim]") {
  CATCH_REQUIRE_THROWS_WITH(anosim(line_distances({1, 2, 3}), {"a", "a", "a"}, {}),
                            Catch::Contains("anosim: expected"));
  CATCH_REQUIRE_THROWS_AS(anosim(at::zeros({2, 3}), {"a", "b"}, {}), ShapeError);
}
