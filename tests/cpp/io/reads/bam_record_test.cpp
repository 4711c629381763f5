#include "deepbio/io/reads/bam_record.h"

#include <algorithm>

#include "catch.h"
#include "io/bytes/gzip_text.h"
#include "io/reads/bam_bytes.h"

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/bgzf.h"
#include "deepbio/io/reads/fastx_file.h"
#include "deepbio/io/sniff.h"
#include "deepbio/io/validate.h"

using namespace deepbio;
using namespace deepbio::io;
using Result = BamScanner::Result;
using test::bam_header;
using test::bam_record;
using test::BamRead;

namespace {

// Reads of every kind: with and without a group, without qualities, turned back, left out.
std::string some_reads() {
  std::string out = bam_header(2);
  out += bam_record({.name = "first", .tags = std::string("RGZlane1\0NMi\1\0\0\0", 16)});
  out += bam_record({.name = "again", .flags = 0x104});
  out += bam_record({.name = "bare", .sequence = "AC", .quality = "\xff\xff"});
  out += bam_record({.name = "turned",
                     .sequence = "AACGR",
                     .quality = std::string("\0\1\2\3\4", 5),
                     .flags = 0x10,
                     .reference = 1,
                     .cigar = {2 << 4 | 4, 3 << 4 | 0}});
  out += bam_record({.name = "part", .flags = 0x800, .reference = 0, .cigar = {5 << 4}});
  return out + bam_record({.name = "none", .sequence = "", .quality = ""});
}

std::vector<std::string> read_all_of(const std::string& path, FastxOptions options = {}) {
  FastxReader reader(path, options);
  std::vector<std::string> out;
  for (RecordView record; reader.next(record);) {
    out.push_back(std::string(record.name) + "|" + std::string(record.description) + "|" +
                  std::string(record.sequence) + "|" +
                  (record.has_quality ? std::string(record.quality) : "none"));
  }
  return out;
}

const std::vector<std::string> kExpected{"first|RG:Z:lane1|ACGTN|?????", "bare||AC|none",
                                         "turned||YCGTT|%$#\"!", "none|||"};

std::string error_of(const std::string& path, const std::string& bytes) {
  test::write_text(path, bytes);
  try {
    read_all_of(path);
  } catch (const ParseError& error) {
    return std::string(error.what()).substr(path.size());
  }
  return "";
}

}  // namespace

CATCH_TEST_CASE("reads of BAM come as they were sequenced, each once", "[bam]") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "reads";
  const std::string bytes = some_reads();
  for (const std::string& file : {bytes, test::gzip_text(bytes), test::bgzf_text(bytes, 70)}) {
    test::write_text(path, file);
    CATCH_REQUIRE(read_all_of(path) == kExpected);
    CATCH_REQUIRE(read_all_of(path, {.open = {2}}) == kExpected);
    FastxReader reader(path);
    RecordBatch batch;
    reader.read(batch, 100);
    CATCH_REQUIRE(reader.format() == Format::kBam);
    CATCH_REQUIRE(reader.report().num_left_out == 2);
    RecordView record;
    CATCH_REQUIRE_FALSE(reader.next(record));
    CATCH_REQUIRE(reader.report().warnings == std::vector{left_out_warning(2)});
  }
}

CATCH_TEST_CASE("reads of BAM by number are those in order", "[bam][index]") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "reads";
  const std::string bytes = some_reads();
  for (const std::string& file : {bytes, test::gzip_text(bytes), test::bgzf_text(bytes, 70)}) {
    test::write_text(path, file);
    for (int again = 0; again < 2; ++again) {  // built, and found on disk
      const FastxFile reads(path);
      CATCH_REQUIRE(reads.size() == 4);
      CATCH_REQUIRE(reads.warning() == left_out_warning(2));
      for (int64_t i = 3; i >= 0; --i) {
        Record record;
        reads.get(i, record);
        CATCH_REQUIRE(record.name + "|" + record.description + "|" + record.sequence + "|" +
                          (record.has_quality ? record.quality : "none") ==
                      kExpected[static_cast<size_t>(i)]);
      }
    }
  }
}

CATCH_TEST_CASE("BAM is told by its content and validated", "[bam]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "reads", test::bgzf_text(some_reads(), 1000));
  CATCH_REQUIRE(sniff(folder / "reads").kind == FileKind::kBam);
  const SoundFile sound = validate(folder / "reads", {{}, Letters::kAny, nullptr});
  CATCH_REQUIRE(sound.format == "bam");
  CATCH_REQUIRE(sound.container == "bgzf");
  CATCH_REQUIRE(sound.records == 4);
  CATCH_REQUIRE(sound.bases == 12);
}

CATCH_TEST_CASE(
    "a record of BAM asks for more bytes at every cut, and is cut at the end of the file",
    "[bam]") {
  const std::string bytes = bam_record({.tags = "NMC\1"});
  BamScanner scanner;
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    CATCH_CAPTURE(cut);
    CATCH_REQUIRE(scanner.scan(bytes.substr(0, cut), false) == Result::kNeedMore);
    CATCH_REQUIRE(scanner.scan(bytes.substr(0, cut), true) == Result::kBad);
    CATCH_REQUIRE(scanner.problem.kind == ErrorKind::kLength);
  }
  CATCH_REQUIRE(scanner.scan(bytes + "more", false) == Result::kRecord);
  CATCH_REQUIRE(scanner.num_bytes == bytes.size());
}

CATCH_TEST_CASE("what is wrong in BAM is told with record and byte", "[bam]") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "reads", head = bam_header(2), good = bam_record({});
  const size_t at = head.size() + good.size();
  const auto changed = [&](size_t place, const std::string& bytes) {
    std::string bad = bam_record({.tags = "NMC\1"});
    bad.replace(place, bytes.size(), bytes);
    return head + good + bad + good;
  };
  const auto with = [&](const BamRead& read) { return head + good + bam_record(read); };
  struct Case {
    std::string bytes;
    size_t offset;
    const char* said;
  };
  const std::vector<Case> cases{
      {changed(0, test::little(31, 4)), 0, "expected a BAM record of at least 32 bytes, got 31"},
      {changed(0, test::little(1 << 20, 4)), 2 * good.size() + 4,
       "expected the rest of a BAM record"},
      {changed(4, test::little(2, 4)), 4, "expected one of 2 references, or -1, got 2"},
      {changed(12, "\1"), 36,
       "expected a name of the letters '!' to '~' that ends in NUL, got 'r'"},
      {changed(12, test::little(0, 1)), 36, "expected a name"},
      {changed(20, test::little(~uint64_t{0}, 4)), 20, "expected a length of 0 or more, got -1"},
      {changed(20, test::little(9, 4)), 0, "expected a BAM record of 48 bytes or more"},
      {changed(36, "\t"), 36, "expected a name"},
      {changed(38, "\x01"), 38, "expected a base, got '=' (as the reference) at position 1"},
      {changed(41, "\x5e"), 41, "expected a quality of 0 to 93, got 94"},
      {changed(41, "\xff"), 42, "expected 255 for every quality, as for the first, got 30"},
      {changed(48, "i"), 46, "expected a whole tag: two letters, a type, a value"},
      {changed(48, "y"), 46, "expected a whole tag"},
      {with({.cigar = {4 << 4}}), 38, "expected a CIGAR of 5 bases, as the read has, got 4"},
      {with({.cigar = {5 << 4 | 9}}), 38, "expected a CIGAR operation of 0 to 8, got 9"},
      {with({.tags = std::string("RGZa\n\0", 6)}), 46, "expected a read group"},
      {with({.tags = std::string("MLBC\xff\xff\xff\xff\1", 9)}), 46, "expected a whole tag"},
  };
  for (const Case& each : cases) {
    const std::string error = error_of(path, each.bytes);
    CATCH_CAPTURE(error, each.said);
    const std::string place = ": record 1, byte " + std::to_string(at + each.offset);
    CATCH_REQUIRE(error.starts_with(place + ": "));
    CATCH_REQUIRE_THAT(error, Catch::Contains(each.said));
  }
}

CATCH_TEST_CASE("a bad read of BAM is skipped on request, and the next one is whole", "[bam]") {
  const test::TemporaryFolder folder;
  const std::string bad = bam_record({.name = "a b"}), good = bam_record({.name = "good"});
  test::write_text(folder / "reads", bam_header() + bad + good + bad + good.substr(0, 20));
  FastxReader reader(folder / "reads", {.on_bad_record = OnBadRecord::kSkip});
  RecordBatch batch;
  CATCH_REQUIRE(reader.read(batch, 10) == 1);
  CATCH_REQUIRE(batch.name(0) == "good");
  CATCH_REQUIRE(reader.report().num_skipped == 3);
  CATCH_REQUIRE(reader.report().reasons ==
                std::map<std::string, int64_t>{{"length", 1}, {"structure", 2}});
}

CATCH_TEST_CASE("a header that is cut, wrong, or alone is an error", "[bam]") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "reads", head = bam_header(2);
  for (size_t cut = 4; cut < head.size(); ++cut) {
    CATCH_CAPTURE(cut);
    CATCH_REQUIRE_THAT(error_of(path, head.substr(0, cut)),
                       Catch::Contains("expected the rest of the BAM header"));
  }
  CATCH_REQUIRE_THAT(error_of(path, head), Catch::Contains("got a BAM header alone"));
  CATCH_REQUIRE(read_all_of(path, {.allow_empty = true}).empty());
  std::string bad = head;
  bad.replace(4, 4, "\xff\xff\xff\xff");
  CATCH_REQUIRE_THAT(error_of(path, bad),
                     Catch::Contains("byte 4: expected a length or count of 0 or more"));
  bad = head;
  bad[head.size() - 5] = 'x';
  CATCH_REQUIRE_THAT(error_of(path, bad), Catch::Contains("expected the name of a reference"));
}

CATCH_TEST_CASE("BAM has no offset of qualities", "[bam]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "reads", some_reads());
  CATCH_REQUIRE_THROWS_AS(FastxReader(folder / "reads", {.quality_offset = 64}), ArgumentError);
}

CATCH_TEST_CASE("BAM cut at any byte, or with any bit flipped, is an error or the same reads",
                "[bam][damage]") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "reads";
  const std::string good = test::bgzf_text(some_reads(), 150);
  const auto read = [&](const std::string& bytes, int num_threads, bool& has_warning) {
    test::write_text(path, bytes);
    FastxReader reader(path, {.open = {num_threads}});
    RecordBatch batch;
    reader.read(batch, 100);
    const auto& warnings = reader.report().warnings;
    has_warning = !warnings.empty() && warnings[0] == kNoEndBlock;
    std::vector<std::string> out;
    for (int64_t i = 0; i < batch.size(); ++i)
      out.push_back(std::string(batch.name(i)) + std::string(batch.sequence(i)) +
                    std::string(batch.quality(i)));
    return out;
  };
  bool has_warning = false;
  const auto whole = read(good, 1, has_warning);
  CATCH_REQUIRE(whole.size() == 4);
  int64_t num_same = 0;
  const auto check = [&](const std::string& bytes, bool is_cut) {
    for (const int num_threads : {1, 2}) {
      try {
        const auto got = read(bytes, num_threads, has_warning);
        const bool is_same =
            is_cut ? std::equal(got.begin(), got.end(), whole.begin()) : got == whole;
        if (!is_same || (is_cut && !has_warning)) CATCH_FAIL("other reads in silence");
        ++num_same;
      } catch (const ParseError&) {  // noticed
      }
    }
  };
  for (size_t cut = 0; cut < good.size(); ++cut) {
    CATCH_CAPTURE(cut);
    check(good.substr(0, cut), true);
  }
  for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
    CATCH_CAPTURE(bit);
    std::string bytes = good;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    check(bytes, false);
  }
  CATCH_REQUIRE(num_same > 0);  // times in gzip headers mean nothing
}
