#include "deepbio/io/bytes/gzip_access.h"

#include <algorithm>
#include <random>

#include "catch.h"
#include "io/bytes/chosen_inflate.h"
#include "io/bytes/gzip_text.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

std::string noisy_text(size_t size) {
  std::mt19937 random(9);
  std::string out;
  while (out.size() < size) out += "ACGT\n"[random() % 5];
  return out;
}

std::string read_through(const PositionedFile& file, AccessMap& map, size_t piece) {
  const auto source = map_while_reading(file, map);
  std::string out, part(piece, '\0');
  while (const size_t got = source->read(part.data(), piece)) out.append(part, 0, got);
  return out;
}

}  // namespace

CATCH_TEST_CASE("a gzip file is read and mapped at once, the same for any size of reads",
                "[gzip_access]") {
  const test::TemporaryFolder folder;
  const std::string text = noisy_text(8 << 20);
  test::write_text(folder / "file", test::gzip_text(text) + test::gzip_text("") +
                                        test::gzip_text("ACGT") + std::string(70000, '\0'));
  const PositionedFile file(folder / "file");
  for (const size_t piece : {size_t{977}, size_t{65536}, size_t{3} << 20}) {
    AccessMap map;
    CATCH_REQUIRE((read_through(file, map, piece) == text + "ACGT"));
    CATCH_REQUIRE(map.container == Container::kGzip);
    CATCH_REQUIRE(map.data_bytes == text.size() + 4);
    CATCH_REQUIRE(map.points.size() >= 11 + 2);  // about two a mebibyte, and the two members behind
    CATCH_REQUIRE(map.points.size() <= 18 + 2);
    const auto cursor = make_gzip_cursor(file, map);
    for (const size_t begin :
         {text.size() - 5, size_t{0}, size_t{5} << 20, (size_t{5} << 20) + 7, size_t{1} << 20}) {
      CATCH_REQUIRE((cursor->read(begin, begin + 9) == (text + "ACGT").substr(begin, 9)));
    }
  }
}

CATCH_TEST_CASE("each kind of block can be entered, whichever library made the map",
                "[gzip_access]") {
  const test::TemporaryFolder folder;
  const std::string text = noisy_text(5 << 20);
  for (const InflateLibrary library : inflate_libraries()) {
    const test::ChosenInflate chosen(library);
    for (const auto& [level, strategy] : {std::pair{0, Z_DEFAULT_STRATEGY},
                                          {1, Z_DEFAULT_STRATEGY},
                                          {9, Z_DEFAULT_STRATEGY},
                                          {6, Z_FIXED},
                                          {6, Z_HUFFMAN_ONLY}}) {
      test::write_text(folder / "file", test::gzip_text(text, level, strategy));
      const PositionedFile file(folder / "file");
      AccessMap map;
      CATCH_CAPTURE(to_string(library), level, strategy);
      CATCH_REQUIRE((read_through(file, map, size_t{1} << 18) == text));
      CATCH_REQUIRE(map.points.size() >= 3);
      const auto cursor = make_gzip_cursor(file, map);
      for (size_t i = map.points.size(); i-- > 0;) {  // backwards, so that each is entered
        const uint64_t begin = map.points[i].data_offset;
        const uint64_t end = std::min<uint64_t>(begin + 100, text.size());
        CATCH_REQUIRE((cursor->read(begin, end) == text.substr(begin, 100)));
      }
    }
  }
}

CATCH_TEST_CASE("a gzip file with any bit flipped or cut anywhere is not mapped as a whole one",
                "[gzip_access]") {
  const test::TemporaryFolder folder;
  const std::string text = "@a x\nACGTACGTTTGA\n+\nIIIIIIII####\n", good = test::gzip_text(text);
  int num_errors = 0;
  for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    test::write_text(folder / "file", bad);
    const PositionedFile file(folder / "file");
    AccessMap map;
    // Kept by an error, or by a bit of the header that says nothing: time, system.
    std::string got = text;
    try {
      got = read_through(file, map, 100);
    } catch (const ParseError&) {
      ++num_errors;
    }
    CATCH_REQUIRE(got == text);
  }
  CATCH_REQUIRE(num_errors > static_cast<int>(7 * (good.size() - 10)));
  for (size_t size = 0; size < good.size(); ++size) {
    test::write_text(folder / "file", good + good.substr(0, size));
    const PositionedFile file(folder / "file");
    AccessMap map;
    if (size == 0) {
      CATCH_REQUIRE(read_through(file, map, 100) == text);
    } else {
      CATCH_REQUIRE_THROWS_AS(read_through(file, map, 100), ParseError);
    }
  }
  test::write_text(folder / "file", good + std::string(9, '\0') + "x");
  const PositionedFile file(folder / "file");
  AccessMap map;
  CATCH_REQUIRE_THROWS_AS(read_through(file, map, 100), ParseError);
}
