#include "deepbio/io/tables/hdf5_heap.h"

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/mapped_file.h"
#include "deepbio/io/tables/hdf5.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

std::string file_with_strings(const test::TemporaryFolder& folder) {
  Hdf5Writer file(folder / "s.h5");
  file.strings("ids", {"a", "longer than eight bytes", "", "c"});
  file.close();
  return test::read_text(folder / "s.h5");
}

}  // namespace

CATCH_TEST_CASE("the heaps of a sound file pass, and a file without heaps", "[hdf5_heap]") {
  const test::TemporaryFolder folder;
  const std::string good = file_with_strings(folder);
  CATCH_REQUIRE(good.find("GCOL") != std::string::npos);
  check_global_heaps(good, "s.h5");
  check_global_heaps(MappedFile(folder / "s.h5").bytes(), "s.h5");
  CATCH_REQUIRE_THROWS_AS(MappedFile(folder / "none.h5"), MissingFileError);
  check_global_heaps("no heap here", "x");
  check_global_heaps("", "x");
}

CATCH_TEST_CASE("sizes that lead out of a heap or a file are refused with the byte",
                "[hdf5_heap]") {
  const test::TemporaryFolder folder;
  const std::string good = file_with_strings(folder);
  const size_t heap = good.find("GCOL");
  // The size of the collection and of its first string.
  for (const size_t at : {heap + 8, heap + 16 + 8}) {
    CATCH_CAPTURE(at - heap);
    for (size_t byte = 2; byte < 8; ++byte) {
      std::string bad = good;
      bad[at + byte] = '\x7f';
      CATCH_REQUIRE_THROWS_WITH(check_global_heaps(bad, "s.h5"), Catch::Contains("s.h5: byte"));
      test::write_text(folder / "bad.h5", bad);
      CATCH_REQUIRE_THROWS_AS(Hdf5Reader(folder / "bad.h5").strings("ids"), ParseError);
      CATCH_REQUIRE_THROWS_AS(Hdf5Reader("bad.h5", bad).strings("ids"), ParseError);
    }
  }
  CATCH_REQUIRE_THROWS_AS(check_global_heaps(std::string_view(good).substr(0, heap + 12), "s.h5"),
                          ParseError);
}

CATCH_TEST_CASE("strings of a file damaged at any byte are read or refused", "[hdf5_heap]") {
  const test::TemporaryFolder folder;
  const std::string good = file_with_strings(folder);
  const size_t heap = good.find("GCOL");
  int64_t num_read = 0, num_refused = 0;
  for (size_t at = 0; at < good.size(); at += at >= heap && at < heap + 200 ? 1 : 17) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    try {
      num_read += Hdf5Reader("damaged", bytes).strings("ids").size() == 4;
    } catch (const ParseError&) {
      ++num_refused;
    }
  }
  CATCH_REQUIRE(num_read > 0);
  CATCH_REQUIRE(num_refused > 50);
}
