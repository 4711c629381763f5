#include "deepbio/community/mantel.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "catch.h"
#include "community/points.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

// Pearson's r over the pairs above the diagonal, the samples of b in an order.
double plain_r(const at::Tensor& a, const at::Tensor& b, const std::vector<int64_t>& order) {
  std::vector<double> x, y;
  for (int64_t i = 0; i < a.size(0); ++i) {
    for (int64_t j = i + 1; j < a.size(0); ++j) {
      x.push_back(a[i][j].item<double>());
      y.push_back(b[order[i]][order[j]].item<double>());
    }
  }
  return at::corrcoef(at::stack({at::tensor(x, at::kDouble), at::tensor(y, at::kDouble)}))[0][1]
      .item<double>();
}

}  // namespace

CATCH_TEST_CASE("r is the correlation of pairs and p the share of all orders", "[mantel]") {
  const at::Tensor a = line_distances({1, 2, 4, 7, 11}), b = line_distances({2, 1, 3, 9, 8});
  std::vector<int64_t> order{0, 1, 2, 3, 4};
  const double real = plain_r(a, b, order);
  int64_t two_sided = 0, greater = 0, less = 0;
  do {
    const double r = plain_r(a, b, order);
    two_sided += std::abs(r) >= std::abs(real) - 1e-10;
    greater += r >= real - 1e-10;
    less += r <= real + 1e-10;
  } while (std::next_permutation(order.begin(), order.end()));

  const std::pair<Alternative, int64_t> expected[] = {{Alternative::kTwoSided, two_sided},
                                                      {Alternative::kGreater, greater},
                                                      {Alternative::kLess, less}};
  for (const auto& [alternative, count] : expected) {
    const Mantel result = mantel(a, b, {Correlation::kPearson, alternative, {20000, 2}});
    const double share = static_cast<double>(count) / 120;
    CATCH_REQUIRE(result.r == Approx(real).epsilon(1e-13));
    CATCH_REQUIRE(std::abs(result.p_value - share) <
                  5 * std::sqrt(share * (1 - share) / 20000) + 1e-4);
  }
}

CATCH_TEST_CASE("Spearman's r depends on ranks alone", "[mantel]") {
  const at::Tensor a = line_distances({1, 2, 4, 7, 11, 16});
  CATCH_REQUIRE(mantel(a, a.pow(3), {Correlation::kSpearman}).r == Approx(1).epsilon(1e-14));
  CATCH_REQUIRE(mantel(a, a.pow(3), {Correlation::kPearson}).r < 0.99);
}

CATCH_TEST_CASE("matrices that have no correlation are refused", "[mantel]") {
  const at::Tensor a = line_distances({1, 2, 4});
  const at::Tensor alike = at::ones({3, 3}, at::kDouble) - at::eye(3, at::kDouble);
  CATCH_REQUIRE_THROWS_WITH(mantel(a, alike, {}), Catch::Contains("the same"));
  CATCH_REQUIRE_THROWS_WITH(mantel(line_distances({1, 2}), line_distances({1, 2}), {}),
                            Catch::Contains("got 2"));
  CATCH_REQUIRE_THROWS_WITH(mantel(a, line_distances({1, 2, 3, 4}), {}),
                            Catch::Contains("got [3, 3] and [4, 4]"));
  CATCH_REQUIRE_THROWS_AS(mantel(at::zeros({}), a, {}), ShapeError);
  CATCH_REQUIRE_THROWS_AS(parse_correlation("kendall"), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(parse_alternative("more"), ArgumentError);
}
