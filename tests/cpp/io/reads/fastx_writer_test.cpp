#include "deepbio/io/reads/fastx_writer.h"

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

std::vector<Record> many_records(Format format, size_t count) {
  std::vector<Record> out;
  for (size_t i = 0; i < count; ++i) {
    Record record;
    record.name = "read" + std::to_string(i);
    if (i % 3 == 0) record.description = "1:N:0:\tlane  " + std::to_string(i);
    for (size_t j = 0; j < (i * 37) % 301; ++j) record.sequence += "ACGTNacgt-"[(i * j + j) % 10];
    record.has_quality = format == Format::kFastq;
    if (record.has_quality)
      record.quality = std::string(record.sequence.size(), static_cast<char>('!' + i % 94));
    out.push_back(record);
  }
  return out;
}

void check_round_trip(const std::string& path, const std::vector<Record>& records,
                      FastxWriterOptions options) {
  FastxWriter writer(path, options);
  for (const Record& record : records) writer.write(record);
  writer.commit();
  FastxReader reader(path);
  Record got;
  for (const Record& record : records) {
    CATCH_REQUIRE(reader.next(got));
    CATCH_REQUIRE(got.name == record.name);
    CATCH_REQUIRE(got.description == record.description);
    CATCH_REQUIRE(got.sequence == record.sequence);
    CATCH_REQUIRE(got.quality == record.quality);
  }
  CATCH_REQUIRE_FALSE(reader.next(got));
  CATCH_REQUIRE(reader.container() == options.container);
}

uint64_t little_endian(const std::string& bytes, size_t at, size_t size) {
  uint64_t out = 0;
  for (size_t i = 0; i < size; ++i)
    out |= uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  return out;
}

}  // namespace

CATCH_TEST_CASE(
    "records read back as they were written, in every format, container, level and width",
    "[writer]") {
  test::TemporaryFolder folder;
  for (const Format format : {Format::kFasta, Format::kFastq}) {
    const auto records = many_records(format, 700);
    for (const Container container : {Container::kPlain, Container::kGzip, Container::kBgzf}) {
      for (const int level : {0, 1, 9}) {
        FastxWriterOptions options;
        options.format = format;
        options.container = container;
        options.level = level;
        options.width = level == 1 ? 60 : 0;
        check_round_trip(folder / "reads", records, options);
      }
    }
  }
}

CATCH_TEST_CASE("a BGZF file ends in the empty block and its .gzi names where each block begins",
                "[writer]") {
  test::TemporaryFolder folder;
  FastxWriterOptions options;
  options.container = Container::kBgzf;
  options.write_block_index = true;
  check_round_trip(folder / "reads", many_records(Format::kFastq, 2000), options);
  const std::string bytes = test::read_text(folder / "reads"),
                    index = test::read_text(folder / "reads.gzi");
  const std::string end("\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0\x1b\0\x03\0\0\0\0\0\0\0\0\0",
                        28);
  CATCH_REQUIRE(bytes.substr(bytes.size() - 28) == end);
  uint64_t at = 0, data = 0, entry = 0;
  while (true) {
    at += little_endian(bytes, at + 16, 2) + 1;
    data += little_endian(bytes, at - 4, 4);
    if (at + 28 == bytes.size()) break;
    CATCH_REQUIRE(little_endian(index, 8 + 16 * entry, 8) == at);
    CATCH_REQUIRE(little_endian(index, 16 + 16 * entry, 8) == data);
    ++entry;
  }
  CATCH_REQUIRE(little_endian(index, 0, 8) == entry);
  CATCH_REQUIRE(index.size() == 8 + 16 * entry);
}

CATCH_TEST_CASE("a record that would not read back is refused and leaves the file as it was",
                "[writer]") {
  test::TemporaryFolder folder;
  FastxWriter writer(folder / "reads");
  const Record good{"a", "b", "ACGT", "IIII", true};
  writer.write(good);
  for (const Record& bad : {Record{"a b", "", "A", "I", true}, Record{"a", "b\nc", "A", "I", true},
                            Record{"a", "", "A\n", "II", true}, Record{"a", "", "AC", "I", true},
                            Record{"a", "", "AC", "I ", true}, Record{"a", "", "A1", "II", true}}) {
    CATCH_REQUIRE_THROWS_AS(writer.write(bad), ArgumentError);
  }
  writer.commit();
  CATCH_REQUIRE(test::read_text(folder / "reads") == "@a b\nACGT\n+\nIIII\n");
  CATCH_REQUIRE_THROWS_AS(writer.write(good), WriteError);
}

CATCH_TEST_CASE("without commit nothing appears, and options that do not fit are refused",
                "[writer]") {
  test::TemporaryFolder folder;
  { FastxWriter(folder / "reads").write({"a", "", "A", "I", true}); }
  CATCH_REQUIRE_FALSE(std::filesystem::exists(folder / "reads"));
  FastxWriterOptions options;
  options.level = 10;
  CATCH_REQUIRE_THROWS_AS(FastxWriter(folder / "reads", options), ArgumentError);
  options.level = 6;
  options.write_block_index = true;
  CATCH_REQUIRE_THROWS_AS(FastxWriter(folder / "reads", options), ArgumentError);
}
