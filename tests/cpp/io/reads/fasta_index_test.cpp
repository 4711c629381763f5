#include "deepbio/io/reads/fasta_index.h"

#include <chrono>

#include "catch.h"
#include "io/bytes/gzip_text.h"

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/bgzf_writer.h"
#include "deepbio/io/reads/fastx.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

std::string bgzf_text(const std::string& text) {
  std::string out;
  BgzfWriter writer([&](std::string_view bytes) { out += bytes; }, 6);
  writer.write(text);
  writer.finish();
  return out;
}

std::string wrapped(const std::string& sequence, size_t width, const std::string& line_end) {
  std::string out;
  for (size_t at = 0; at < sequence.size(); at += width)
    out += sequence.substr(at, width) + line_end;
  return out;
}

std::string message_of(const std::string& text) {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fa", text);
  try {
    FastaFile(folder / "a.fa");
  } catch (const ParseError& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

CATCH_TEST_CASE("every window of a sequence is its part, for each container, width and line end",
                "[fai]") {
  const std::string sequence = "ACGTNNacgtACGTTGCAAGGCTTNNAC";
  test::TemporaryFolder folder;
  for (const std::string line_end : {"\n", "\r\n"}) {
    for (const size_t width : {1u, 5u, 28u, 60u}) {
      const std::string text = ">a x" + line_end + wrapped(sequence, width, line_end) + ">b" +
                               line_end + ">c" + line_end +
                               wrapped(sequence.substr(3), width, line_end);
      for (const std::string& bytes : {text, bgzf_text(text), test::gzip_text(text)}) {
        std::filesystem::remove(folder / "a.fa.fai");
        test::write_text(folder / "a.fa", bytes);
        const FastaFile file(folder / "a.fa");
        for (size_t start = 0; start <= sequence.size(); ++start) {
          for (size_t end = start; end <= sequence.size(); ++end) {
            CATCH_REQUIRE(file.fetch("a", static_cast<int64_t>(start), static_cast<int64_t>(end)) ==
                          sequence.substr(start, end - start));
          }
        }
        CATCH_REQUIRE(file.fetch("b").empty());
        CATCH_REQUIRE(file.fetch("c") == sequence.substr(3));
      }
    }
  }
}

CATCH_TEST_CASE("other formats and line ends of a lone CR are named, not taken for a title",
                "[fai]") {
  CATCH_CHECK(contains(message_of(">a\rACGT\r>b\rGG\r"), "got a lone CR in a title"));
  CATCH_CHECK(contains(message_of("@HD\tVN:1.6\n"), "SAM alignments"));
  CATCH_CHECK(contains(message_of(test::gzip_text(test::gzip_text(">a\nAC\n"))), "gzip in gzip"));
}

CATCH_TEST_CASE("the .fai is that of samtools, and is read back", "[fai]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fa", ">one first\nACGT\nAC\n>two\nGGGGG");
  const FastaFile file(folder / "a.fa");
  CATCH_REQUIRE(test::read_text(folder / "a.fa.fai") == "one\t6\t11\t4\t5\ntwo\t5\t24\t5\t6\n");
  CATCH_REQUIRE(FastaFile(folder / "a.fa").fetch("two", 1, 3) == "GG");
  const auto entries = read_fai(folder / "a.fa.fai");
  write_fai(folder / "b.fai", entries);
  CATCH_REQUIRE(test::read_text(folder / "b.fai") == test::read_text(folder / "a.fa.fai"));
}

CATCH_TEST_CASE("uneven lines are refused with the line", "[fai]") {
  CATCH_REQUIRE(contains(message_of(">a\nACGT\nAC\nACGT\n"), "line 4"));
  CATCH_REQUIRE(contains(message_of(">a\nACGT\nACGTA\n"), "line 3"));
  CATCH_REQUIRE(contains(message_of(">a\nACGT\n\nACGT\n"), "line 4"));
  CATCH_REQUIRE(contains(message_of(">a\nACGT\r\nACGT\nACGT\n"), "line 4"));
  CATCH_REQUIRE(contains(message_of(">a\nAC\n>b\nAC\n>a\nAC\n"), "record 2, line 5"));
  CATCH_REQUIRE(message_of(">a\nACGT\nACGT\n\n>b\nAC\n").empty());
}

CATCH_TEST_CASE("an unknown name gives the nearest, a window outside the length", "[fai]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fa", ">chromosome1\nACGT\n");
  const FastaFile file(folder / "a.fa");
  CATCH_REQUIRE_THROWS_WITH(file.fetch("chromosome2", 0, 1), Catch::Contains("chromosome1"));
  CATCH_REQUIRE_THROWS_WITH(file.fetch("chromosome1", 0, 5), Catch::Contains("<= 4"));
  CATCH_REQUIRE_THROWS_AS(file.fetch("chromosome1", -1, 2), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(file.fetch("chromosome1", 3, 2), ArgumentError);
}

CATCH_TEST_CASE("a damaged .fai is built again and never read outside of the file", "[fai]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fa", ">a\nACGT\nACGT\n");
  for (const char* bad :
       {"", "a\n", "a\t8\t3\t4\n", "a\t8\t3\t4\t5\t6\n", "a\t-8\t3\t4\t5\n", "a\t8\t3\t0\t5\n",
        "a\t9223372036854775807\t3\t1\t9223372036854775807\n", "a\t800\t3\t4\t5\n"}) {
    test::write_text(folder / "a.fa.fai", bad);
    CATCH_REQUIRE(FastaFile(folder / "a.fa").fetch("a") == "ACGTACGT");
  }
}

CATCH_TEST_CASE("an index of another content is built again, whatever the times of the files are",
                "[fai]") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "g.fa", one = std::string(60, 'A') + std::string(60, 'C'),
                    two = std::string(70, 'G');
  const auto text = [](const std::string& name, const std::string& bases) {
    return ">" + name + "\n" + wrapped(bases, 60, "\n");
  };
  const std::string before = text("chr1", one) + text("chr2", two);
  const std::string changed[] = {text("chr1 v2", one) + text("chr2", two),  // offsets move
                                 text("chr2", one) + text("chr1", two),     // names change places
                                 text("chr9", one) + text("chr2", two),     // another name
                                 text("chr1", one + "T") + text("chr2", two),
                                 text("chr1", one) + text("chr2", two) + text("chr3", one),
                                 ">chr1\n" + wrapped(one, 50, "\n") + text("chr2", two),
                                 ">chr1\n" + wrapped(one, 60, "\r\n") + text("chr2", two)};
  for (const std::string& after : changed) {
    for (const bool is_packed : {false, true}) {
      CATCH_CAPTURE(after, is_packed);
      test::write_text(path, is_packed ? bgzf_text(before) : before);
      std::filesystem::remove(path + ".fai");
      FastaFile{path};
      test::write_text(path, is_packed ? bgzf_text(after) : after);
      std::filesystem::last_write_time(
          path, std::filesystem::last_write_time(path + ".fai") - std::chrono::hours(99));
      const FastaFile file(path);
      FastxReader reader(path);
      size_t place = 0;
      for (Record record; reader.next(record); ++place) {
        CATCH_REQUIRE(file.entries().at(place).name == record.name);
        CATCH_REQUIRE(file.fetch(record.name) == record.sequence);
      }
      CATCH_REQUIRE(place == file.entries().size());
    }
  }
}

CATCH_TEST_CASE("an index older than its file is used when it fits", "[fai]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "g.fa", ">a x\nACGT\nAC\n\n>b\n>c\nGG");
  FastaFile{folder / "g.fa"};
  const auto written = std::filesystem::last_write_time(folder / "g.fa.fai");
  std::filesystem::last_write_time(folder / "g.fa", written + std::chrono::hours(1));
  CATCH_REQUIRE(FastaFile(folder / "g.fa").fetch("c") == "GG");
  CATCH_REQUIRE(std::filesystem::last_write_time(folder / "g.fa.fai") == written);
}
