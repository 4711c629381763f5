#include "deepbio/train/split.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"

namespace {

using namespace deepbio::train;
using Labels = std::vector<std::string>;

Labels repeated(const std::map<std::string, int>& counts) {
  Labels out;
  for (const auto& [name, count] : counts) out.insert(out.end(), static_cast<size_t>(count), name);
  return out;
}

std::map<std::string, int> held_back(const Split& split, const Labels& labels) {
  std::map<std::string, int> out;
  for (const int64_t sample : split.val) ++out[labels[static_cast<size_t>(sample)]];
  return out;
}

void check_every_sample_once(const Split& split, size_t count) {
  std::vector<int64_t> all = split.train, expected(count);
  all.insert(all.end(), split.val.begin(), split.val.end());
  std::sort(all.begin(), all.end());
  std::iota(expected.begin(), expected.end(), int64_t{0});
  CATCH_REQUIRE(all == expected);
  CATCH_REQUIRE_FALSE(split.train.empty());
  CATCH_REQUIRE_FALSE(split.val.empty());
}

}  // namespace

CATCH_TEST_CASE(
    "a split keeps every sample once, depends on the seed alone and never leaves a part empty",
    "[split]") {
  const std::vector<int64_t> items{4, 8, 15, 16, 23, 42};
  const Split split = split_samples(items, 0.2, 1);
  std::vector<int64_t> all = split.train;
  all.insert(all.end(), split.val.begin(), split.val.end());
  std::sort(all.begin(), all.end());
  CATCH_REQUIRE(all == items);
  CATCH_REQUIRE(split_samples(items, 0.2, 1).val == split.val);
  CATCH_REQUIRE(split_samples({1, 2}, 0.01, 3).val.size() == 1);
  CATCH_REQUIRE_THROWS_AS(split_samples({1}, 0.5, 0), deepbio::ArgumentError);
  CATCH_REQUIRE_THROWS_AS(split_samples(10, SplitRules{1.5, 0, {}, {}}), deepbio::ArgumentError);
}

CATCH_TEST_CASE("without classes and groups the samples are those of the plain random split",
                "[split]") {
  std::vector<int64_t> items(30);
  std::iota(items.begin(), items.end(), int64_t{0});
  CATCH_REQUIRE(split_samples(30, SplitRules{0.2, 5, {}, {}}).val ==
                split_samples(items, 0.2, 5).val);
}

CATCH_TEST_CASE("every class has its share among the held-back samples, a rare one at least one",
                "[split]") {
  const Labels labels = repeated({{"Normal", 97}, {"Wasted", 3}});
  std::set<std::vector<int64_t>> different;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Split split = split_samples(100, SplitRules{0.2, seed, labels, {}});
    check_every_sample_once(split, 100);
    CATCH_REQUIRE(held_back(split, labels) ==
                  std::map<std::string, int>{{"Normal", 19}, {"Wasted", 1}});
    different.insert(split.val);
  }
  CATCH_REQUIRE(different.size() == 20);
  const Labels even = repeated({{"a", 20}, {"b", 30}, {"c", 50}});
  CATCH_REQUIRE(held_back(split_samples(100, SplitRules{0.1, 3, even, {}}), even) ==
                std::map<std::string, int>{{"a", 2}, {"b", 3}, {"c", 5}});
}

CATCH_TEST_CASE("a class of one sample trains, and classes without a side are said", "[split]") {
  const Labels labels = repeated({{"a", 6}, {"b", 5}, {"lonely", 1}});
  const SplitRules rules{0.25, 2, labels, {}};
  const Split split = split_samples(12, rules);
  CATCH_REQUIRE(held_back(split, labels).count("lonely") == 0);
  const auto notes = split_notes(split, rules, "");
  CATCH_REQUIRE(notes.size() == 1);
  CATCH_REQUIRE_THAT(notes[0], Catch::Contains("class 'lonely' has no validation sample"));
  // More classes than may be held back: the test size wins.
  const Labels many = repeated({{"a", 2}, {"b", 2}, {"c", 2}, {"d", 2}, {"e", 2}});
  CATCH_REQUIRE(split_samples(10, SplitRules{0.2, 0, many, {}}).val.size() == 2);
  // One sample of each class: a random split, and a note that the held-back ones cannot be learned.
  const Labels each{"a", "b", "c", "d"};
  const SplitRules lonely{0.25, 0, each, {}};
  const Split random = split_samples(4, lonely);
  check_every_sample_once(random, 4);
  CATCH_REQUIRE_THAT(split_notes(random, lonely, "")[0], Catch::Contains("no training sample"));
}

CATCH_TEST_CASE("samples of a group are on one side, whatever the sizes of groups and classes",
                "[split]") {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    deepbio::CounterRandom random(seed, 0, 0, deepbio::Purpose::kSimulate);
    const auto count = static_cast<int64_t>(2 + random.below(58));
    const uint64_t num_groups = 2 + random.below(static_cast<uint64_t>(count)),
                   num_classes = 1 + random.below(8);
    SplitRules rules{0.05 + 0.6 * random.uniform(), seed, {}, {}};
    for (int64_t i = 0; i < count; ++i) {
      rules.groups.push_back(
          "g" + std::to_string(i < 2 ? static_cast<uint64_t>(i) : random.below(num_groups)));
      if (num_classes > 1) rules.labels.push_back("c" + std::to_string(random.below(num_classes)));
    }
    const Split split = split_samples(count, rules);
    check_every_sample_once(split, static_cast<size_t>(count));
    std::set<std::string> train, val, both;
    for (const int64_t sample : split.train)
      train.insert(rules.groups[static_cast<size_t>(sample)]);
    for (const int64_t sample : split.val) val.insert(rules.groups[static_cast<size_t>(sample)]);
    std::set_intersection(train.begin(), train.end(), val.begin(), val.end(),
                          std::inserter(both, both.end()));
    CATCH_REQUIRE(both.empty());
    for (size_t i = 0; i < rules.groups.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        CATCH_REQUIRE((rules.groups[i] == rules.groups[j]) == (split.groups[i] == split.groups[j]));
      }
    }
    CATCH_REQUIRE(split_samples(count, rules).val == split.val);
  }
}

CATCH_TEST_CASE("groups of equal size come near to the test size; one group alone cannot be split",
                "[split]") {
  SplitRules rules{0.2, 1, {}, {}};
  for (int i = 0; i < 100; ++i) rules.groups.push_back("host" + std::to_string(i / 4));
  CATCH_REQUIRE(split_samples(100, rules).val.size() == 20);
  // A sample without a group stands for itself.
  rules.groups.assign(10, "");
  CATCH_REQUIRE(split_samples(10, rules).val.size() == 2);
  rules.groups.assign(10, "one");
  CATCH_REQUIRE_THROWS_WITH(split_samples(10, rules),
                            Catch::Contains("2 groups") && Catch::Contains("'one'"));
}

CATCH_TEST_CASE("hosts with samples on both sides are said", "[split]") {
  SplitRules rules{0.5, 0, {}, {"x", "x", "y", "z"}};
  const auto notes = split_notes(Split{{0, 2}, {1, 3}, {}}, rules, "host");
  CATCH_REQUIRE(notes.size() == 1);
  CATCH_REQUIRE_THAT(
      notes[0], Catch::Contains("1 of 2 values of 'host'") && Catch::Contains("`group_column`"));
  CATCH_REQUIRE(split_notes(Split{{0, 1}, {2, 3}, {}}, rules, "host").empty());
}

CATCH_TEST_CASE("lists of samples decide alone, and one list leaves the rest to the other side",
                "[split]") {
  const Labels ids{"a", "b", "c", "d"};
  const Split both = split_by_lists(ids, {"a", "c"}, {"d"});
  CATCH_REQUIRE(both.train == std::vector<int64_t>{0, 2});
  CATCH_REQUIRE(both.val == std::vector<int64_t>{3});
  CATCH_REQUIRE(split_by_lists(ids, {}, {"b"}).train == std::vector<int64_t>{0, 2, 3});
  CATCH_REQUIRE(split_by_lists(ids, {"b"}, {}).val == std::vector<int64_t>{0, 2, 3});
  CATCH_REQUIRE_THROWS_WITH(split_by_lists(ids, {"a", "b"}, {"b"}),
                            Catch::Contains("'b' is on both lists"));
  CATCH_REQUIRE_THROWS_WITH(split_by_lists(ids, {}, {"elsewhere"}), Catch::Contains("0 held back"));
}
