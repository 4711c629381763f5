#include "deepbio/io/tables/table_entries.h"

#include <cmath>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

CountTable with_entries(const std::vector<Entry>& entries) {
  CountTable table;
  table.sample_ids = {"s0", "s1", "s2"};
  table.feature_ids = {"f0", "f1"};
  set_entries(table, entries, "t.biom");
  return table;
}

}  // namespace

CATCH_TEST_CASE("entries in any order become rows with features ascending and without zeros",
                "[table_entries]") {
  const CountTable table = with_entries({{2, 1, 4}, {0, 1, 2}, {1, 0, 0}, {0, 0, 1}});
  CATCH_REQUIRE(table.indptr == std::vector<int64_t>{0, 2, 2, 3});
  CATCH_REQUIRE(table.indices == std::vector<int64_t>{0, 1, 1});
  CATCH_REQUIRE(table.values == std::vector<double>{1, 2, 4});
  CATCH_REQUIRE(with_entries({}).indptr == std::vector<int64_t>{0, 0, 0, 0});
}

CATCH_TEST_CASE("counts that are none and places named twice are refused with sample and feature",
                "[table_entries]") {
  for (const double count : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    CATCH_REQUIRE_THROWS_WITH(with_entries({{1, 1, count}}),
                              Catch::Contains("'s1'") && Catch::Contains("'f1'"));
  }
  CATCH_REQUIRE_THROWS_WITH(with_entries({{1, 1, 2}, {1, 1, 3}}),
                            Catch::Contains("each feature once"));
}

CATCH_TEST_CASE("a table turned has features as rows and the same numbers", "[table_entries]") {
  const Compressed rows = transposed(with_entries({{2, 1, 4}, {0, 1, 2}, {0, 0, 1}}));
  CATCH_REQUIRE(rows.indptr == std::vector<int64_t>{0, 1, 3});
  CATCH_REQUIRE(rows.indices == std::vector<int64_t>{0, 0, 2});
  CATCH_REQUIRE(rows.data == std::vector<double>{1, 2, 4});
}

CATCH_TEST_CASE("numbers are written as short as they read back, faults with path and line",
                "[table_entries]") {
  CATCH_REQUIRE(number_text(0.1) == "0.1");
  CATCH_REQUIRE(number_text(1e9) == "1e+09");
  CATCH_REQUIRE_THROWS_WITH(
      fail_table("t.tsv", "a count", "'x'", 7),
      Catch::Contains("t.tsv") && Catch::Contains("line 7") && Catch::Contains("'x'"));
}
