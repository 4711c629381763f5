#include "deepbio/io/tables/intervals.h"

#include "catch.h"
#include "io/bytes/gzip_text.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

Intervals read(const std::string& text, const std::string& feature = "") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.bed", text);
  return Intervals::read(folder / "a.bed", {feature});
}

std::string message_of(const std::string& text, const std::string& feature = "") {
  try {
    read(text, feature);
  } catch (const Error& error) {
    const std::string message = error.what();
    const size_t at = message.find("a.bed");
    return at == std::string::npos ? message : message.substr(at);
  }
  return "";
}

using Numbers = std::vector<int64_t>;
using Words = std::vector<std::string>;

}  // namespace

CATCH_TEST_CASE("BED of three to twelve columns, sorted or not, with headers between", "[bed]") {
  const std::string text =
      "browser position chr1\ntrack name=x\n# note\nchr2\t5\t9\tx\t0.5\t-\r\n\n"
      "chr1\t1\t2\ty\t3\t+\nchr2\t0\t7\tz\t4\t.";
  test::TemporaryFolder folder;
  for (const std::string& bytes : {text, test::gzip_text(text)}) {
    test::write_text(folder / "a.bed", bytes);
    const Intervals found = Intervals::read(folder / "a.bed");
    CATCH_CHECK(found.format() == "BED");
    CATCH_CHECK(found.names() == Words{"chr2", "chr1"});
    CATCH_CHECK(found.chromosome == std::vector<int32_t>{0, 1, 0});
    CATCH_CHECK(found.starts == Numbers{5, 1, 0});
    CATCH_CHECK(found.ends == Numbers{9, 2, 7});
    CATCH_CHECK(found.strands == "-+.");
    CATCH_CHECK(found.values("score") == Words{"0.5", "3", "4"});
    CATCH_CHECK(found.where(2) == folder / "a.bed: line 7");
  }
  CATCH_CHECK(read("chr1 1  2\nchr1\t3 4\n").starts == Numbers{1, 3});
  CATCH_CHECK(read("chr1\t1\t2\t0.1\t0.2\t0.3\n").columns().back() == "column6");
}

CATCH_TEST_CASE("a first line of words names the columns", "[bed]") {
  const Intervals found = read("chrom\tstart\tend\tactivity\tstrand\nchr1\t1\t2\t0.25\t-\n");
  CATCH_CHECK(found.size() == 1);
  CATCH_CHECK(found.strands == "-");
  CATCH_CHECK(found.values("activity") == Words{"0.25"});
  CATCH_CHECK_THROWS_WITH(found.values("activty"),
                          Catch::Contains("no column 'activty', the nearest is 'activity'"));
}

CATCH_TEST_CASE("peaks are told from BED by what they hold", "[bed]") {
  const Intervals narrow =
      read("chr1\t10\t50\tp\t5\t.\t8.5\t3\t2\t7\nchr1\t60\t70\tq\t5\t.\t8\t3\t2\t-1\n");
  CATCH_CHECK(narrow.format() == "narrowPeak");
  CATCH_CHECK(narrow.summits == Numbers{17, -1});
  CATCH_CHECK(narrow.values("signalValue") == Words{"8.5", "8"});
  const Intervals broad = read("chr1\t10\t50\tp\t5\t.\t8.5\t3\t2\n");
  CATCH_CHECK(broad.format() == "broadPeak");
  CATCH_CHECK(broad.columns().back() == "qValue");
  const Intervals bed = read("chr1\t10\t50\tp\t5\t.\t10\t50\t0\n");
  CATCH_CHECK(bed.format() == "BED");
  CATCH_CHECK(bed.columns().back() == "itemRgb");
}

CATCH_TEST_CASE("GTF counts from one, and its attributes are columns", "[gtf]") {
  const std::string text =
      "#!genome x\nchr1\ta\tgene\t11\t20\t.\t-\t.\tgene_id \"G1\"; gene_name \"x; y\"; level 2\n"
      "chr1\ta\texon\t11\t11\t.\t+\t0\tgene_id \"G1\";\n";
  const Intervals genes = read(text, "gene");
  CATCH_CHECK(genes.format() == "GTF");
  CATCH_CHECK(genes.starts == Numbers{10});
  CATCH_CHECK(genes.ends == Numbers{20});
  CATCH_CHECK(genes.strands == "-");
  CATCH_CHECK(genes.values("gene_id") == Words{"G1"});
  CATCH_CHECK(genes.values("gene_name") == Words{"x; y"});
  CATCH_CHECK(genes.values("level") == Words{"2"});
  const Intervals all = read(text);
  CATCH_CHECK(all.ends == Numbers{20, 11});
  CATCH_CHECK(all.values("level") == Words{"2", ""});
  CATCH_CHECK_THROWS_WITH(all.values("biotype"), Catch::Contains("no column or attribute"));
  const Intervals gff =
      read("##gff-version 3\nc\ts\tgene\t1\t2\t.\t+\t.\tID=g;Name=x\n##FASTA\n>c\nAC\n");
  CATCH_CHECK(gff.values("Name") == Words{"x"});
}

CATCH_TEST_CASE("every bad line is told with file, line, expected and found", "[bed]") {
  CATCH_CHECK(message_of("") == "a.bed: expected intervals, got none");
  CATCH_CHECK(message_of("chr1\t5\n") ==
              "a.bed: record 0, line 1: expected at least 3 columns: chromosome, start, end, got "
              "'chr1'");
  CATCH_CHECK(message_of("chr1\t1\t2\nchr1\t9\t9\n") ==
              "a.bed: record 1, line 2: expected start < end, got start 9, end 9");
  CATCH_CHECK(message_of("chr1\t1\t2\nchr1\t-4\t9\n") ==
              "a.bed: record 1, line 2: expected a start, a whole number from 0, got '-4'");
  CATCH_CHECK(message_of("chr1\t1\t2\nchr1\t4\t9e3\n") ==
              "a.bed: record 1, line 2: expected an end, a whole number, got '9e3'");
  CATCH_CHECK(message_of("chr1\t1\t2\nchr1\t4\t9\tx\n") ==
              "a.bed: record 1, line 2: expected 3 columns, as the first line has, got 4");
  CATCH_CHECK(message_of("c\t1\t2\tx\t0\t+\nc\t1\t2\tx\t0\t*\n") ==
              "a.bed: record 1, line 2: expected a strand: +, - or ., got '*'");
  CATCH_CHECK(message_of("c\ts\tgene\t0\t2\t.\t+\t.\tx\n") ==
              "a.bed: record 0, line 1: expected a start, a whole number from 1, got '0'");
  CATCH_CHECK(
      message_of("c\ts\tgene\t1\t2\t.\t+\t.\tx\n", "exon").starts_with("a.bed has, got 'exon'"));
  // A column is of numbers or of words; 1_2 is no number, whatever a programming language says.
  const Intervals mixed = read("c\t1\t2\t1_2\t7\nc\t1\t2\tx\t.\n");
  CATCH_CHECK(!mixed.numbers("name"));
  CATCH_CHECK_THROWS_WITH(
      mixed.numbers("score"),
      Catch::Contains("record 1, line 2: expected a number in column 'score'") &&
          Catch::Contains("line 1 has, got '.'"));
  CATCH_CHECK(read("c\t1\t2\tx\t7\nc\t1\t2\ty\t-1.5\n").numbers("score") ==
              std::vector<double>{7, -1.5});
  CATCH_CHECK_THROWS_WITH(Intervals::from_values("frame", {"a", "b"}, {1, 5}, {2, 5}, ""),
                          "frame: record 1: expected 0 <= start < end, got start 5, end 5");
}
