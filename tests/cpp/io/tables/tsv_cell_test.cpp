#include "deepbio/io/tables/tsv_cell.h"

#include "catch.h"

#include "deepbio/io/tables/metadata.h"

using deepbio::io::quoted_cell;

CATCH_TEST_CASE("a quoted cell is read back by the metadata reader as it was", "[metadata]") {
  const deepbio::test::TemporaryFolder folder;
  for (const std::string cell :
       {"plain", "a\tb", "two\nlines", "\"begins with a quote", "5' \"inner\"", "a\tb \"c\""}) {
    deepbio::test::write_text(folder / "m.tsv", "id\tx\ns\t" + quoted_cell(cell) + "\n");
    CATCH_CHECK(deepbio::io::read_metadata(folder / "m.tsv").values[0][0] == cell);
  }
  CATCH_CHECK(quoted_cell("plain words") == "plain words");
}
