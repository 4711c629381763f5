#include "deepbio/community/groups.h"

#include <algorithm>

#include "base/chosen_simd.h"
#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::community;

CATCH_TEST_CASE("groups are numbered in order of appearance", "[groups]") {
  const Groups groups = number_groups({"b", "a", "b", "c"});
  CATCH_REQUIRE(groups.of_sample == std::vector<int32_t>{0, 1, 0, 2});
  CATCH_REQUIRE(groups.size == std::vector<double>{2, 1, 1});
  CATCH_REQUIRE_THROWS_WITH(comparable_groups({"a", "a"}, 2, {}, "x"),
                            Catch::Contains("x: expected from 2 to 1"));
  CATCH_REQUIRE_THROWS_WITH(check_labels({"a", ""}, 2, "group", {"s", "t"}, "x"),
                            Catch::Contains("none for 't'"));
}

CATCH_TEST_CASE("sums within groups of many orders are those of one after the other", "[groups]") {
  const Simd simd = GENERATE(from_range(simd_paths()));
  const test::ChosenSimd chosen(simd);
  const int64_t num_groups = GENERATE(3, 300), n = 2 * num_groups + 7;
  std::vector<double> matrix(static_cast<size_t>(n * n));
  for (int64_t k = 0; k < n * n; ++k) matrix[k] = static_cast<double>(k * k % 101);
  std::vector<int32_t> of_sample;
  for (int64_t i = 0; i < n; ++i) of_sample.push_back(static_cast<int32_t>(i % num_groups));
  std::vector<double> weight;
  for (int64_t g = 0; g < num_groups; ++g) weight.push_back(1.0 / static_cast<double>(g + 1));
  const Orders orders(n, {150, 4}, "test");
  std::vector<double> sums;
  for (int64_t k = 0; k < orders.count(); ++k) {
    const auto order = orders.at(k);
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      double own = 0;
      for (int64_t j = i + 1; j < n; ++j) {
        if (of_sample[order[i]] == of_sample[order[j]]) own += matrix[i * n + j];
      }
      sum += own * weight[of_sample[order[i]]];
    }
    sums.push_back(sum);
  }
  const double limit = sums[75];
  const auto expected =
      std::count_if(sums.begin(), sums.end(), [&](double sum) { return sum <= limit; });
  CATCH_REQUIRE(expected > 0);
  CATCH_REQUIRE(expected < 150);
  std::vector<int32_t> moved;
  for (const int64_t place : orders.at(75)) moved.push_back(of_sample[place]);
  CATCH_REQUIRE(within_groups(matrix.data(), moved, weight) == limit);
  CATCH_REQUIRE(count_within(matrix.data(), of_sample, weight, orders, limit) == expected);
}
