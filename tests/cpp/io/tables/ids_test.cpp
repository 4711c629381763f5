#include "deepbio/io/tables/ids.h"

#include "catch.h"

using namespace deepbio::io;

CATCH_TEST_CASE(
    "two lists of ids tell what they share, in the order of the first, and what each has alone",
    "[ids]") {
  const IdOverlap overlap = compare_ids({"s3", "s1", "1.0", "s2"}, {"s1", "x", "1", "s3"});

  CATCH_REQUIRE(overlap.shared == std::vector<std::string>{"s3", "s1"});
  CATCH_REQUIRE(overlap.only_first == std::vector<std::string>{"1.0", "s2"});
  CATCH_REQUIRE(overlap.only_second == std::vector<std::string>{"x", "1"});
  CATCH_REQUIRE_FALSE(overlap.is_same_set());
  CATCH_REQUIRE(compare_ids({"a", "b"}, {"b", "a"}).is_same_set());
  CATCH_REQUIRE(compare_ids({}, {}).is_same_set());
}

CATCH_TEST_CASE("an overlap is described with counts and three examples a side", "[ids]") {
  const IdOverlap overlap = compare_ids({"a", "b", "c", "d", "e"}, {"e", "x"});

  CATCH_REQUIRE(describe(overlap, "t.biom", "m.tsv") ==
                "4 samples only in t.biom ('a', 'b', 'c', ...), 1 only in m.tsv ('x'), 1 in both");
  CATCH_REQUIRE(describe(compare_ids({"a"}, {"a"}), "t", "m") ==
                "0 samples only in t, 0 only in m, 1 in both");
}

CATCH_TEST_CASE("a list of ids is a line each, whatever the line ends and further columns",
                "[ids]") {
  deepbio::test::TemporaryFolder folder;
  deepbio::test::write_text(folder / "ids.txt", "s1\r\ns2\tmore\n\ns 3");
  CATCH_REQUIRE(deepbio::io::read_id_list(folder / "ids.txt") ==
                std::vector<std::string>{"s1", "s2", "s 3"});
}
