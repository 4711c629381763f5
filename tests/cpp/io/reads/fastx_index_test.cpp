#include "deepbio/io/reads/fastx_index.h"

#include "catch.h"
#include "io/bytes/gzip_text.h"
#include <zlib.h>

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

std::string reads(int64_t count) {
  std::string text;
  for (int64_t i = 0; i < count; ++i) {
    const std::string letters(static_cast<size_t>(i % 40), 'A');
    text += "@r" + std::to_string(i) + "\n" + letters + "\n+\n" + std::string(letters.size(), 'I') +
            "\n";
  }
  return text;
}

// The index with one 64-bit field of its header set and its CRC made right again.
std::string with_field(std::string index, size_t field, uint64_t value) {
  for (size_t i = 0; i < 8; ++i)
    index[8 + 8 * field + i] = static_cast<char>(value >> (8 * i) & 0xff);
  const size_t size = index.size() - 4;
  const auto crc = crc32(0, reinterpret_cast<const Bytef*>(index.data()), static_cast<uInt>(size));
  for (size_t i = 0; i < 4; ++i) index[size + i] = static_cast<char>(crc >> (8 * i) & 0xff);
  return index;
}

}  // namespace

CATCH_TEST_CASE("spans cover the data without gaps and begin where the reader says", "[index]") {
  const test::TemporaryFolder folder;
  for (const int64_t count : {1, 63, 64, 65, 1000}) {
    const std::string text = reads(count);
    for (const std::string& bytes : {text, test::gzip_text(text), test::bgzf_text(text, 300)}) {
      test::write_text(folder / "reads", bytes);
      const FastxIndex index = FastxIndex::open_or_build(folder / "reads");
      CATCH_REQUIRE(index.size() == count);
      FastxReader reader(folder / "reads");
      uint64_t end = 0;
      int64_t bases = 0, i = 0;
      for (RecordView record; reader.next(record); ++i) {
        CATCH_REQUIRE(index.span(i).begin == static_cast<uint64_t>(record.offset_bytes));
        CATCH_REQUIRE(index.span(i).begin == end);
        end = index.span(i).end;
        bases += static_cast<int64_t>(record.sequence.size());
      }
      CATCH_REQUIRE(end == text.size());
      CATCH_REQUIRE(index.num_bases() == bases);
      CATCH_REQUIRE_THROWS_AS(index.span(count), ArgumentError);
      CATCH_REQUIRE_THROWS_AS(index.span(-1), ArgumentError);
    }
  }
}

CATCH_TEST_CASE(
    "an index is built once, found again, small, and kept in the cache folder when one is given",
    "[index]") {
  const test::TemporaryFolder folder, cache;
  test::write_text(folder / "reads.fq", reads(20000));
  IndexOptions options;
  CATCH_REQUIRE(FastxIndex::open_or_build(folder / "reads.fq", options).was_built());
  const FastxIndex again = FastxIndex::open_or_build(folder / "reads.fq", options);
  CATCH_REQUIRE_FALSE(again.was_built());
  CATCH_REQUIRE(again.num_index_bytes() <= 3 * 20000);
  options.cache_dir = cache.path();
  CATCH_REQUIRE(
      FastxIndex::index_path(folder / "reads.fq", options.cache_dir).starts_with(cache.path()));
  CATCH_REQUIRE(FastxIndex::open_or_build(folder / "reads.fq", options).was_built());
}

CATCH_TEST_CASE("an index that tells of more data than its file can hold is built again",
                "[index]") {
  const test::TemporaryFolder folder;
  constexpr size_t kDataBytesField = 9;
  for (const std::string& bytes : {reads(100), test::gzip_text(reads(100))}) {
    test::write_text(folder / "reads", bytes);
    FastxIndex::open_or_build(folder / "reads");
    const std::string good = test::read_text(folder / "reads.dbx");
    test::write_text(folder / "reads.dbx", with_field(good, kDataBytesField, uint64_t{1} << 60));
    CATCH_REQUIRE(FastxIndex::open_or_build(folder / "reads").was_built());
    CATCH_REQUIRE(test::read_text(folder / "reads.dbx") == good);
  }
}

CATCH_TEST_CASE("a file renamed over between opening and indexing is noticed", "[index]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "reads.fq", reads(10));
  const PositionedFile file(folder / "reads.fq");
  test::write_text(folder / "other", reads(10));
  std::filesystem::rename(folder / "other", folder / "reads.fq");
  CATCH_REQUIRE_THROWS_AS(FastxIndex::open_or_build(file), ParseError);
  CATCH_REQUIRE_FALSE(std::filesystem::exists(folder / "reads.fq.dbx"));
  CATCH_REQUIRE_NOTHROW(FastxIndex::open_or_build(folder / "reads.fq"));
}

CATCH_TEST_CASE("an index built by several threads is the same", "[index]") {
  const test::TemporaryFolder folder;
  const std::string text = reads(30000);
  for (const std::string& bytes : {text, test::gzip_text(text), test::bgzf_text(text, 30000)}) {
    test::write_text(folder / "reads", bytes);
    FastxIndex::open_or_build(folder / "reads");
    const std::string expected = test::read_text(folder / "reads.dbx");
    std::filesystem::remove(folder / "reads.dbx");
    IndexOptions options;
    options.num_threads = 3;
    CATCH_REQUIRE(FastxIndex::open_or_build(folder / "reads", options).was_built());
    CATCH_REQUIRE((test::read_text(folder / "reads.dbx") == expected));
  }
}

CATCH_TEST_CASE("a damaged gzip file has the same error when it is indexed as when it is read",
                "[index]") {
  const test::TemporaryFolder folder;
  const std::string good = test::gzip_text(reads(200));
  const auto message = [](const auto& action) {
    try {
      action();
    } catch (const ParseError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  for (size_t at = 2; at < good.size(); at += 3) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    test::write_text(folder / "reads", at % 2 == 0 ? bad : good.substr(0, at));
    const std::string read = message([&] {
      FastxReader reader(folder / "reads");
      for (RecordView record; reader.next(record);) continue;
    });
    CATCH_INFO(at);
    CATCH_REQUIRE(message([&] { FastxIndex::open_or_build(folder / "reads"); }) == read);
    std::filesystem::remove(folder / "reads.dbx");
  }
}

CATCH_TEST_CASE("a bad record or standard input has no index", "[index]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "reads.fq", reads(10) + "@x\nAC\n+\nI\n");
  CATCH_REQUIRE_THROWS_AS(FastxIndex::open_or_build(folder / "reads.fq"), ParseError);
  CATCH_REQUIRE_THROWS_AS(FastxIndex::open_or_build("-"), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(FastxIndex::open_or_build(folder / "absent"), MissingFileError);
}
