#include "deepbio/io/bytes/bgzf_access.h"

#include "catch.h"
#include "io/bytes/chosen_inflate.h"
#include "io/bytes/gzip_text.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

const std::string kText = "@a x\nACGTACGTTTGA\n+\nIIIIIIII####\n@b\nAC\n+\nII\n@c\nGGGG\n+\n!!!!\n";

}  // namespace

CATCH_TEST_CASE("each BGZF block with data is a place to begin, empty ones are none",
                "[bgzf_access]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "file", test::bgzf_text(kText, 10) + test::bgzf_text(kText, 7));
  const PositionedFile file(folder / "file");
  AccessMap map;
  CATCH_REQUIRE(map_bgzf(file, map));
  CATCH_REQUIRE(map.data_bytes == 2 * kText.size());
  CATCH_REQUIRE(map.points.size() == (kText.size() + 9) / 10 + (kText.size() + 6) / 7);
  for (const InflateLibrary library : inflate_libraries()) {
    const test::ChosenInflate chosen(library);
    const auto cursor = make_bgzf_cursor(file, map);
    for (size_t begin = 0; begin <= 2 * kText.size(); ++begin) {
      for (size_t end = begin; end <= 2 * kText.size(); end += 3) {
        CATCH_REQUIRE(cursor->read(begin, end) == (kText + kText).substr(begin, end - begin));
      }
    }
  }
}

CATCH_TEST_CASE("other subfields may stand beside BC", "[bgzf_access]") {
  const test::TemporaryFolder folder;
  using std::string_literals::operator""s;
  std::string block = test::gzip_text(kText);
  block[3] = 4;
  const size_t size = block.size() + 2 + 7 + 6;
  block.insert(10, "\x0d\0XY\3\0abcBC\2\0"s + static_cast<char>((size - 1) & 0xff) +
                       static_cast<char>((size - 1) >> 8));
  test::write_text(folder / "file", block);
  const PositionedFile file(folder / "file");
  AccessMap map;
  CATCH_REQUIRE(map_bgzf(file, map));
  CATCH_REQUIRE(make_bgzf_cursor(file, map)->read(3, 9) == kText.substr(3, 6));
}

CATCH_TEST_CASE("gzip that is not BGZF has no blocks", "[bgzf_access]") {
  const test::TemporaryFolder folder;
  for (const std::string& bytes :
       {test::gzip_text(kText), test::bgzf_text(kText, 10) + test::gzip_text(kText),
        test::bgzf_text(kText, 10) + std::string(100, '\0')}) {
    test::write_text(folder / "file", bytes);
    AccessMap map;
    CATCH_REQUIRE_FALSE(map_bgzf(PositionedFile(folder / "file"), map));
  }
}

CATCH_TEST_CASE(
    "any bit flipped in a BGZF file behind its map is an error or leaves the bytes as they were",
    "[bgzf_access]") {
  const test::TemporaryFolder folder;
  const std::string good = test::bgzf_text(kText, 25);
  test::write_text(folder / "good", good);
  const PositionedFile good_file(folder / "good");
  AccessMap map;
  CATCH_REQUIRE(map_bgzf(good_file, map));
  for (const InflateLibrary library : inflate_libraries()) {
    const test::ChosenInflate chosen(library);
    int num_errors = 0;
    for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
      std::string bad = good;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
      test::write_text(folder / "bad", bad);
      const PositionedFile file(folder / "bad");
      const auto cursor = make_bgzf_cursor(file, map);
      std::string got = kText;
      try {
        got = cursor->read(0, kText.size());
      } catch (const ParseError&) {
        ++num_errors;
      }
      CATCH_REQUIRE(got == kText);
    }
    CATCH_REQUIRE(num_errors > static_cast<int>(4 * good.size()));
  }
}
