#include "deepbio/community/permutations.h"

#include <map>
#include <set>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::community;

CATCH_TEST_CASE("samples change places within their stratum alone, in all ways alike",
                "[permutations]") {
  const std::vector<std::string> strata{"a", "b", "a", "b", "a"};
  const Orders orders(5, {6000, 3, strata}, "test");
  std::map<std::vector<int64_t>, int> seen;
  for (int64_t k = 0; k < orders.count(); ++k) {
    const auto order = orders.at(k);
    for (size_t i = 0; i < 5; ++i) CATCH_REQUIRE(strata[order[i]] == strata[i]);
    CATCH_REQUIRE(std::set<int64_t>(order.begin(), order.end()).size() == 5);
    ++seen[order];
  }
  CATCH_REQUIRE(seen.size() == 12);  // 3! of a, 2! of b
  for (const auto& [order, count] : seen) CATCH_REQUIRE(std::abs(count - 500) < 5 * 22);
}

CATCH_TEST_CASE("p counts the real order among those that are at least as large",
                "[permutations]") {
  const Orders orders(4, {99, 1}, "test");
  CATCH_REQUIRE(p_value(orders, 2, [](auto) { return 1.0; }) == 0.01);
  CATCH_REQUIRE(p_value(orders, 1, [](auto) { return 1.0; }) == 1.0);
  int64_t first_stays = 0;
  for (int64_t k = 0; k < 99; ++k) first_stays += orders.at(k)[0] == 0;
  CATCH_REQUIRE(p_value(orders, 1, [](auto order) { return order[0] == 0 ? 1.0 : 0.0; }) ==
                static_cast<double>(1 + first_stays) / 100);
}

CATCH_TEST_CASE("strata that leave no choice are refused", "[permutations]") {
  CATCH_REQUIRE_THROWS_WITH(Orders(2, {0}, "mantel"),
                            Catch::Contains("mantel: expected at least 1 permutation"));
  CATCH_REQUIRE_THROWS_WITH(Orders(2, {9, 0, {"a"}}, "mantel"),
                            Catch::Contains("stratum for each of 2 samples, got 1"));
  CATCH_REQUIRE_THROWS_WITH(Orders(2, {9, 0, {"a", ""}}, "mantel"),
                            Catch::Contains("none for sample 1"));
  CATCH_REQUIRE_THROWS_WITH(Orders(2, {9, 0, {"a", "b"}}, "mantel"),
                            Catch::Contains("no sample can change"));
}
