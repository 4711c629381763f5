#include "deepbio/io/bytes/positioned_file.h"

#include <array>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

CATCH_TEST_CASE("bytes at any place, fewer only at the end", "[positioned_file]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "file", "0123456789");
  const PositionedFile file(folder / "file");
  std::array<char, 8> out{};
  CATCH_REQUIRE(file.size() == 10);
  CATCH_REQUIRE(file.read(3, out.data(), 4) == 4);
  CATCH_REQUIRE(std::string(out.data(), 4) == "3456");
  CATCH_REQUIRE(file.read(8, out.data(), 8) == 2);
  CATCH_REQUIRE(file.read(10, out.data(), 8) == 0);
}

CATCH_TEST_CASE("what is absent or no regular file is refused", "[positioned_file]") {
  const test::TemporaryFolder folder;
  CATCH_REQUIRE_THROWS_AS(PositionedFile(folder / "absent"), MissingFileError);
  CATCH_REQUIRE_THROWS_AS(PositionedFile(folder.path()), MissingFileError);
}

CATCH_TEST_CASE("a file that was written to since is noticed", "[positioned_file]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "file", "some");
  const PositionedFile file(folder / "file");
  CATCH_REQUIRE_NOTHROW(file.check_in_place());
  test::write_text(folder / "file", "some more");
  CATCH_REQUIRE_THROWS_AS(file.check_unchanged(), ParseError);
}

CATCH_TEST_CASE("a file that was renamed over or removed is only no longer in place",
                "[positioned_file]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "file", "some");
  const PositionedFile file(folder / "file");
  test::write_text(folder / "other", "some");
  std::filesystem::rename(folder / "other", folder / "file");
  CATCH_REQUIRE_NOTHROW(file.check_unchanged());
  CATCH_REQUIRE_THROWS_AS(file.check_in_place(), ParseError);
  std::filesystem::remove(folder / "file");
  CATCH_REQUIRE_NOTHROW(file.check_unchanged());
  CATCH_REQUIRE_THROWS_AS(file.check_in_place(), ParseError);
}
