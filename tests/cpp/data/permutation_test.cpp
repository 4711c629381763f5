#include "deepbio/data/permutation.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::data;

namespace {

std::vector<int64_t> whole(int64_t n, uint64_t seed, uint64_t epoch) {
  const KeyedPermutation permutation(n, seed, epoch);
  std::vector<int64_t> out;
  for (int64_t place = 0; place < n; ++place) out.push_back(permutation.at(place));
  return out;
}

}  // namespace

CATCH_TEST_CASE("Every number stands at exactly one place", "[permutation]") {
  for (const int64_t n : {0, 1, 2, 3, 7, 1000, 4096, 4097, 65536, 65537}) {
    for (uint64_t epoch = 0; epoch < 4; ++epoch) {
      std::vector<int64_t> order = whole(n, 5, epoch);
      std::sort(order.begin(), order.end());
      for (int64_t i = 0; i < n; ++i) CATCH_REQUIRE(order[static_cast<size_t>(i)] == i);
    }
  }
  CATCH_REQUIRE_THROWS_WITH(KeyedPermutation(-1, 0, 0), Catch::Contains("got -1"));
}

CATCH_TEST_CASE("An order is fixed by seed, epoch and purpose", "[permutation]") {
  const auto order = whole(1000, 3, 1);
  CATCH_REQUIRE(order == whole(1000, 3, 1));
  CATCH_REQUIRE(order != whole(1000, 3, 2));
  CATCH_REQUIRE(order != whole(1000, 4, 1));
  const KeyedPermutation other(1000, 3, 1, 1);
  int same = 0;
  for (int64_t place = 0; place < 1000; ++place)
    same += other.at(place) == order[static_cast<size_t>(place)];
  CATCH_REQUIRE(same < 10);  // 1 is expected
}

CATCH_TEST_CASE(
    "A thousand million numbers: those looked at are in range, differ and fill it evenly",
    "[permutation]") {
  constexpr int64_t kSize = 1000000000, kLooks = 200000;
  const KeyedPermutation permutation(kSize, 7, 0);
  std::set<int64_t> seen;
  std::vector<int> cells(100);
  for (int64_t i = 0; i < kLooks; ++i) {
    // Neighbours in the first half, places far apart in the second.
    const int64_t found = permutation.at(i < kLooks / 2 ? i : kSize - 1 - (i - kLooks / 2) * 9973);
    CATCH_REQUIRE((found >= 0 && found < kSize));
    seen.insert(found);
    ++cells[static_cast<size_t>(found / (kSize / 100))];
  }
  CATCH_REQUIRE(seen.size() == kLooks);
  double chi_square = 0;
  for (const int count : cells) chi_square += (count - 2000.0) * (count - 2000.0) / 2000.0;
  CATCH_REQUIRE(chi_square < 167);  // 99 degrees of freedom: exceeded once in 25,000 times
}

CATCH_TEST_CASE("All orders of few items are about equally frequent", "[permutation]") {
  for (const int64_t n : {2, 3, 4, 5}) {
    std::map<std::vector<int64_t>, int> counts;
    constexpr int kDraws = 60000;
    for (int epoch = 0; epoch < kDraws; ++epoch)
      ++counts[whole(n, 1, static_cast<uint64_t>(epoch))];
    int orders = 1;
    for (int i = 2; i <= n; ++i) orders *= i;
    CATCH_REQUIRE(static_cast<int>(counts.size()) == orders);
    double chi_square = 0;
    const double expected = static_cast<double>(kDraws) / orders;
    for (const auto& [order, count] : counts)
      chi_square += (count - expected) * (count - expected) / expected;
    CATCH_REQUIRE(
        chi_square <
        (n < 5 ? 60 : 190));  // 23 and 119 degrees of freedom: less than once in 20,000 times
  }
}

CATCH_TEST_CASE("Items of an order tell nothing of their places", "[permutation]") {
  constexpr int64_t kBins = 50;
  for (const int64_t n : {4097, 10007, 1000000}) {
    std::vector<int> first(kBins), steps(kBins);
    int fixed = 0;
    constexpr int kDraws = 50000;
    for (int epoch = 0; epoch < kDraws; ++epoch) {
      const KeyedPermutation permutation(n, 9, static_cast<uint64_t>(epoch));
      const int64_t a = permutation.at(40), b = permutation.at(41);
      ++first[static_cast<size_t>(a * kBins / n)];
      ++steps[static_cast<size_t>((b - a + n) % n * kBins / n)];
    }
    for (uint64_t epoch = 0; epoch < 100; ++epoch) {
      const KeyedPermutation permutation(n, 9, epoch);
      for (int64_t place = 0; place < std::min<int64_t>(n, 10007); ++place)
        fixed += permutation.at(place) == place;
    }
    double places = 0, neighbours = 0;
    for (const int count : first) places += (count - 1000.0) * (count - 1000.0) / 1000.0;
    for (const int count : steps) neighbours += (count - 1000.0) * (count - 1000.0) / 1000.0;
    CATCH_REQUIRE((places < 97 && neighbours < 97));  // 49 degrees of freedom: once in 20,000 times
    // One fixed number per order is expected, as among all orders.
    const double expected =
        100.0 * static_cast<double>(std::min<int64_t>(n, 10007)) / static_cast<double>(n);
    CATCH_REQUIRE(std::abs(fixed - expected) < 4.5 * std::sqrt(expected));
  }
}
