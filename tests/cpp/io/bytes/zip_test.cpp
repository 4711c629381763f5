#include "deepbio/io/bytes/zip.h"

#include "catch.h"
#include "io/bytes/zip_bytes.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

const test::Members kMembers{
    {"a/one.txt", std::string(5000, 'x') + "end"}, {"two", ""}, {"b/three", "123"}};

}  // namespace

CATCH_TEST_CASE("members are read by name, stored and deflated, in pieces and whole", "[zip]") {
  const test::TemporaryFolder folder;
  for (const bool compress : {false, true}) {
    test::write_text(folder / "a.zip", test::zip_of(kMembers, compress));
    CATCH_REQUIRE(is_zip(folder / "a.zip"));
    const ZipArchive archive(folder / "a.zip");
    CATCH_REQUIRE(archive.names() == std::vector<std::string>{"a/one.txt", "two", "b/three"});
    for (const auto& [name, bytes] : kMembers) CATCH_REQUIRE(archive.read(name) == bytes);
    const auto source = archive.open("b/three");
    char byte = 0;
    std::string pieces;
    while (source->read(&byte, 1) == 1) pieces += byte;
    CATCH_REQUIRE(pieces == "123");
    CATCH_REQUIRE(source->container() == Container::kZip);
    CATCH_REQUIRE(source->path() == folder / "a.zip");
  }
}

CATCH_TEST_CASE("a source outlives its archive", "[zip]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "a.zip", test::zip_of(kMembers));
  std::unique_ptr<ByteSource> source;
  {
    const ZipArchive archive(folder / "a.zip");
    source = archive.open("a/one.txt");
  }
  std::string bytes(6000, '\0');
  CATCH_REQUIRE(source->read(bytes.data(), bytes.size()) == 5003);
}

CATCH_TEST_CASE("what is no archive, no member or no zip is refused with the path", "[zip]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "text.zip", "PK\3\4 and nothing more");
  test::write_text(folder / "a.zip", test::zip_of(kMembers));

  CATCH_REQUIRE_THROWS_WITH(ZipArchive(folder / "text.zip"),
                            Catch::Contains("text.zip: expected a whole zip archive"));
  CATCH_REQUIRE_THROWS_WITH(ZipArchive(folder / "a.zip").open("none"),
                            Catch::Contains("a.zip: expected a member"));
  CATCH_REQUIRE_THROWS_AS(ZipArchive(folder / "absent.zip"), MissingFileError);
  CATCH_REQUIRE_THROWS_AS(ZipArchive(folder.path()), MissingFileError);
  CATCH_REQUIRE_FALSE(is_zip("-"));
  CATCH_REQUIRE_FALSE(is_zip(folder.path()));
  CATCH_REQUIRE_FALSE(is_zip(std::string(5000, 'a')));  // a name that no file can have
  CATCH_REQUIRE_FALSE(is_zip(folder / "absent.zip"));
}

CATCH_TEST_CASE("an archive damaged at any byte gives an error or the same bytes", "[zip]") {
  const test::TemporaryFolder folder;
  const test::Members members{{"a", "some text, some text, some more text"}, {"b", "1"}};
  const std::string good = test::zip_of(members);
  int64_t num_errors = 0;
  const auto check = [&](const std::string& bytes) {
    test::write_text(folder / "d.zip", bytes);
    try {
      const ZipArchive archive(folder / "d.zip");
      for (const auto& [name, text] : members) {
        const std::string again = archive.read(name);
        CATCH_REQUIRE(again == text);
      }
    } catch (const ParseError& error) {
      CATCH_REQUIRE(error.place().path == folder / "d.zip");
      ++num_errors;
    }
  };
  for (size_t at = 0; at < good.size(); ++at) {
    CATCH_CAPTURE(at);
    check(good.substr(0, at));
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(bytes[at] ^ flip);
      check(bytes);
    }
  }
  CATCH_REQUIRE(num_errors > static_cast<int64_t>(good.size()));
}

CATCH_TEST_CASE("a member whose bytes are damaged is named", "[zip]") {
  const test::TemporaryFolder folder;
  std::string bytes = test::zip_of({{"the/member", "0123456789"}}, false);
  bytes[bytes.find("4567")] = 'x';
  test::write_text(folder / "d.zip", bytes);
  const ZipArchive archive(folder / "d.zip");
  CATCH_REQUIRE_THROWS_WITH(archive.read("the/member"),
                            Catch::Contains("the/member") && Catch::Contains("CRC"));
}

CATCH_TEST_CASE("a member is bounded before it is unpacked, and by the size its archive states",
                "[zip]") {
  const test::TemporaryFolder folder;
  // 80 MiB of zeros in 80 kB.
  test::write_text(folder / "bomb.zip",
                   test::zip_of({{"zeros", std::string(size_t{80} << 20, '\0')}}));
  const ZipArchive bomb(folder / "bomb.zip");
  try {
    bomb.open("zeros");
    CATCH_FAIL("expected an error");
  } catch (const ParseError& error) {
    CATCH_REQUIRE(error.kind() == ErrorKind::kResource);
    CATCH_REQUIRE_THAT(error.what(), Catch::Contains("zeros of at most 250 times"));
  }
  // The same bytes behind a small claim.
  test::write_text(folder / "lie.zip",
                   test::zip_of({{"zeros", std::string(size_t{80} << 20, '\0')}}, true, 1000));
  CATCH_REQUIRE_THROWS_AS(ZipArchive(folder / "lie.zip").read("zeros"), ParseError);
}
