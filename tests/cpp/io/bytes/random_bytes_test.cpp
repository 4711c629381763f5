#include "deepbio/io/bytes/random_bytes.h"

#include <random>

#include "catch.h"
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

}  // namespace

CATCH_TEST_CASE("any range of a plain, gzip or BGZF file is what stands there", "[random_bytes]") {
  const test::TemporaryFolder folder;
  const std::string text = noisy_text(5000000);  // several access points in one gzip member
  struct Case {
    Container container;
    std::string bytes;
  };
  for (const Case& item :
       {Case{Container::kPlain, text}, Case{Container::kGzip, test::gzip_text(text)},
        Case{Container::kGzip, test::gzip_text(text.substr(0, 70000)) + test::gzip_text("") +
                                   test::gzip_text(text.substr(70000))},
        Case{Container::kBgzf, test::bgzf_text(text, 60000)}}) {
    test::write_text(folder / "file", item.bytes);
    const PositionedFile file(folder / "file");
    const AccessMap map = map_access(file, item.container);
    CATCH_REQUIRE(map.data_bytes == text.size());
    const auto cursor = make_cursor(file, map);
    std::mt19937 random(4);
    for (int i = 0; i < 60; ++i) {
      const size_t begin = random() % text.size(), size = random() % 90000;
      const size_t end = std::min(begin + size, text.size());
      CATCH_REQUIRE((cursor->read(begin, end) == text.substr(begin, end - begin)));
    }
    CATCH_REQUIRE_THROWS_AS(cursor->read(0, text.size() + 1), ParseError);
    CATCH_REQUIRE_THROWS_AS(cursor->read(5, 4), ParseError);
  }
}

CATCH_TEST_CASE("blocks of BGZF beside gzip members of other kinds are read as gzip",
                "[random_bytes]") {
  const test::TemporaryFolder folder;
  const std::string text = noisy_text(200000);
  test::write_text(folder / "file", test::bgzf_text(text, 60000) + test::gzip_text(text));
  const PositionedFile file(folder / "file");
  const AccessMap map = map_access(file, Container::kBgzf);
  CATCH_REQUIRE(map.container == Container::kGzip);
  CATCH_REQUIRE(
      (make_cursor(file, map)->read(199000, 201000) == (text + text).substr(199000, 2000)));
}
