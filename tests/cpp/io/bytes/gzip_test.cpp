#include "deepbio/io/bytes/gzip.h"

#include "catch.h"
#include "io/bytes/gzip_text.h"

using namespace deepbio;
using namespace deepbio::io;
using deepbio::test::gzip_text;

namespace {

// Reads in pieces of the given size.
std::string inflated(const std::string& bytes, size_t piece = 1 << 16) {
  test::TemporaryFolder folder;
  test::write_text(folder / "file", bytes);
  GzipSource source(std::make_unique<RawInput>(folder / "file"));
  std::string out, buffer(piece, '\0');
  while (const size_t got = source.read(buffer.data(), piece)) out.append(buffer, 0, got);
  return out;
}

std::string failure(const std::string& bytes) {
  try {
    inflated(bytes);
  } catch (const ParseError& error) {
    CATCH_REQUIRE(error.kind() == ErrorKind::kContainer);
    return error.what();
  }
  return "no error";
}

// The same member with a BC extra field (BGZF); block_bytes is what BSIZE says, 0 for the truth.
std::string bgzf_block(const std::string& text, size_t block_bytes = 0) {
  const std::string plain = gzip_text(text);
  if (block_bytes == 0) block_bytes = plain.size() + 8;
  std::string out = plain.substr(0, 10);
  out[3] = 4;
  out += std::string("\6\0BC\2\0", 6);
  out += static_cast<char>((block_bytes - 1) & 0xff);
  out += static_cast<char>((block_bytes - 1) >> 8);
  return out + plain.substr(10);
}

}  // namespace

CATCH_TEST_CASE("members come out as one text, in pieces of any size", "[gzip]") {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += std::to_string(i * 7919) + "\n";
  const std::string bytes = gzip_text(text) + gzip_text("") + gzip_text("end");
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{4096}, size_t{1} << 20}) {
    CATCH_REQUIRE(inflated(bytes, piece) == text + "end");
  }
  CATCH_REQUIRE(inflated(gzip_text("")).empty());
}

CATCH_TEST_CASE("zero bytes after the last member are padding, other bytes are damage", "[gzip]") {
  const std::string bytes = gzip_text("text");
  CATCH_REQUIRE(inflated(bytes + std::string(700000, '\0')) == "text");
  CATCH_REQUIRE_THAT(failure(bytes + "x"), Catch::Contains("expected"));
  CATCH_REQUIRE_THAT(failure(bytes + "xyz"), Catch::Contains("another gzip member"));
  CATCH_REQUIRE_THAT(failure(bytes + std::string(3, '\0') + "x"),
                     Catch::Contains("zero bytes up to the end"));
}

CATCH_TEST_CASE("name, comment, extra field and header CRC are read over and checked", "[gzip]") {
  const std::string plain = gzip_text("text");
  std::string head = plain.substr(0, 10);
  head[3] = 2 | 4 | 8 | 16;
  head += std::string("\3\0abc", 5) + std::string("name\0", 5) + std::string("comment\0", 8);
  const auto crc =
      crc32(0, reinterpret_cast<const Bytef*>(head.data()), static_cast<uInt>(head.size()));
  const std::string stored{static_cast<char>(crc & 0xff), static_cast<char>((crc >> 8) & 0xff)};
  CATCH_REQUIRE(inflated(head + stored + plain.substr(10)) == "text");
  const std::string wrong{static_cast<char>(~stored[0]), stored[1]};
  CATCH_REQUIRE_THAT(failure(head + wrong + plain.substr(10)), Catch::Contains("header CRC"));
}

CATCH_TEST_CASE("each kind of damage has its own message", "[gzip]") {
  const std::string good = gzip_text("some text to pack, some text to pack");
  const auto with = [&good](size_t at, int change) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ change);
    return bytes;
  };
  CATCH_REQUIRE_THAT(failure(with(2, 1)), Catch::Contains("method 8"));
  CATCH_REQUIRE_THAT(failure(with(3, 0x80)), Catch::Contains("reserved flags"));
  CATCH_REQUIRE_THAT(failure(with(good.size() - 8, 1)), Catch::Contains("CRC-32"));
  CATCH_REQUIRE_THAT(failure(with(good.size() - 4, 1)), Catch::Contains("length"));
  CATCH_REQUIRE_THAT(failure(good.substr(0, 6)), Catch::Contains("rest of a gzip header"));
  CATCH_REQUIRE_THAT(failure(good.substr(0, 15)), Catch::Contains("rest of a gzip member"));
  CATCH_REQUIRE_THAT(failure(good.substr(0, good.size() - 1)), Catch::Contains("gzip trailer"));
}

CATCH_TEST_CASE("BGZF is told from gzip and its block sizes are checked", "[gzip]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "file", bgzf_block("text"));
  CATCH_REQUIRE(GzipSource(std::make_unique<RawInput>(folder / "file")).container() ==
                Container::kBgzf);
  CATCH_REQUIRE(inflated(bgzf_block("AC") + bgzf_block("GT") + bgzf_block("")) == "ACGT");
  CATCH_REQUIRE_THAT(failure(bgzf_block("text", 300)), Catch::Contains("BSIZE for 300"));
}

CATCH_TEST_CASE("damage is told again by every later read", "[gzip]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "file", gzip_text("text").substr(0, 20));
  GzipSource source(std::make_unique<RawInput>(folder / "file"));
  char out[64];
  const auto read_to_end = [&] {
    while (source.read(out, sizeof(out)) > 0) {
    }
  };
  CATCH_REQUIRE_THROWS_AS(read_to_end(), ParseError);
  CATCH_REQUIRE_THROWS_AS(source.read(out, 1), ParseError);
}
