#include "deepbio/io/random_bytes.h"

#include <random>

#include "catch.h"
#include "io/gzip_text.h"

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

}  // namespace

CATCH_TEST_CASE("any range of a plain, gzip or BGZF file is what stands there", "[random_bytes]") {
  const test::TemporaryFolder folder;
  const std::string text = noisy_text(5000000);  // several access points in one gzip member
  struct Case {
    Container container;
    std::string bytes;
  };
  for (const Case& item : {Case{Container::kPlain, text}, Case{Container::kGzip, test::gzip_text(text)},
                           Case{Container::kGzip, test::gzip_text(text.substr(0, 70000)) + test::gzip_text("") +
                                                      test::gzip_text(text.substr(70000))},
                           Case{Container::kBgzf, test::bgzf_text(text, 60000)}}) {
    test::write_text(folder / "file", item.bytes);
    const PositionedFile file(folder / "file");
    const AccessMap map = map_access(file, item.container);
    CATCH_REQUIRE(map.data_bytes == text.size());
    RandomCursor cursor(file, map);
    std::mt19937 random(4);
    std::string got;
    for (int i = 0; i < 60; ++i) {
      const size_t begin = random() % text.size(), size = random() % 90000;
      const size_t end = std::min(begin + size, text.size());
      cursor.read(begin, end, got);
      CATCH_REQUIRE((got == text.substr(begin, end - begin)));
    }
    CATCH_REQUIRE_THROWS_AS(cursor.read(0, text.size() + 1, got), ParseError);
    CATCH_REQUIRE_THROWS_AS(cursor.read(5, 4, got), ParseError);
  }
}

CATCH_TEST_CASE("a gzip file is entered about every mebibyte", "[random_bytes]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "file", test::gzip_text(noisy_text(8 << 20)));
  const PositionedFile file(folder / "file");
  const AccessMap map = map_access(file, Container::kGzip);
  CATCH_REQUIRE(map.points.size() >= 6);
  CATCH_REQUIRE(map.points.size() <= 10);
}

CATCH_TEST_CASE("a file that was written to since is noticed", "[random_bytes]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "file", "some");
  const PositionedFile file(folder / "file");
  CATCH_REQUIRE_NOTHROW(file.check_unchanged());
  test::write_text(folder / "file", "some more");
  CATCH_REQUIRE_THROWS_AS(file.check_unchanged(), ParseError);
}
