#include "deepbio/io/reads/fasta_record.h"

#include "catch.h"

using namespace deepbio;
using namespace deepbio::io;
using Result = FastaScanner::Result;

namespace {

struct Opened {
  explicit Opened(const std::string& text, uint64_t max_record_bytes = 1000) {
    test::write_text(folder / "file", text);
    window = std::make_unique<TextWindow>(open_bytes(folder / "file"), max_record_bytes);
    scanner = std::make_unique<FastaScanner>(*window, max_record_bytes, choose_simd());
  }
  test::TemporaryFolder folder;
  std::unique_ptr<TextWindow> window;
  std::unique_ptr<FastaScanner> scanner;
};

}  // namespace

CATCH_TEST_CASE(
    "records come with their place; comments, blank lines and blanks at line ends are dropped",
    "[fasta_record]") {
  Opened file(";c\n\n>a b\nAC\n;x\n\nGT \t\r\n>b\r\n>c\nA");
  FastaScanner& scanner = *file.scanner;
  CATCH_REQUIRE(scanner.next() == Result::kRecord);
  CATCH_REQUIRE(scanner.title == "a b");
  CATCH_REQUIRE(scanner.sequence == "ACGT");
  CATCH_REQUIRE(scanner.line == 3);
  CATCH_REQUIRE(scanner.offset_bytes == 4);
  CATCH_REQUIRE(scanner.next() == Result::kRecord);
  CATCH_REQUIRE(scanner.title == "b");
  CATCH_REQUIRE(scanner.sequence.empty());
  CATCH_REQUIRE(scanner.next() == Result::kRecord);
  CATCH_REQUIRE(scanner.sequence == "A");
  CATCH_REQUIRE(scanner.next() == Result::kEnd);
}

CATCH_TEST_CASE("a bad record tells its place and the next call passes over its rest",
                "[fasta_record]") {
  Opened file(">a\nAC\nA1\nno sequence\n>b\nGT\n>c\rd\nA\n>e\nT\n");
  FastaScanner& scanner = *file.scanner;
  CATCH_REQUIRE(scanner.next() == Result::kBad);
  CATCH_REQUIRE(scanner.problem.kind == ErrorKind::kAlphabet);
  CATCH_REQUIRE(scanner.problem_line + scanner.problem.line == 3);
  CATCH_REQUIRE(scanner.problem_offset_bytes + static_cast<int64_t>(scanner.problem.offset_bytes) ==
                7);
  CATCH_REQUIRE(scanner.next() == Result::kRecord);
  CATCH_REQUIRE(scanner.title == "b");
  CATCH_REQUIRE(scanner.next() == Result::kBad);
  CATCH_REQUIRE(scanner.problem.kind == ErrorKind::kStructure);
  CATCH_REQUIRE(scanner.problem_line == 7);
  CATCH_REQUIRE(scanner.next() == Result::kRecord);
  CATCH_REQUIRE(scanner.title == "e");
}

CATCH_TEST_CASE("a record above the limit is too large, on one line or on many", "[fasta_record]") {
  std::string many = ">a\n";
  for (int i = 0; i < 100; ++i) many += "ACGTACGTACGTACG\n";
  for (const std::string& text : {">a\n" + std::string(1500, 'A') + "\n", many}) {
    Opened file(text);
    CATCH_REQUIRE(file.scanner->next() == Result::kTooLarge);
  }
  Opened fits(">a\n" + std::string(990, 'A') + "\n");
  CATCH_REQUIRE(fits.scanner->next() == Result::kRecord);
}
