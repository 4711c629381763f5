#include "deepbio/community/adonis.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "catch.h"
#include "community/points.h"

#include "deepbio/base/error.h"
#include "deepbio/community/permanova.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

const std::vector<double> kAt{1, 2, 4, 7, 7.5, 9, 3, 5};
const Factor kGroup{"group", {"x", "y", "x", "y", "y", "x", "x", "y"}, {}};
const Factor kSite{"site", {"a", "a", "b", "b", "a", "a", "b", "b"}, {}};
const Factor kAge{"age", {}, {3, 1, 4, 1, 5, 9, 2, 6}};

// Residual sum of squares of a least-squares fit of the points to the columns and a constant.
double left_over(const std::vector<std::vector<double>>& columns) {
  std::vector<at::Tensor> all{at::ones({8}, at::kDouble)};
  for (const auto& column : columns) all.push_back(at::tensor(column, at::kDouble));
  const at::Tensor x = at::stack(all, 1), y = at::tensor(kAt, at::kDouble).unsqueeze(1);
  return (y - x.matmul(at::linalg_pinv(x).matmul(y))).square().sum().item<double>();
}

std::vector<double> is(const Factor& factor, const std::string& label) {
  std::vector<double> out;
  for (const auto& each : factor.labels) out.push_back(each == label ? 1 : 0);
  return out;
}

}  // namespace

CATCH_TEST_CASE("a formula names terms, each once, interactions last", "[adonis]") {
  CATCH_REQUIRE(parse_terms("a") == std::vector<Term>{{"a"}});
  CATCH_REQUIRE(parse_terms(" a:b + b+a ") == std::vector<Term>{{"b"}, {"a"}, {"a", "b"}});
  CATCH_REQUIRE(parse_terms("body site * age") ==
                std::vector<Term>{{"body site"}, {"age"}, {"body site", "age"}});
  CATCH_REQUIRE(parse_terms("a*b + b:a") == std::vector<Term>{{"a"}, {"b"}, {"a", "b"}});
  CATCH_REQUIRE_THROWS_AS(parse_terms("a + "), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(parse_terms(""), ArgumentError);
}

CATCH_TEST_CASE("sums of squares of points on a line are those of linear models", "[adonis]") {
  const at::Tensor distances = line_distances(kAt);
  const auto x = is(kGroup, "x"), a = is(kSite, "a"), age = kAge.values;
  std::vector<double> both(8);
  for (size_t i = 0; i < 8; ++i) both[i] = x[i] * age[i];
  const double none = left_over({}), group = left_over({x}), two = left_over({x, age}),
               all = left_over({x, age, both});

  const auto rows =
      adonis(distances, {kGroup, kAge}, parse_terms("group * age"), TermOrder::kTerms, {9});
  CATCH_REQUIRE(rows.size() == 5);
  const double expected[] = {none - group, group - two, two - all, all, none};
  for (size_t r = 0; r < 5; ++r) {
    CATCH_REQUIRE(rows[r].sum_of_squares == Approx(expected[r]).epsilon(1e-11));
    CATCH_REQUIRE(rows[r].r2 == Approx(expected[r] / none).epsilon(1e-11));
  }
  CATCH_REQUIRE(rows[2].name == "group:age");
  CATCH_REQUIRE(rows[3].degrees == 4);
  CATCH_REQUIRE(rows[2].pseudo_f == Approx((two - all) / (all / 4)).epsilon(1e-10));
  CATCH_REQUIRE(std::isnan(rows[3].p_value));

  const auto margin = adonis(distances, {kGroup, kSite, kAge}, parse_terms("group+site+age"),
                             TermOrder::kMargin, {9});
  const double whole = left_over({x, a, age});
  CATCH_REQUIRE(margin[0].sum_of_squares == Approx(left_over({a, age}) - whole).epsilon(1e-10));
  CATCH_REQUIRE(margin[1].sum_of_squares == Approx(left_over({x, age}) - whole).epsilon(1e-10));
  CATCH_REQUIRE(margin[2].sum_of_squares == Approx(left_over({x, a}) - whole).epsilon(1e-10));
  const auto last =
      adonis(distances, {kGroup, kAge}, parse_terms("group * age"), TermOrder::kMargin, {9});
  CATCH_REQUIRE(last.size() == 3);
  CATCH_REQUIRE(last[0].name == "group:age");
}

CATCH_TEST_CASE("one factor is PERMANOVA, order by order", "[adonis]") {
  const at::Tensor distances = line_distances(kAt).pow(0.7);
  for (const auto& strata : {std::vector<std::string>{}, kSite.labels}) {
    const PermutationOptions options{500, 3, strata};
    const Permanova one = permanova(distances, kGroup.labels, options);
    const auto rows = adonis(distances, {kGroup}, {{"group"}}, TermOrder::kTerms, options);
    CATCH_REQUIRE(rows[0].pseudo_f == Approx(one.pseudo_f).epsilon(1e-11));
    // Labels go to samples here, samples to labels there: the same distribution, not the same
    // orders.
    CATCH_REQUIRE(std::abs(rows[0].p_value - one.p_value) < 5 * std::sqrt(0.5 / 500));
  }
}

CATCH_TEST_CASE("p is the share of all orders within strata", "[adonis]") {
  const at::Tensor distances = line_distances(kAt);
  std::vector<int64_t> order{0, 1, 2, 3, 4, 5, 6, 7};
  const auto explained = [&] {
    std::vector<double> moved;
    for (const int64_t place : order) moved.push_back(kAge.values[place]);
    return left_over({}) - left_over({moved});
  };
  const double real = explained();
  int64_t as_large = 0, num_orders = 0;
  do {
    const bool is_within =
        std::equal(order.begin(), order.end(), kSite.labels.begin(),
                   [&](int64_t from, const auto& to) { return kSite.labels[from] == to; });
    if (!is_within) continue;
    ++num_orders;
    as_large += explained() >= real - 1e-9;
  } while (std::next_permutation(order.begin(), order.end()));
  CATCH_REQUIRE(num_orders == 576);
  const double share = static_cast<double>(as_large) / 576;
  const auto rows =
      adonis(distances, {kAge}, {{"age"}}, TermOrder::kTerms, {20000, 1, kSite.labels});
  CATCH_REQUIRE(std::abs(rows[0].p_value - share) <
                5 * std::sqrt(share * (1 - share) / 20000) + 1e-4);
}

CATCH_TEST_CASE("designs without an answer are refused", "[adonis]") {
  const at::Tensor distances = line_distances(kAt);
  const auto run = [&](const std::vector<Factor>& factors, const std::string& formula) {
    return adonis(distances, factors, parse_terms(formula), TermOrder::kTerms, {9}, {});
  };
  const Factor twin{"twin", kGroup.labels, {}}, short_one{"short", {"a"}, {}};
  const Factor each{"each", {"1", "2", "3", "4", "5", "6", "7", "8"}, {}};
  const Factor hole{"hole", {}, {1, 2, 3, std::nan(""), 5, 6, 7, 8}};
  CATCH_REQUIRE_THROWS_WITH(run({kGroup}, "grop"), Catch::Contains("did you mean 'group'"));
  CATCH_REQUIRE_THROWS_WITH(run({kGroup, twin}, "group + twin"),
                            Catch::Contains("'twin' adds nothing"));
  CATCH_REQUIRE_THROWS_WITH(run({each}, "each"), Catch::Contains("leave none for the residual"));
  CATCH_REQUIRE_THROWS_WITH(run({short_one}, "short"), Catch::Contains("8 samples, got 1"));
  CATCH_REQUIRE_THROWS_WITH(run({hole}, "hole"), Catch::Contains("sample 3"));
  CATCH_REQUIRE_THROWS_WITH(
      adonis(at::zeros({8, 8}), {kGroup}, {{"group"}}, TermOrder::kTerms, {9}),
      Catch::Contains("nothing to explain"));
  CATCH_REQUIRE_THROWS_AS(parse_term_order("type 3"), ArgumentError);
}
