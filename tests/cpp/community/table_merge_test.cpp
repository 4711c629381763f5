#include "deepbio/community/table_merge.h"

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::community;

CATCH_TEST_CASE("tables are merged in the order in which samples and features first occur",
                "[table_merge]") {
  CountTable a{{"s1", "s2"}, {"x", "y"}, {0, 1, 3}, {0, 0, 1}, {1, 2, 3}};
  const CountTable b{{"s2", "s3"}, {"y", "z"}, {0, 2, 3}, {0, 1, 1}, {4, 5, 6}};
  a.taxonomy = {"k__A", "k__B"};
  CATCH_REQUIRE_THROWS_WITH(merge({a, b}), Catch::Contains("'s2'"));
  const CountTable both = merge({a, b}, OverlappingSamples::kSum);
  CATCH_REQUIRE(both.sample_ids == std::vector<std::string>{"s1", "s2", "s3"});
  CATCH_REQUIRE(both.feature_ids == std::vector<std::string>{"x", "y", "z"});
  CATCH_REQUIRE(both.taxonomy == std::vector<std::string>{"k__A", "k__B", ""});
  CATCH_REQUIRE(both.indptr == std::vector<int64_t>{0, 1, 4, 5});
  CATCH_REQUIRE(both.indices == std::vector<int64_t>{0, 0, 1, 2, 2});
  CATCH_REQUIRE(both.values == std::vector<double>{1, 2, 7, 5, 6});
  io::check_table(both, "merged");
  CATCH_REQUIRE_THROWS_AS(merge({}), ArgumentError);
}

CATCH_TEST_CASE("features of one lineage become one, short lineages keep their place",
                "[table_merge]") {
  CountTable table{
      {"s1", "s2"}, {"a", "b", "c", "d"}, {0, 3, 5}, {0, 1, 2, 1, 3}, {1, 2, 4, 8, 16}};
  table.taxonomy = {"k__B; p__P; c__X", "k__B; p__P; c__Y", "k__B", ""};
  const CountTable phyla = collapse(table, 2);
  CATCH_REQUIRE(phyla.feature_ids == std::vector<std::string>{"__;__", "k__B;__", "k__B;p__P"});
  CATCH_REQUIRE(phyla.taxonomy == std::vector<std::string>{"__; __", "k__B; __", "k__B; p__P"});
  CATCH_REQUIRE(phyla.indices == std::vector<int64_t>{1, 2, 0, 2});
  CATCH_REQUIRE(phyla.values == std::vector<double>{4, 3, 16, 8});
  CATCH_REQUIRE(sample_totals(phyla) == sample_totals(table));
  CATCH_REQUIRE_THROWS_WITH(collapse(table, 0), Catch::Contains("from 1"));
  table.taxonomy.clear();
  CATCH_REQUIRE_THROWS_WITH(collapse(table, 1), Catch::Contains("no taxonomy"));
}

CATCH_TEST_CASE("rare features go before shallow samples, and then what is left without reads",
                "[table_merge]") {
  const CountTable table{
      {"s1", "s2", "s3"}, {"x", "y", "z"}, {0, 2, 4, 5}, {0, 2, 0, 1, 1}, {1, 9, 5, 3, 1}};
  // z is in s1 alone, s1 and s3 have one read then.
  const CountTable common = filter_counts(table, 2, 2);
  CATCH_REQUIRE(common.sample_ids == std::vector<std::string>{"s2"});
  CATCH_REQUIRE(common.feature_ids == std::vector<std::string>{"x", "y"});
  CATCH_REQUIRE(filter_counts(table, 0, 0).num_entries() == 5);
}
