#include "deepbio/community/biplot.h"

#include <ATen/ATen.h>

#include <cmath>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::community;

CATCH_TEST_CASE("a feature that is an axis itself points along it", "[biplot]") {
  // Axis 1 is 3 -1 -2 with eigenvalue 14, axis 2 has no extent. Feature a rises with axis 1, b is
  // the same everywhere.
  const Pcoa pcoa{at::tensor({3., 0., -1., 0., -2., 0.}, at::kDouble).view({3, 2}),
                  at::tensor({14., 0.}, at::kDouble), at::tensor({1., 0.}, at::kDouble)};
  CountTable table;
  table.sample_ids = {"s", "t", "u"};
  table.feature_ids = {"a", "b", "none"};
  table.indptr = {0, 2, 4, 6};
  table.indices = {0, 1, 0, 1, 0, 1};
  table.values = {6, 5, 2, 5, 1, 5};
  const at::Tensor ends = biplot(pcoa, table);
  // Covariance with the axis of variance 1: (6*3 - 2 - 2) / 2 / sqrt(7); times sqrt(2 / 14).
  CATCH_REQUIRE(ends[0][0].item<double>() ==
                Approx(7 / std::sqrt(7.) * std::sqrt(2 / 14.)).epsilon(1e-14));
  CATCH_REQUIRE(std::abs(ends[1][0].item<double>()) < 1e-15);
  CATCH_REQUIRE(ends.narrow(1, 1, 1).eq(0).all().item<bool>());
  CATCH_REQUIRE(ends[2].eq(0).all().item<bool>());
  table.sample_ids.pop_back();
  table.indptr.pop_back();
  CATCH_REQUIRE_THROWS_AS(biplot(pcoa, table), ShapeError);
}
