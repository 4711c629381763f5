#include "deepbio/io/table_text.h"

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

CountTable from_text(const std::string& text) { return read_table_text(text, "table.tsv"); }

}  // namespace

CATCH_TEST_CASE("classic tables are read with comments, CRLF, a taxonomy column and no final newline", "[table_text]") {
  const CountTable table = from_text(
      "# Constructed from biom file\r\n#OTU ID\ts0\ts1\ttaxonomy\r\nf0\t1.0\t0\tk__A; p__B\r\n\r\n# "
      "note\r\nf1\t0\t2e3\tk__C");
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
