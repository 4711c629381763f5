#include "deepbio/io/bytes/mapped_file.h"

#include <filesystem>
#include <string_view>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

// More than a page, and every byte tells where it stands.
std::string content() {
  std::string out;
  for (int i = 0; i < 3000; ++i) out += std::to_string(i) + ' ';
  return out;
}

}  // namespace

CATCH_TEST_CASE("a mapped file shows its bytes, and a part of it mapped again is memory of its own",
                "[mapped_file]") {
  test::TemporaryFolder folder;
  const std::string text = content();
  test::write_text(folder / "file", text);
  const MappedFile file(folder / "file");
  CATCH_REQUIRE(file.bytes() == text);
  for (const size_t offset : {size_t{0}, size_t{1}, size_t{4095}, size_t{4096}, size_t{9001}}) {
    const auto parts = file.map_again({{offset, 3000}, {offset + 7, 2000}});
    const std::shared_ptr<char> part = parts[0], other = file.map_again({{offset, 3000}})[0];
    CATCH_REQUIRE(std::string_view(parts[1].get(), 2000) ==
                  std::string_view(text).substr(offset + 7, 2000));
    CATCH_REQUIRE(std::string_view(part.get(), 3000) ==
                  std::string_view(text).substr(offset, 3000));
    part.get()[9] = '#';
    CATCH_REQUIRE(parts[1].get()[2] == text[offset + 9]);
    CATCH_REQUIRE(std::string_view(other.get(), 3000) ==
                  std::string_view(text).substr(offset, 3000));
    CATCH_REQUIRE(file.bytes() == text);
    CATCH_REQUIRE(test::read_text(folder / "file") == text);
  }
  CATCH_REQUIRE(*file.map_again({{text.size() - 1, 1}})[0] == ' ');
  CATCH_REQUIRE_THROWS_AS(file.map_again({{0, 1}, {text.size() - 1, 2}}), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(file.map_again({{text.size() + 1, 1}}), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(file.map_again({{0, 0}}), ArgumentError);
}

CATCH_TEST_CASE("a removed or replaced file is still there for who has mapped it",
                "[mapped_file]") {
  test::TemporaryFolder folder;
  const std::string text = content();
  test::write_text(folder / "file", text);
  const MappedFile file(folder / "file");
  const std::shared_ptr<char> part = file.map_again({{10, 20}})[0];
  test::write_text(folder / "other", "another");
  std::filesystem::rename(std::string(folder / "other"), std::string(folder / "file"));
  file.check_unchanged();
  CATCH_REQUIRE(file.map_again({{10, 20}}).empty());
  std::filesystem::remove(std::string(folder / "file"));
  file.check_unchanged();
  CATCH_REQUIRE(file.map_again({{10, 20}}).empty());
  CATCH_REQUIRE(file.bytes() == text);
  CATCH_REQUIRE(std::string_view(part.get(), 20) == std::string_view(text).substr(10, 20));
}

CATCH_TEST_CASE("a file that is kept open is mapped again after its removal", "[mapped_file]") {
  test::TemporaryFolder folder;
  const std::string text = content();
  test::write_text(folder / "file", text);
  const MappedFile file(folder / "file", true);
  std::filesystem::remove(std::string(folder / "file"));
  file.check_unchanged();
  const auto parts = file.map_again({{5000, 4000}});
  CATCH_REQUIRE(std::string_view(parts.at(0).get(), 4000) ==
                std::string_view(text).substr(5000, 4000));
}

CATCH_TEST_CASE("a file that was cut short is refused before it is looked at", "[mapped_file]") {
  for (const bool is_kept_open : {false, true}) {
    test::TemporaryFolder folder;
    test::write_text(folder / "file", content());
    const MappedFile file(folder / "file", is_kept_open);
    std::filesystem::resize_file(std::string(folder / "file"), 100);
    CATCH_REQUIRE_THROWS_AS(file.check_unchanged(), ParseError);
    CATCH_REQUIRE_THROWS_WITH(file.map_again({{0, 10}}), Catch::Contains("now of 100 bytes"));
  }
}

CATCH_TEST_CASE("what cannot be mapped is said", "[mapped_file]") {
  test::TemporaryFolder folder;
  CATCH_REQUIRE_THROWS_AS(MappedFile(folder / "none"), MissingFileError);
  CATCH_REQUIRE_THROWS_AS(MappedFile(folder / "."), MissingFileError);
  test::write_text(folder / "empty", "");
  CATCH_REQUIRE_THROWS_AS(MappedFile(folder / "empty"), ParseError);
}
