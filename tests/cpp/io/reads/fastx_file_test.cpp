#include "deepbio/io/reads/fastx_file.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <thread>

#include "catch.h"
#include "io/bytes/gzip_text.h"

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"
#include "deepbio/io/reads/fastx_writer.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

RecordBatch stream(const std::string& path) {
  RecordBatch out;
  FastxReader(path).read(out, INT64_MAX);
  return out;
}

bool same(const RecordBatch& a, int64_t i, const RecordBatch& b, int64_t j) {
  return a.name(i) == b.name(j) && a.description(i) == b.description(j) &&
         a.sequence(i) == b.sequence(j) && a.quality(i) == b.quality(j);
}

// Every record, once in a scattered order and once backwards with repeats; "" when all are as
// streamed.
std::string difference(const FastxFile& file, const RecordBatch& expected) {
  if (file.size() != expected.size()) return "size " + std::to_string(file.size());
  std::vector<int64_t> order(static_cast<size_t>(file.size()));
  std::iota(order.rbegin(), order.rend(), 0);
  for (size_t i = 0; i < order.size(); i += 2) std::swap(order[i], order[order.size() - 1 - i / 2]);
  order.insert(order.end(), order.begin(), order.begin() + static_cast<int64_t>(order.size() / 3));
  RecordBatch got;
  file.read(order, got);
  for (size_t i = 0; i < order.size(); ++i) {
    if (!same(got, static_cast<int64_t>(i), expected, order[i]))
      return "record " + std::to_string(order[i]);
  }
  return "";
}

void write_reads(const std::string& path, Container container, int64_t count) {
  FastxWriterOptions options;
  options.container = container;
  options.level = 1;
  FastxWriter writer(path, options);
  uint64_t state = 1;
  for (int64_t i = 0; i < count; ++i) {
    Record record{"read" + std::to_string(i), i % 2 == 0 ? "x y" : "", "", "", true};
    for (int64_t j = 0; j < 50 + i % 100; ++j) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      record.sequence += "ACGT"[state >> 62];
      record.quality += static_cast<char>('#' + (state >> 40) % 40);
    }
    writer.write(record);
  }
  writer.commit();
}

}  // namespace

CATCH_TEST_CASE("every good file of the corpus gives by number the records that it gives in order",
                "[index][corpus]") {
  DEEPBIO_NEEDS_SHARED();
  test::TemporaryFolder folder;
  IndexOptions options;
  options.cache_dir = folder.path();
  const std::string listing = test::shared("sequences/expected.json");
  const Json corpus = Json::parse(test::read_text(listing), listing);
  std::string complaints;
  int num_files = 0;
  for (const Json& entry : corpus.at("files").as_array()) {
    if (entry.at("verdict").as_string() != "accept") continue;
    const std::string path = test::shared("sequences/" + entry.at("path").as_string());
    ++num_files;
    RecordBatch expected;
    std::string wrong;
    try {
      expected = stream(path);
    } catch (const ParseError&) {  // an empty file is an error for both
      CATCH_REQUIRE_THROWS_AS(FastxFile(path, options), ParseError);
      continue;
    }
    try {
      wrong = difference(FastxFile(path, options), expected);
    } catch (const Error& error) {
      wrong = error.what();
    }
    if (!wrong.empty()) complaints += path + ": " + wrong + "\n";
  }
  CATCH_INFO(complaints);
  CATCH_CHECK(num_files == 299);
  CATCH_REQUIRE(complaints.empty());
}

CATCH_TEST_CASE(
    "large plain, gzip and BGZF files give the same records by number, index found again",
    "[index]") {
  test::TemporaryFolder folder;
  for (const Container container : {Container::kPlain, Container::kGzip, Container::kBgzf}) {
    const std::string path = folder / std::string(to_string(container));
    write_reads(path, container, 30000);
    const RecordBatch expected = stream(path);
    const FastxFile built(path);
    CATCH_REQUIRE(built.index().was_built());
    CATCH_REQUIRE(difference(built, expected).empty());
    CATCH_REQUIRE(built.index().num_index_bytes() <= 12 * 30000);
    CATCH_REQUIRE(built.index().num_bases() == static_cast<int64_t>(expected.sequences.size()));
    if (container == Container::kGzip) CATCH_REQUIRE(built.index().access().points.size() > 3);
    const FastxFile found(path);
    CATCH_REQUIRE_FALSE(found.index().was_built());
    Record record;
    for (const int64_t i : {int64_t{29999}, int64_t{0}, int64_t{63}, int64_t{64}, int64_t{15000}}) {
      found.get(i, record);
      CATCH_REQUIRE(record.name == expected.name(i));
      CATCH_REQUIRE(record.quality == expected.quality(i));
    }
    CATCH_REQUIRE_THROWS_AS(found.get(30000, record), ArgumentError);
    CATCH_REQUIRE_THROWS_AS(found.get(-1, record), ArgumentError);
  }
}

CATCH_TEST_CASE("gzip of several members with padding is read by number", "[index]") {
  test::TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 40000; ++i) text += "@r" + std::to_string(i * 7919) + "\nACGT\n+\nII#I\n";
  const std::string half = text.substr(0, text.size() / 2);
  test::write_text(folder / "reads", test::gzip_text(half) + test::gzip_text("") +
                                         test::gzip_text(text.substr(half.size())) +
                                         std::string(512, '\0'));
  CATCH_REQUIRE(difference(FastxFile(folder / "reads"), stream(folder / "reads")).empty());
}

CATCH_TEST_CASE("an index with any byte changed or cut at any byte is built again", "[index]") {
  test::TemporaryFolder folder;
  const std::string path = folder / "reads", index = path + ".dbx";
  write_reads(path, Container::kBgzf, 70);
  const RecordBatch expected = stream(path);
  FastxFile built(path);
  const std::string good = test::read_text(index);
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << at % 8));
    test::write_text(index, at % 2 == 0 ? bad : good.substr(0, at));
    const FastxFile file(path);
    CATCH_REQUIRE(file.index().was_built());
    CATCH_REQUIRE(difference(file, expected).empty());
    CATCH_REQUIRE(test::read_text(index) == good);
  }
}

CATCH_TEST_CASE("a file that changed gets a new index, and an open one says that it changed",
                "[index]") {
  test::TemporaryFolder folder;
  const std::string path = folder / "reads";
  test::write_text(path, "@a\nAC\n+\nII\n");
  const FastxFile file(path);
  test::write_text(path, "@a\nAC\n+\nII\n@b\nA\n+\nI\n");
  Record record;
  CATCH_REQUIRE_THROWS_AS(file.get(0, record), ParseError);
  CATCH_REQUIRE(FastxFile(path).size() == 2);
  CATCH_REQUIRE_THROWS_AS(FastxFile("-"), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(FastxFile(folder / "absent"), MissingFileError);
}

CATCH_TEST_CASE("a sorted batch with gaps and repeats gives the records that stand there",
                "[index]") {
  test::TemporaryFolder folder;
  for (const Container container : {Container::kPlain, Container::kGzip, Container::kBgzf}) {
    const std::string path = folder / std::string(to_string(container));
    write_reads(path, container, 20000);
    const RecordBatch expected = stream(path);
    const FastxFile file(path);
    for (const int64_t step : {1, 3, 20, 63, 64, 65, 999}) {
      std::vector<int64_t> records{0, 0};
      for (int64_t i = step - 1; i < 20000; i += step) records.push_back(i);
      records.push_back(19999);
      RecordBatch got;
      got.append(Record{"before", "", "AC", "II", true});
      file.read(records, got);
      CATCH_REQUIRE(got.size() == static_cast<int64_t>(records.size()) + 1);
      bool is_same = got.name(0) == "before";
      for (size_t i = 0; i < records.size(); ++i) {
        is_same = is_same && same(got, static_cast<int64_t>(i) + 1, expected, records[i]);
      }
      CATCH_REQUIRE(is_same);
    }
  }
}

CATCH_TEST_CASE("a batch that fails leaves what was there before", "[index]") {
  test::TemporaryFolder folder;
  write_reads(folder / "reads", Container::kPlain, 10);
  const FastxFile file(folder / "reads");
  RecordBatch out;
  file.read(std::array<int64_t, 2>{3, 4}, out);
  const RecordBatch before = out;
  for (const auto& wanted : {std::array<int64_t, 3>{0, 1, 10}, std::array<int64_t, 3>{10, 1, 0}}) {
    CATCH_REQUIRE_THROWS_AS(file.read(wanted, out), ArgumentError);
    CATCH_REQUIRE(out.size() == 2);
    CATCH_REQUIRE((same(out, 0, before, 0) && same(out, 1, before, 1)));
    CATCH_REQUIRE(out.name_offsets == before.name_offsets);
    CATCH_REQUIRE(out.names == before.names);
  }
}

CATCH_TEST_CASE("a damaged BGZF block is an error for every record in it, and for no other",
                "[index]") {
  test::TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 100; ++i)
    text += "@r" + std::to_string(100 + i) + "\nACGTACGTAC\n+\nIIIIIIIIII\n";
  const size_t record_bytes = text.size() / 100;
  std::string bytes = test::bgzf_text(text, 10 * record_bytes);
  test::write_text(folder / "reads", bytes);
  const auto time = std::filesystem::last_write_time(folder / "reads");
  FastxFile(folder / "reads").index();
  const FastxFile file(folder / "reads");
  // The stored CRC of the last block; size, time and both ends of the file as the index knows them
  // cannot tell.
  const size_t crc_at = bytes.size() - 28 - 8;
  bytes[crc_at] = static_cast<char>(bytes[crc_at] ^ 1);
  {
    std::fstream same_file(folder / "reads", std::ios::binary | std::ios::in | std::ios::out);
    same_file << bytes;
  }
  std::filesystem::last_write_time(folder / "reads", time);
  Record record;
  for (int64_t i = 0; i < 90; ++i) CATCH_REQUIRE_NOTHROW(file.get(i, record));
  for (int64_t i = 90; i < 100; ++i) CATCH_REQUIRE_THROWS_AS(file.get(i, record), ParseError);
}

CATCH_TEST_CASE("a file renamed over after it was opened is read on as it was", "[index]") {
  test::TemporaryFolder folder;
  const std::string path = folder / "reads";
  test::write_text(path, "@a\nAC\n+\nII\n");
  const FastxFile file(path);
  test::write_text(folder / "other", "@b\nGT\n+\nII\n");
  std::filesystem::rename(folder / "other", path);
  Record record;
  file.get(0, record);
  CATCH_REQUIRE(record.name == "a");
  FastxFile(path).get(0, record);
  CATCH_REQUIRE(record.name == "b");
}

CATCH_TEST_CASE("a folder that cannot be written to keeps the index in memory", "[index]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "reads", ">a b\nAC\nGT\n>c\n\n");
  IndexOptions options;
  options.cache_dir = folder / "absent";
  const FastxFile file(folder / "reads", options);
  CATCH_REQUIRE(difference(file, stream(folder / "reads")).empty());
}

CATCH_TEST_CASE("one open file serves many threads", "[index]") {
  test::TemporaryFolder folder;
  write_reads(folder / "reads", Container::kGzip, 5000);
  const FastxFile file(folder / "reads");
  const RecordBatch expected = stream(folder / "reads");
  std::array<std::string, 4> wrong;
  std::vector<std::thread> threads;
  for (auto& result : wrong) threads.emplace_back([&] { result = difference(file, expected); });
  for (auto& thread : threads) thread.join();
  for (const auto& result : wrong) CATCH_REQUIRE(result.empty());
}
