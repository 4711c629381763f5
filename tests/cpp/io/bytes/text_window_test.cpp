#include "deepbio/io/bytes/text_window.h"

#include "catch.h"
#include "io/bytes/gzip_text.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

CATCH_TEST_CASE("the window moves over the whole text in order", "[text_window]") {
  test::TemporaryFolder folder;
  std::string content;
  for (int i = 0; content.size() < 2'000'000; ++i) content += std::to_string(i) + "\n";
  test::write_text(folder / "file", content);
  TextWindow window(open_bytes(folder / "file"), uint64_t{1} << 20);
  std::string out;
  while (!window.text().empty() || window.more()) {
    CATCH_REQUIRE(window.offset() == static_cast<int64_t>(out.size()));
    const std::string_view text = window.text().substr(0, 300'001);
    out.append(text);
    window.drop(text.size());
  }
  CATCH_REQUIRE(out == content);
  CATCH_REQUIRE(window.is_end());
}

CATCH_TEST_CASE("the window grows to its limit and one byte more, not further", "[text_window]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "file", std::string(3'000'000, 'x'));
  TextWindow window(open_bytes(folder / "file"), 1'000'000);
  while (window.more()) {
  }
  CATCH_REQUIRE(window.text().size() == 1'000'001);
  CATCH_REQUIRE_FALSE(window.is_end());
}

CATCH_TEST_CASE("text before damage is given out, then the damage is told", "[text_window]") {
  test::TemporaryFolder folder;
  const std::string good = test::gzip_text("first");
  test::write_text(folder / "file", good + test::gzip_text("second").substr(0, 12));
  TextWindow window(open_bytes(folder / "file"), 1000);
  CATCH_REQUIRE(window.more());
  CATCH_REQUIRE(window.text().substr(0, 5) == "first");
  CATCH_REQUIRE_THROWS_AS(window.more(), ParseError);
  CATCH_REQUIRE_THROWS_AS(window.read_through(1000), ParseError);
}
