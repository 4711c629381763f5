#include "deepbio/community/permdisp.h"

#include <ATen/ATen.h>

#include <cmath>

#include "catch.h"
#include "community/points.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::community;

CATCH_TEST_CASE("the spatial median has the least sum of distances", "[permdisp]") {
  const at::Tensor x = points(15, 3), median = spatial_median(x);
  const at::Tensor pull = ((x - median) / (x - median).norm(2, {1}, true)).sum(0);
  CATCH_REQUIRE(pull.norm().item<double>() < 1e-9);
  // Of an odd number on a line: the middle one, which is a point itself.
  const at::Tensor line = at::tensor({1., 2., 4., 9., 30.}, at::kDouble).unsqueeze(1);
  CATCH_REQUIRE(std::abs(spatial_median(line).item<double>() - 4) < 1e-9);
  CATCH_REQUIRE(spatial_median(at::ones({3, 2}, at::kDouble)).eq(1).all().item<bool>());
}

CATCH_TEST_CASE("F is that of distances to centroids, of points", "[permdisp]") {
  // Of 1, 2, 3 and 10, 14, 18: distances to the centre 1 0 1 and 4 0 4, means 2/3 and 8/3.
  const at::Tensor line = at::tensor({1., 2., 3., 10., 14., 18.}, at::kDouble).unsqueeze(1);
  const Permdisp result =
      permdisp(between(line), {"a", "a", "a", "b", "b", "b"}, {Centre::kCentroid});
  CATCH_REQUIRE(result.groups == std::vector<std::string>{"a", "b"});
  CATCH_REQUIRE(result.spread[0] == Approx(2 / 3.).epsilon(1e-12));
  CATCH_REQUIRE(result.spread[1] == Approx(8 / 3.).epsilon(1e-12));
  const double among = 2 * 3 * 1.0, within = 2 / 3. + 16 * 2 / 3.;
  CATCH_REQUIRE(result.f == Approx(among / (within / 4)).epsilon(1e-11));
}

CATCH_TEST_CASE(
    "squared distances to the centroid follow from distances alone, imaginary axes subtracted",
    "[permdisp]") {
  const at::Tensor distances = between(points(12, 20)).pow(1.5);  // not Euclidean
  const std::vector<std::string> groups{"x", "y", "x", "y", "x", "y", "x", "y", "x", "y", "y", "y"};
  const at::Tensor squared = distances.square(),
                   to = permdisp(distances, groups, {Centre::kCentroid}).to_centre;
  double worst = 0;
  for (const std::string group : {"x", "y"}) {
    std::vector<int64_t> rows;
    for (int64_t i = 0; i < 12; ++i) {
      if (groups[i] == group) rows.push_back(i);
    }
    const at::Tensor chosen = at::tensor(rows, at::kLong);
    const at::Tensor own = squared.index_select(0, chosen).index_select(1, chosen);
    const at::Tensor expected = (own.mean(1) - own.mean() / 2).abs().sqrt();
    worst = std::max(worst, (expected - to.index_select(0, chosen)).abs().max().item<double>());
  }
  CATCH_REQUIRE(worst < 1e-12);
  const at::Tensor dropped =
      permdisp(distances, groups, {Centre::kCentroid, ImaginaryAxes::kDrop}).to_centre;
  CATCH_REQUIRE((dropped >= to - 1e-12).all().item<bool>());
  CATCH_REQUIRE((dropped - to).max().item<double>() > 1e-3);
}

CATCH_TEST_CASE("spread that is the same in all groups gives 0, names are read", "[permdisp]") {
  const at::Tensor line = at::tensor({1., 2., 11., 12.}, at::kDouble).unsqueeze(1);
  const Permdisp result = permdisp(between(line), {"a", "a", "b", "b"}, {});
  CATCH_REQUIRE(result.f == 0);
  CATCH_REQUIRE(result.p_value == 1);
  CATCH_REQUIRE_THROWS_AS(parse_centre("mean"), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(parse_imaginary_axes("keep"), ArgumentError);
}
