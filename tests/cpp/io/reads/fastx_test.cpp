#include "deepbio/io/reads/fastx.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "catch.h"
#include "io/bytes/gzip_text.h"

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"

using namespace deepbio;
using namespace deepbio::io;
using deepbio::test::gzip_text;

namespace {

// What a whole file gave: the records, and the error that ended it.
struct Outcome {
  std::vector<Record> records;
  std::optional<ParseError> error;
  SkipReport report;
};

Outcome read_file(const std::string& path, FastxOptions options = {}) {
  Outcome out;
  try {
    FastxReader reader(path, options);
    try {
      for (Record record; reader.next(record);) out.records.push_back(record);
    } catch (const ParseError& error) {
      out.error = error;
    }
    out.report = reader.report();
  } catch (const ParseError& error) {
    out.error = error;
  }
  return out;
}

Outcome read_bytes(const std::string& bytes, FastxOptions options = {}) {
  test::TemporaryFolder folder;
  test::write_text(folder / "reads", bytes);
  return read_file(folder / "reads", options);
}

bool same(const Record& a, const Record& b) {
  return a.name == b.name && a.description == b.description && a.sequence == b.sequence &&
         a.quality == b.quality;
}

bool is_prefix(const std::vector<Record>& some, const std::vector<Record>& all) {
  return some.size() <= all.size() && std::equal(some.begin(), some.end(), all.begin(), same);
}

const std::string kTwoReads = "@a first read\nACGTN\n+\nIIII!\n@b\nGG-*.\n+b\n@@@@@\n";

void require_two_reads(const Outcome& out) {
  CATCH_REQUIRE(!out.error);
  CATCH_REQUIRE(out.records.size() == 2);
  CATCH_REQUIRE(same(out.records[0], {"a", "first read", "ACGTN", "IIII!", true}));
  CATCH_REQUIRE(same(out.records[1], {"b", "", "GG-*.", "@@@@@", true}));
}

std::string with_crlf(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? std::string("\r\n") : std::string(1, c);
  return out;
}

}  // namespace

CATCH_TEST_CASE("an empty or blank file is an error, never a clean end", "[fastx]") {
  for (const std::string text : {"", "\n", "\r\n\n", "\xef\xbb\xbf"}) {
    for (const std::string& bytes : {text, gzip_text(text)}) {
      const Outcome out = read_bytes(bytes);
      CATCH_REQUIRE(out.records.empty());
      CATCH_REQUIRE(out.error);
      CATCH_REQUIRE(out.error->kind() == ErrorKind::kStructure);
    }
  }
}

CATCH_TEST_CASE(
    "the same reads come from LF, CRLF, no final newline, blank lines at the end, gzip and two "
    "members",
    "[fastx]") {
  const std::string unended = kTwoReads.substr(0, kTwoReads.size() - 1);
  const size_t second = kTwoReads.find("@b\n");
  for (const std::string& bytes :
       {kTwoReads, with_crlf(kTwoReads), unended, with_crlf(unended), kTwoReads + "\n\r\n\n",
        gzip_text(kTwoReads),
        gzip_text(kTwoReads.substr(0, second)) + gzip_text("") +
            gzip_text(kTwoReads.substr(second)),
        gzip_text(kTwoReads.substr(0, 9)) + gzip_text(kTwoReads.substr(9))}) {
    require_two_reads(read_bytes(bytes));
  }
}

CATCH_TEST_CASE("one record is one record", "[fastx]") {
  const Outcome fastq = read_bytes("@r\tx\nA\n+\n~");
  CATCH_REQUIRE(!fastq.error);
  CATCH_REQUIRE(fastq.records.size() == 1);
  CATCH_REQUIRE(same(fastq.records[0], {"r", "x", "A", "~", true}));
  const Outcome fasta = read_bytes(">r x y\nAC\n\nGT");
  CATCH_REQUIRE(!fasta.error);
  CATCH_REQUIRE(fasta.records.size() == 1);
  CATCH_REQUIRE(same(fasta.records[0], {"r", "x y", "ACGT", "", false}));
}

CATCH_TEST_CASE("wrapped and zero-length FASTQ records are read", "[fastx]") {
  const Outcome out = read_bytes("@w\nACG\nTA\n+\n@II\nII\n@empty\n\n+\n\n@last\nA\n+\nI\n");
  CATCH_REQUIRE(!out.error);
  CATCH_REQUIRE(out.records.size() == 3);
  CATCH_REQUIRE(same(out.records[0], {"w", "", "ACGTA", "@IIII", true}));
  CATCH_REQUIRE(same(out.records[1], {"empty", "", "", "", true}));
  CATCH_REQUIRE(same(out.records[2], {"last", "", "A", "I", true}));
}

CATCH_TEST_CASE("an error tells record, line, byte, what was expected and what came", "[fastx]") {
  const Outcome out = read_bytes("@a\nAC\n+\nII\n@b\nA?\n+\nII\n");
  CATCH_REQUIRE(out.records.size() == 1);
  CATCH_REQUIRE(out.error);
  CATCH_REQUIRE(out.error->kind() == ErrorKind::kAlphabet);
  CATCH_REQUIRE(out.error->place().record == 1);
  CATCH_REQUIRE(out.error->place().line == 6);
  CATCH_REQUIRE(out.error->place().offset_bytes == 15);
  CATCH_REQUIRE(out.error->got().find('?') != std::string::npos);
}

CATCH_TEST_CASE("a plain FASTQ cut at any byte ends in an error or at the end of a record",
                "[fastx]") {
  const std::vector<Record> whole = read_bytes(kTwoReads).records;
  const size_t first_end = kTwoReads.find("@b\n"), size = kTwoReads.size();
  for (size_t cut = 0; cut <= size; ++cut) {
    const Outcome out = read_bytes(kTwoReads.substr(0, cut));
    CATCH_CAPTURE(cut);
    CATCH_REQUIRE(is_prefix(out.records, whole));
    const bool is_clean =
        cut == first_end - 1 || cut == first_end || cut == size - 1 || cut == size;
    CATCH_REQUIRE(out.error.has_value() == !is_clean);
    CATCH_REQUIRE(out.records.size() == (cut >= size - 1 ? 2u : cut >= first_end - 1 ? 1u : 0u));
  }
}

CATCH_TEST_CASE("a gzip file cut at any byte is an error, and what came before it is right",
                "[fastx]") {
  const std::vector<Record> whole = read_bytes(kTwoReads).records;
  const std::string bytes = gzip_text(kTwoReads);
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    const Outcome out = read_bytes(bytes.substr(0, cut));
    CATCH_CAPTURE(cut);
    CATCH_REQUIRE(out.error);
    CATCH_REQUIRE(is_prefix(out.records, whole));
  }
}

CATCH_TEST_CASE("no flipped bit of a gzip file goes by unnoticed", "[fastx]") {
  const std::string good = gzip_text(kTwoReads);
  size_t num_errors = 0;
  for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string bytes = good;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    const Outcome out = read_bytes(bytes);
    CATCH_CAPTURE(bit);
    if (out.error) {
      ++num_errors;
    } else {
      require_two_reads(out);
    }
  }
  // What carries nothing: time, extra flags, system and the text flag of the header, padding after
  // the last block.
  CATCH_REQUIRE(num_errors >= 8 * good.size() - (6 * 8 + 1 + 7));
}

CATCH_TEST_CASE("records longer than the limit are refused by name, others pass", "[fastx]") {
  FastxOptions options;
  options.max_record_bytes = 1000;
  const std::string fits = ">r\n" + std::string(900, 'A') + "\n";
  CATCH_REQUIRE(!read_bytes(fits + fits, options).error);
  for (const std::string& text :
       {">r\n" + std::string(5000, 'A') + "\n", ">" + std::string(5000, 'r'),
        "@r\n" + std::string(5000, 'A'), "@" + std::string(5000, 'r') + "\nA\n+\nI\n"}) {
    const Outcome out = read_bytes(text, options);
    CATCH_REQUIRE(out.error);
    CATCH_REQUIRE(out.error->kind() == ErrorKind::kResource);
    CATCH_REQUIRE(std::string(out.error->what()).find("max_record_bytes") != std::string::npos);
  }
  options.max_record_bytes = UINT64_MAX;
  require_two_reads(read_bytes(kTwoReads, options));
}

CATCH_TEST_CASE("skipping passes over bad records and counts them by kind", "[fastx]") {
  FastxOptions options;
  options.on_bad_record = OnBadRecord::kSkip;
  const Outcome fastq =
      read_bytes("@a\nAC\n+\nII\n@b\nACG\n+\nII\n@c\nA?\n+\nII\n@d\nG\n+\n@\n@e\nA\n", options);
  CATCH_REQUIRE(!fastq.error);
  CATCH_REQUIRE(fastq.records.size() == 2);
  CATCH_REQUIRE(fastq.records[0].name == "a");
  CATCH_REQUIRE(same(fastq.records[1], {"d", "", "G", "@", true}));
  CATCH_REQUIRE(fastq.report.num_records == 2);
  CATCH_REQUIRE(fastq.report.num_skipped == 3);
  CATCH_REQUIRE(fastq.report.reasons ==
                std::map<std::string, int64_t>{{"length", 2}, {"alphabet", 1}});
  CATCH_REQUIRE(fastq.report.examples.size() == 3);
  const Outcome fasta = read_bytes(">a\nAC\n>b\nA1\nAC\n>c\nGG\n", options);
  CATCH_REQUIRE(!fasta.error);
  CATCH_REQUIRE(fasta.records.size() == 2);
  CATCH_REQUIRE(same(fasta.records[1], {"c", "", "GG", "", false}));
  CATCH_REQUIRE(fasta.report.num_skipped == 1);
}

CATCH_TEST_CASE("damaged compression is an error even when bad records are skipped", "[fastx]") {
  FastxOptions options;
  options.on_bad_record = OnBadRecord::kSkip;
  const std::string bytes = gzip_text(kTwoReads);
  const Outcome out = read_bytes(bytes.substr(0, bytes.size() - 3), options);
  CATCH_REQUIRE(out.error);
  CATCH_REQUIRE(out.error->kind() == ErrorKind::kContainer);
}

CATCH_TEST_CASE("batches hold the same records as single reads, over window borders too",
                "[fastx]") {
  std::string text;
  for (int i = 0; i < 9000; ++i) {
    const std::string letters(static_cast<size_t>(i % 211), "ACGT"[i % 4]);
    text += "@r" + std::to_string(i) + " n\n" + letters + "\n+\n" +
            std::string(letters.size(), 'I') + "\n";
  }
  CATCH_REQUIRE(text.size() > size_t{3} << 19);  // several windows
  test::TemporaryFolder folder;
  test::write_text(folder / "reads.fq", text);
  FastxReader reader(folder / "reads.fq");
  RecordBatch batch;
  while (reader.read(batch, 700) > 0) {
  }
  CATCH_REQUIRE(batch.size() == 9000);
  for (int64_t i = 0; i < batch.size(); ++i) {
    if (batch.name(i) != "r" + std::to_string(i) || batch.description(i) != "n" ||
        batch.sequence(i) != std::string(static_cast<size_t>(i % 211), "ACGT"[i % 4]) ||
        batch.quality(i) != std::string(static_cast<size_t>(i % 211), 'I')) {
      CATCH_FAIL("record " << i << " differs");
    }
  }
}

CATCH_TEST_CASE("a view of a record tells where in the data it begins", "[fastx]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "reads.fq", "@a x\nAC\n+\nII\n@b\nACG\n+\nIII\n");
  test::write_text(folder / "contigs.fa", ";note\n>a x\nAC\nGT\n>b\nA\n");
  const auto offsets = [](const std::string& path) {
    FastxReader reader(path);
    std::vector<int64_t> found;
    for (RecordView record; reader.next(record);) found.push_back(record.offset_bytes);
    return found;
  };
  CATCH_REQUIRE(offsets(folder / "reads.fq") == std::vector<int64_t>{0, 13});
  CATCH_REQUIRE(offsets(folder / "contigs.fa") == std::vector<int64_t>{6, 17});
}

CATCH_TEST_CASE("written records read back as they were", "[fastx]") {
  const Record read{"a", "b c", "ACGTACGTAC", "!~IIIIIIII", true};
  CATCH_REQUIRE(same(read_bytes(to_fastq(read)).records.at(0), read));
}

CATCH_TEST_CASE(
    "letters outside of the alphabet that was asked for make a record bad, with letter and "
    "position",
    "[fastx]") {
  FastxOptions options;
  options.alphabet = Letters::kDna;
  CATCH_REQUIRE(!read_bytes("@a\nACGTNacgtn\n+\nIIIIIIIIII\n", options).error);
  const Outcome fastq = read_bytes("@a\nAC\n+\nII\n@b\nACUG\n+\nIIII\n", options);
  CATCH_REQUIRE(fastq.records.size() == 1);
  CATCH_REQUIRE(fastq.error);
  CATCH_REQUIRE(fastq.error->kind() == ErrorKind::kAlphabet);
  CATCH_REQUIRE(fastq.error->place().record == 1);
  CATCH_REQUIRE(fastq.error->place().line == 5);
  CATCH_REQUIRE(fastq.error->place().offset_bytes == 11);
  CATCH_REQUIRE_THAT(fastq.error->got(), Catch::Contains("'U'") && Catch::Contains("position 3"));
  const Outcome fasta = read_bytes(">a\nAC\n>b\nAC\nG-T\n", options);
  CATCH_REQUIRE(fasta.records.size() == 1);
  CATCH_REQUIRE_THAT(fasta.error.value().got(),
                     Catch::Contains("'-'") && Catch::Contains("position 4"));
  options.on_bad_record = OnBadRecord::kSkip;
  const Outcome skipped = read_bytes(">a\nAC\n>b\nAE\n>c\nGG\n", options);
  CATCH_REQUIRE(!skipped.error);
  CATCH_REQUIRE(skipped.records.size() == 2);
  CATCH_REQUIRE(skipped.report.reasons == std::map<std::string, int64_t>{{"alphabet", 1}});
}

CATCH_TEST_CASE("what is switched off comes out empty and is checked all the same", "[fastx]") {
  FastxOptions options;
  options.fields = {.titles = false, .sequences = false, .qualities = false};
  const Outcome none = read_bytes(kTwoReads, options);
  CATCH_REQUIRE(!none.error);
  CATCH_REQUIRE(none.records.size() == 2);
  CATCH_REQUIRE(same(none.records[0], {}));
  CATCH_REQUIRE_FALSE(none.records[0].has_quality);
  CATCH_REQUIRE(read_bytes("@a\nAC\n+\nI\n", options).error);
  options.fields = {.titles = true, .sequences = true, .qualities = false};
  CATCH_REQUIRE(
      same(read_bytes(kTwoReads, options).records.at(0), {"a", "first read", "ACGTN", "", false}));
}

CATCH_TEST_CASE(
    "a BGZF file without its end block is read with a warning, by any number of threads",
    "[fastx]") {
  const std::string whole = test::bgzf_text(kTwoReads, 20);
  const std::string unended = whole.substr(0, whole.size() - test::bgzf_text("", 20).size());
  for (const int threads : {1, 2}) {
    const FastxOptions options{.open = {threads}};
    CATCH_REQUIRE(read_bytes(whole, options).report.warnings.empty());
    CATCH_REQUIRE(read_bytes(whole + whole, options).report.warnings.empty());
    CATCH_REQUIRE(read_bytes(gzip_text(kTwoReads), options).report.warnings.empty());
    CATCH_REQUIRE(read_bytes(kTwoReads, options).report.warnings.empty());
    for (const std::string& bytes : {unended, whole + unended}) {
      const Outcome out = read_bytes(bytes, options);
      CATCH_REQUIRE(!out.error);
      CATCH_REQUIRE(out.report.warnings.size() == 1);
      CATCH_REQUIRE_THAT(out.report.warnings[0], Catch::Contains("end block"));
    }
  }
}

CATCH_TEST_CASE("a reader tells how much of its file it has taken", "[fastx]") {
  test::TemporaryFolder folder;
  for (const std::string& bytes :
       {kTwoReads, gzip_text(kTwoReads), test::bgzf_text(kTwoReads, 20)}) {
    test::write_text(folder / "reads", bytes);
    for (const int threads : {1, 2}) {
      FastxReader reader(folder / "reads", {.open = {threads}});
      Record record;
      while (reader.next(record)) {
      }
      CATCH_REQUIRE(reader.file_offset_bytes() == static_cast<int64_t>(bytes.size()));
    }
  }
}

CATCH_TEST_CASE(
    "Phred+64 is converted on request, and a byte that it does not have is a bad record",
    "[fastx]") {
  FastxOptions options;
  options.quality_offset = 64;
  const Outcome good = read_bytes("@r\nACGT\n+\nBBhh\n", options);
  CATCH_REQUIRE(!good.error);
  CATCH_REQUIRE(good.records[0].quality == "##II");
  const Outcome bad = read_bytes("@r\nACGT\n+\nBB?h\n", options);
  CATCH_REQUIRE(bad.error);
  CATCH_REQUIRE(bad.error->kind() == ErrorKind::kAlphabet);
  CATCH_REQUIRE_THAT(bad.error->what(),
                     Catch::Contains("quality_offset 64") && Catch::Contains("position 3"));
  options.on_bad_record = OnBadRecord::kSkip;
  CATCH_REQUIRE(read_bytes("@r\nAC\n+\n!h\n@s\nAC\n+\nhh\n", options).records.size() == 1);
  CATCH_REQUIRE(read_bytes("@r\nACGT\n+\nBBhh\n").records[0].quality == "BBhh");
  options.quality_offset = 59;
  CATCH_REQUIRE_THROWS_AS(read_bytes("@r\nA\n+\nI\n", options), ArgumentError);
}

CATCH_TEST_CASE("an empty file has no records where bad ones are skipped, and says so", "[fastx]") {
  FastxOptions options;
  CATCH_REQUIRE(read_bytes("", options).error);
  options.allow_empty = true;
  for (const char* text : {"", "\n\n", "\xEF\xBB\xBF"}) {
    const Outcome out = read_bytes(text, options);
    CATCH_REQUIRE(!out.error);
    CATCH_REQUIRE(out.records.empty());
  }
  const test::TemporaryFolder folder;
  test::write_text(folder / "empty.fq", "");
  FastxReader reader(folder / "empty.fq", {.on_bad_record = OnBadRecord::kSkip});
  RecordView view;
  CATCH_REQUIRE_FALSE(reader.next(view));
  CATCH_REQUIRE(reader.report().warnings == std::vector<std::string>{"no records: an empty file"});
}

CATCH_TEST_CASE("other formats are named where reads are expected", "[fastx]") {
  const std::pair<const char*, const char*> cases[] = {
      {"@HD\tVN:1.6\n@SQ\tSN:chr1\tLN:9\nr1\t4\t*\t0\t0\t*\t*\t0\t0\tACGT\tIIII\n",
       "samtools fastq"},
      {"##fileformat=VCFv4.2\n", "VCF"},
      {"\x1f\x8b\x08", "gzip"}};
  for (const auto& [text, said] : cases) {
    CATCH_CAPTURE(text);
    const Outcome out = read_bytes(text);
    CATCH_REQUIRE(out.error);
    CATCH_REQUIRE_THAT(out.error->what(), Catch::Contains(said));
  }
}
