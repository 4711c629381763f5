#include "deepbio/io/tables/table_text.h"

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

CountTable from_text(const std::string& text) { return read_table_text(text, "table.tsv"); }

}  // namespace

CATCH_TEST_CASE(
    "classic tables are read with comments, CRLF, a taxonomy column and no final newline",
    "[table_text]") {
  const CountTable table = from_text(
      "# Constructed from biom file\r\n#OTU ID\ts0\ts1\ttaxonomy\r\nf0\t1.0\t0\tk__A; "
      "p__B\r\n\r\n# note\r\nf1\t0\t2e3\tk__C");
  CATCH_REQUIRE(table.sample_ids == std::vector<std::string>{"s0", "s1"});
  CATCH_REQUIRE(table.feature_ids == std::vector<std::string>{"f0", "f1"});
  CATCH_REQUIRE(table.values == std::vector<double>{1, 2000});
}

CATCH_TEST_CASE("faulty classic tables are refused with the line", "[table_text]") {
  const auto refused = [](const std::string& text, const char* message) {
    CATCH_CAPTURE(text);
    CATCH_REQUIRE_THROWS_WITH(from_text(text), Catch::Contains(message));
  };
  refused("#OTU ID\ts0\ts1\nf0\t1\n", "line 2");
  refused("#OTU ID\ts0\ts1\nf0\t1\tmany\n", "many");
  refused("#OTU ID\ts0\ts1\nf0\t1\t-1\n", "line 2");
  refused("#OTU ID\ts0\ts0\nf0\t1\t1\n", "twice");
  refused("#OTU ID\ts0\nf0\t1\nf0\t1\n", "twice");
  refused("a,b,c\n1,2,3\n", "#OTU ID");
  refused("\n \n", "#OTU ID");
}

CATCH_TEST_CASE("tables are read under the headers of R, MetaPhlAn, HUMAnN and their kin",
                "[table_text]") {
  for (const std::string start : {"ASV", "#NAME", "", "#OTU_ID", "Feature ID", "clade_name",
                                  "# Gene Family", "X.OTU.ID", "OTU", "#ASV ID"}) {
    CATCH_CAPTURE(start);
    const CountTable table = from_text(start + "\tS1\tS2\nA\t1\t2\nB\t3\t4\n");
    CATCH_REQUIRE(table.sample_ids == std::vector<std::string>{"S1", "S2"});
    CATCH_REQUIRE(table.feature_ids == std::vector<std::string>{"A", "B"});
    CATCH_REQUIRE(table.values == std::vector<double>{1, 3, 2, 4});
  }
  const std::vector<double> values{1, 3, 2, 4};
  CATCH_REQUIRE(from_text("S1\tS2\nA\t1\t2\nB\t3\t4\n").values == values);  // write.table
  CATCH_REQUIRE(from_text("\"S1\"\t\"S2\"\n\"A\"\t1\t2\n\"B\"\t3\t4\n").feature_ids ==
                std::vector<std::string>{"A", "B"});
  CATCH_REQUIRE(from_text("\"\",\"S1\",\"S,2\"\n\"A\",1,2\n\"B\",3,4\n").sample_ids ==
                std::vector<std::string>{"S1", "S,2"});
  CATCH_REQUIRE(from_text("#OTU ID;S1;S2\nA;1;2\nB;3;4\n").values == values);
  CATCH_REQUIRE(
      from_text("Counts of the second run\n\n#OTU ID\tS1\tS2\nA\t1\t2\nB\t3\t4\n").values ==
      values);
  const CountTable metaphlan = from_text(
      "#mpa_v30_CHOCOPhlAn_201901\nclade_name\tNCBI_tax_id\tS1\tS2\nk__Bacteria\t2\t60\t40\nk__"
      "Archaea\t2157\t40\t60\n");
  CATCH_REQUIRE(metaphlan.sample_ids == std::vector<std::string>{"S1", "S2"});
  CATCH_REQUIRE(metaphlan.values == std::vector<double>{60, 40, 40, 60});
}

CATCH_TEST_CASE("CR alone ends a line of a table, as Excel for Mac writes it", "[table_text]") {
  const CountTable table = from_text("#OTU ID\tS1\tS2\rA\t11\t12\rB\t13\t14");
  CATCH_REQUIRE(table.sample_ids == std::vector<std::string>{"S1", "S2"});
  CATCH_REQUIRE(table.values == std::vector<double>{11, 13, 12, 14});
}

CATCH_TEST_CASE("samples in rows are refused, not read as features", "[table_text]") {
  CATCH_REQUIRE_THROWS_WITH(from_text("sample-id\tA\tB\nS1\t1\t2\n"), Catch::Contains("transpose"));
  CATCH_REQUIRE_THROWS_AS(from_text("patient\tA\tB\nS1\t1\t2\n"), ParseError);
}

CATCH_TEST_CASE("ids that the text cannot hold are refused at writing", "[table_text]") {
  const test::TemporaryFolder folder;
  const auto refused = [&](const std::vector<std::string>& samples,
                           const std::vector<std::string>& features) {
    CATCH_CAPTURE(samples, features);
    CountTable table{samples, features, {0, 1, 2}, {0, 1}, {1, 2}};
    CATCH_REQUIRE_THROWS_AS(write_table_tsv(folder / "t.tsv", table), ArgumentError);
    CATCH_REQUIRE_FALSE(std::filesystem::exists(folder / "t.tsv"));
  };
  refused({"S1", "S2"}, {"#1", "B"});
  refused({"S1", "taxonomy"}, {"A", "B"});
  refused({"Taxonomy", "S2"}, {"A", "B"});
  refused({"S1", "S\t2"}, {"A", "B"});
  refused({"S1", "S2"}, {"A\nC", "B"});
  refused({"S1", "S2"}, {std::string("A\0", 2), "B"});
  refused({"S1", "S2"}, {"\"A\"", "B"});
  const CountTable odd{
      {"#S1", " S2", "3"}, {"A#", "B ", "007"}, {0, 1, 2, 3}, {0, 1, 2}, {1, 2, 3}};
  write_table_tsv(folder / "t.tsv", odd);
  const CountTable again = read_table(folder / "t.tsv");
  CATCH_REQUIRE(again.sample_ids == odd.sample_ids);
  CATCH_REQUIRE(again.feature_ids == odd.feature_ids);
}
