#include <filesystem>

#include "catch.h"
#include "io/bytes/gzip_text.h"

#include "deepbio/io/reads/fastx.h"

using namespace deepbio;
using namespace deepbio::io;

CATCH_TEST_CASE(
    "the record limit follows the size of the file, so that chromosomes pass and bombs do not",
    "[fastx]") {
  const test::TemporaryFolder folder;
  const uint64_t least = uint64_t{1} << 28;
  test::write_text(folder / "a.fa", ">a\nACGT\n");
  CATCH_REQUIRE(default_record_limit(*open_bytes(folder / "a.fa")) == least);
  std::filesystem::resize_file(folder / "a.fa", uint64_t{5} << 30);  // of holes
  CATCH_REQUIRE(default_record_limit(*open_bytes(folder / "a.fa")) == uint64_t{5} << 30);
  test::write_text(folder / "a.fa.gz", test::gzip_text(">a\nACGT\n"));
  CATCH_REQUIRE(default_record_limit(*open_bytes(folder / "a.fa.gz")) == least);
  std::filesystem::resize_file(folder / "a.fa.gz", uint64_t{1} << 30);
  CATCH_REQUIRE(default_record_limit(*open_bytes(folder / "a.fa.gz")) == uint64_t{1} << 34);
}
