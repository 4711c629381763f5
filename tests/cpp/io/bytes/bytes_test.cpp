#include "deepbio/io/bytes/bytes.h"

#include "catch.h"
#include "io/bytes/gzip_text.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;
using deepbio::test::gzip_text;

CATCH_TEST_CASE("content decides about gzip, not the name", "[bytes]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "plain.gz", "text");
  test::write_text(folder / "packed.txt", gzip_text("text"));
  CATCH_REQUIRE(open_bytes(folder / "plain.gz")->container() == Container::kPlain);
  CATCH_REQUIRE(open_bytes(folder / "packed.txt")->container() == Container::kGzip);
  CATCH_REQUIRE(read_all(folder / "plain.gz") == "text");
  CATCH_REQUIRE(read_all(folder / "packed.txt") == "text");
  CATCH_REQUIRE(open_bytes(folder / "plain.gz")->path() == folder / "plain.gz");
}

CATCH_TEST_CASE("an empty file is no bytes", "[bytes]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "empty", "");
  char byte = 0;
  CATCH_REQUIRE(open_bytes(folder / "empty")->read(&byte, 1) == 0);
  CATCH_REQUIRE(read_all(folder / "empty").empty());
}

CATCH_TEST_CASE("other compressions are named in the error", "[bytes]") {
  test::TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> files{
      {std::string("\xfd\x37zXZ\0\0", 7), "xz"},
      {"BZh91AY&SY123456", "bzip2"},
      {std::string("PK\3\4\x14\0", 6), "zip"},
      {std::string("\x04\x22\x4d\x18", 4), "lz4"},
      {"LZIP\1rest", "lzip"},
  };
  for (const auto& [bytes, name] : files) {
    test::write_text(folder / "file", bytes);
    try {
      open_bytes(folder / "file");
      CATCH_FAIL("no error for " << name);
    } catch (const ParseError& error) {
      CATCH_REQUIRE(error.got().find(name) != std::string::npos);
    }
  }
  test::write_text(folder / "file", "BZh9 is text here");
  CATCH_REQUIRE(read_all(folder / "file") == "BZh9 is text here");
}

CATCH_TEST_CASE("a missing file and a folder are missing files by name", "[bytes]") {
  test::TemporaryFolder folder;
  CATCH_REQUIRE_THROWS_AS(open_bytes(folder / "absent"), MissingFileError);
  CATCH_REQUIRE_THROWS_AS(read_all(folder.path()), MissingFileError);
}

CATCH_TEST_CASE("reading all stops at the limit, plain and gzip", "[bytes]") {
  test::TemporaryFolder folder;
  const std::string text(300000, 'x');
  test::write_text(folder / "plain", text);
  test::write_text(folder / "packed", gzip_text(text));
  for (const std::string& path : {folder / "plain", folder / "packed"}) {
    CATCH_REQUIRE(read_all(path, 300000) == text);
    try {
      read_all(path, 299999);
      CATCH_FAIL("no error");
    } catch (const ParseError& error) {
      CATCH_REQUIRE(error.kind() == ErrorKind::kResource);
    }
  }
}
