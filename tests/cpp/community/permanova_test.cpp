#include "deepbio/community/permanova.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "catch.h"
#include "community/points.h"

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"

using namespace deepbio;
using namespace deepbio::community;

CATCH_TEST_CASE("pseudo-F of points on a line is the F of their analysis of variance",
                "[permanova]") {
  // Group means 2 and 7, overall mean 4.5: between 6 * 2.5^2 = 37.5 with 1 degree, within 2 + 2 = 4
  // with 4 degrees.
  const Permanova result =
      permanova(line_distances({1, 2, 3, 6, 7, 8}), {"a", "a", "a", "b", "b", "b"}, {99, 1});
  CATCH_REQUIRE(result.pseudo_f == Approx(37.5).epsilon(1e-14));
  CATCH_REQUIRE(result.num_groups == 2);
  CATCH_REQUIRE(result.num_samples == 6);
  CATCH_REQUIRE(result.num_permutations == 99);
}

CATCH_TEST_CASE("p is the share of all orders of the labels that part the samples as well",
                "[permanova]") {
  // Of the 20 ways to choose three of six points, 2 (the real groups, and they exchanged) reach the
  // largest F.
  const Permanova parted =
      permanova(line_distances({1, 2, 3, 6, 7, 8}), {"a", "a", "a", "b", "b", "b"}, {20000, 3});
  CATCH_REQUIRE(std::abs(parted.p_value - 0.1) < 5 * std::sqrt(0.1 * 0.9 / 20000));
  // Interleaved, all but few orders are at least as large.
  const std::vector<double> at{1, 2, 3, 4, 5, 6};
  const std::vector<std::string> labels{"a", "b", "b", "a", "a", "b"};
  std::vector<int> order{0, 1, 2, 3, 4, 5};
  const auto within = [&] {
    double sum = 0;
    for (size_t i = 0; i < 6; ++i) {
      for (size_t j = i + 1; j < 6; ++j) {
        if (labels[order[i]] == labels[order[j]]) sum += (at[i] - at[j]) * (at[i] - at[j]) / 3;
      }
    }
    return sum;
  };
  const double real = within();
  int64_t num_as_good = 0, num_orders = 0;
  do {
    num_as_good += within() <= real + 1e-9;
    ++num_orders;
  } while (std::next_permutation(order.begin(), order.end()));
  const double expected = static_cast<double>(num_as_good) / static_cast<double>(num_orders);
  const Permanova mixed = permanova(line_distances(at), labels, {20000, 3});
  CATCH_REQUIRE(num_orders == 720);
  CATCH_REQUIRE(std::abs(mixed.p_value - expected) <
                5 * std::sqrt(expected * (1 - expected) / 20000) + 1e-4);
}

CATCH_TEST_CASE("p is that of a plain loop over the same orders, for few groups and for many",
                "[permanova]") {
  const int64_t num_groups = GENERATE(3, 300);
  const int64_t n = 2 * num_groups + 30;
  CounterRandom random(7, 0, static_cast<uint64_t>(num_groups), Purpose::kSimulate);
  std::vector<double> at;
  std::vector<int64_t> group;
  std::vector<std::string> labels;
  for (int64_t i = 0; i < n; ++i) {
    group.push_back(i % num_groups);
    labels.push_back("g" + std::to_string(group.back()));
    at.push_back(random.normal() + 0.1 * static_cast<double>(group.back() % 3));
  }
  std::vector<double> size(static_cast<size_t>(num_groups), 0);
  for (const int64_t g : group) ++size[g];
  const auto within = [&](const std::vector<int64_t>& order) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = i + 1; j < n; ++j) {
        const int64_t a = group[order[i]], b = group[order[j]];
        if (a == b) sum += (at[i] - at[j]) * (at[i] - at[j]) / size[a];
      }
    }
    return sum;
  };
  std::vector<int64_t> as_given(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) as_given[i] = i;
  const double limit = within(as_given) + 1e-9;
  int64_t as_large = 1;
  for (uint64_t k = 0; k < 130; ++k) {
    CounterRandom orders(5, 0, k, Purpose::kPermutation);
    as_large += within(random_permutation(n, orders)) <= limit;
  }
  const Permanova result = permanova(line_distances(at), labels, {130, 5});
  CATCH_REQUIRE(result.p_value == static_cast<double>(as_large) / 131);
}

CATCH_TEST_CASE("p depends on the seed alone, not on threads", "[permanova]") {
  const at::Tensor distances = line_distances({1, 4, 2, 8, 5, 7, 3, 3.5});
  const std::vector<std::string> groups{"x", "y", "x", "y", "z", "z", "x", "y"};
  const int num_threads = at::get_num_threads();
  at::set_num_threads(1);
  const double one = permanova(distances, groups, {500, 4}).p_value;
  at::set_num_threads(3);
  CATCH_REQUIRE(permanova(distances, groups, {500, 4}).p_value == one);
  at::set_num_threads(num_threads);
  CATCH_REQUIRE(permanova(distances, groups, {500, 5}).p_value != one);
}

CATCH_TEST_CASE("samples that are alike give 0 or infinity, never NaN", "[permanova]") {
  const Permanova same = permanova(at::zeros({4, 4}, at::kDouble), {"a", "a", "b", "b"}, {99});
  CATCH_REQUIRE(same.pseudo_f == 0);
  CATCH_REQUIRE(same.p_value == 1);
  CATCH_REQUIRE(
      std::isinf(permanova(line_distances({1, 1, 2, 2}), {"a", "a", "b", "b"}, {9}).pseudo_f));
}

CATCH_TEST_CASE("groups that cannot be compared are refused with the numbers", "[permanova]") {
  const at::Tensor distances = line_distances({1, 2, 3});
  CATCH_REQUIRE_THROWS_WITH(permanova(distances, {"a", "a", "a"}, {}), Catch::Contains("got 1"));
  CATCH_REQUIRE_THROWS_WITH(permanova(distances, {"a", "b", "c"}, {}),
                            Catch::Contains("from 2 to 2 groups"));
  CATCH_REQUIRE_THROWS_WITH(permanova(distances, {"a", "b"}, {}),
                            Catch::Contains("3 samples, got 2"));
  CATCH_REQUIRE_THROWS_WITH(permanova(distances, {"a", "b", "a"}, {0}), Catch::Contains("got 0"));
  CATCH_REQUIRE_THROWS_AS(permanova(at::zeros({2, 3}), {"a", "b"}, {}), ShapeError);
}

CATCH_TEST_CASE("distances that are none and samples without a group are refused by name",
                "[permanova]") {
  const std::vector<std::string> groups{"x", "x", "y", "y"}, ids{"a", "b", "c", "d"};
  const at::Tensor sound =
      at::tensor({0., 1., 2., 3., 1., 0., 2., 2., 2., 2., 0., 1., 3., 2., 1., 0.}).view({4, 4});
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity(), -1.0, 7.0}) {
    CATCH_CAPTURE(bad);
    at::Tensor distances = sound.clone();
    distances[1][2] = bad;
    CATCH_REQUIRE_THROWS_WITH(permanova(distances, groups, {}, ids),
                              Catch::Contains("'b' and 'c'"));
  }
  CATCH_REQUIRE_THROWS_WITH(permanova(sound, {"x", "", "y", ""}, {}, ids),
                            Catch::Contains("none for 'b' and 1 more"));
  CATCH_REQUIRE(permanova(sound + at::eye(4, at::kDouble) * 1e-9, groups, {}).pseudo_f ==
                permanova(sound, groups, {}).pseudo_f);
}
