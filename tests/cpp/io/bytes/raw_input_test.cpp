#include "deepbio/io/bytes/raw_input.h"

#include <algorithm>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

CATCH_TEST_CASE("peeking shows bytes that reading then gives, and the offset counts them",
                "[raw_input]") {
  test::TemporaryFolder folder;
  std::string content;
  for (int i = 0; content.size() < 3 * RawInput::kBufferBytes; ++i)
    content += std::to_string(i) + ",";
  test::write_text(folder / "file", content);
  RawInput input(folder / "file");
  std::string out, piece(50000, '\0');
  for (size_t step = 0;; ++step) {
    const std::string_view ahead = input.peek(1 + step % 3000);
    if (ahead.empty()) break;
    CATCH_REQUIRE(content.compare(out.size(), ahead.size(), ahead) == 0);
    if (step % 2 == 0) {
      const size_t size = std::min<size_t>(ahead.size(), 1000);
      out.append(ahead.substr(0, size));
      input.skip(size);
    } else {
      const size_t got = input.read(piece.data(), piece.size());
      out.append(piece, 0, got);
    }
    CATCH_REQUIRE(input.offset() == static_cast<int64_t>(out.size()));
  }
  CATCH_REQUIRE(out == content);
  CATCH_REQUIRE(input.read(piece.data(), piece.size()) == 0);
}

CATCH_TEST_CASE("a peek past the end shows what is left", "[raw_input]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "file", "abc");
  RawInput input(folder / "file");
  CATCH_REQUIRE(input.peek(100) == "abc");
  input.skip(2);
  CATCH_REQUIRE(input.peek(2) == "c");
  CATCH_REQUIRE(input.path() == folder / "file");
}

CATCH_TEST_CASE("absent files and folders cannot be opened", "[raw_input]") {
  test::TemporaryFolder folder;
  CATCH_REQUIRE_THROWS_AS(RawInput(folder / "absent"), MissingFileError);
  CATCH_REQUIRE_THROWS_AS(RawInput(folder.path()), MissingFileError);
}

CATCH_TEST_CASE("a file that is open already is read from its beginning to its end",
                "[raw_input]") {
  const test::TemporaryFolder folder;
  const std::string text(RawInput::kBufferBytes + 10, 'x');
  test::write_text(folder / "file", text + "end");
  const PositionedFile file(folder / "file");
  RawInput input(file);
  CATCH_REQUIRE(input.path() == folder / "file");
  CATCH_REQUIRE(input.peek(3).substr(0, 3) == "xxx");
  std::string out, part(100000, '\0');
  while (const size_t got = input.read(part.data(), part.size())) out.append(part, 0, got);
  CATCH_REQUIRE((out == text + "end"));
  CATCH_REQUIRE(input.offset() == static_cast<int64_t>(out.size()));
}
