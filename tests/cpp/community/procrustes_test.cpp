#include "deepbio/community/procrustes.h"

#include <ATen/ATen.h>

#include <cmath>

#include "catch.h"
#include "community/points.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::community;

CATCH_TEST_CASE("a shape that is turned, mirrored, moved and stretched is the same shape",
                "[procrustes]") {
  const at::Tensor a = points(10, 2);
  const double c = std::cos(0.7), s = std::sin(0.7);
  const at::Tensor turn = at::tensor({c, s, s, -c}, at::kDouble).view({2, 2});
  const Procrustes result = procrustes(a, a.matmul(turn) * 3 + 5, {199, 1});
  CATCH_REQUIRE(std::abs(result.disparity) < 1e-13);
  CATCH_REQUIRE((result.fitted - result.reference).abs().max().item<double>() < 1e-14);
  CATCH_REQUIRE(result.p_value == 1 / 200.);
}

CATCH_TEST_CASE("what stays apart is the sum of squares of the rest, and no other fit leaves less",
                "[procrustes]") {
  const at::Tensor a = points(10, 2), b = points(10, 3).narrow(1, 1, 2) + 0.3 * a;
  const Procrustes result = procrustes(a, b);
  const double rest = (result.fitted - result.reference).square().sum().item<double>();
  CATCH_REQUIRE(result.disparity == Approx(rest).epsilon(1e-12));
  CATCH_REQUIRE(result.correlation * result.correlation == Approx(1 - rest).epsilon(1e-12));
  for (double angle = 0; angle < 6.3; angle += 0.1) {
    const double c = std::cos(angle), s = std::sin(angle);
    const at::Tensor turned =
        result.fitted.matmul(at::tensor({c, -s, s, c}, at::kDouble).view({2, 2}));
    CATCH_REQUIRE((turned - result.reference).square().sum().item<double>() >= rest - 1e-12);
  }
  // An axis more, of zeros, changes nothing.
  const at::Tensor wider = at::constant_pad_nd(b, {0, 1});
  CATCH_REQUIRE(procrustes(a, wider).disparity == Approx(rest).epsilon(1e-12));
}

CATCH_TEST_CASE("coordinates that cannot be matched are refused", "[procrustes]") {
  CATCH_REQUIRE_THROWS_WITH(procrustes(points(4, 2), points(5, 2)),
                            Catch::Contains("got [4, 2] and [5, 2]"));
  CATCH_REQUIRE_THROWS_AS(procrustes(at::zeros({4}), points(4, 2)), ShapeError);
  CATCH_REQUIRE_THROWS_WITH(procrustes(points(0, 2), points(0, 2)), Catch::Contains("got 0"));
  CATCH_REQUIRE_THROWS_WITH(procrustes(at::ones({4, 2}), points(4, 2)),
                            Catch::Contains("one place"));
  CATCH_REQUIRE_THROWS_WITH(procrustes(points(4, 2) / 0.0, points(4, 2)),
                            Catch::Contains("finite"));
}
