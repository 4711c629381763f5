#include "deepbio/io/reads/fastq_record.h"

#include "catch.h"

using namespace deepbio;
using namespace deepbio::io;
using Result = FastqScanner::Result;

CATCH_TEST_CASE("a record before the end asks for more text at every cut", "[fastq_record]") {
  const std::string text = "@a b\nACG\n+\nI@I\n", with_next = text + "@next";
  FastqScanner scanner;
  for (size_t cut = 0; cut < text.size(); ++cut) {
    CATCH_CAPTURE(cut);
    CATCH_REQUIRE(scanner.scan(text.substr(0, cut), false) == Result::kNeedMore);
  }
  CATCH_REQUIRE(scanner.scan(with_next, false) == Result::kRecord);
  CATCH_REQUIRE(scanner.title == "a b");
  CATCH_REQUIRE(scanner.sequence == "ACG");
  CATCH_REQUIRE(scanner.quality == "I@I");
  CATCH_REQUIRE(scanner.num_bytes == text.size());
  CATCH_REQUIRE(scanner.num_lines == 4);
}

CATCH_TEST_CASE("a wrapped record is joined and counted by its lines", "[fastq_record]") {
  const std::string text = "@a\nAC\nG\n+a\nI\nII\n@b\n";
  FastqScanner scanner;
  CATCH_REQUIRE(scanner.scan(text, true) == Result::kRecord);
  CATCH_REQUIRE(scanner.sequence == "ACG");
  CATCH_REQUIRE(scanner.quality == "III");
  CATCH_REQUIRE(scanner.num_lines == 6);
  CATCH_REQUIRE(text.substr(scanner.num_bytes) == "@b\n");
}

CATCH_TEST_CASE("what is wrong is told with kind and line", "[fastq_record]") {
  struct Case {
    std::string text;
    ErrorKind kind;
    int64_t line;
  };
  const std::vector<Case> cases{
      {"a\nA\n+\nI\n", ErrorKind::kStructure, 0},
      {"@a\nA\nI\n+\n", ErrorKind::kLength, 3},
      {"@a\nA\n+b\nI\n", ErrorKind::kStructure, 2},
      {"@a\nAC\n+\nI\n", ErrorKind::kLength, 3},
      {"@a\nA\n+\nII\n", ErrorKind::kLength, 3},
      {"@a\nA C\n+\nIII\n", ErrorKind::kAlphabet, 1},
      {"@a\nACG\n+\nI I\n", ErrorKind::kAlphabet, 3},
      {"@a\nA\n+\n\x7f\n", ErrorKind::kAlphabet, 3},
      {"@a\rb\nA\n+\nI\n", ErrorKind::kStructure, 0},
  };
  FastqScanner scanner;
  for (const Case& c : cases) {
    CATCH_CAPTURE(c.text);
    CATCH_REQUIRE(scanner.scan(c.text, true) == Result::kBad);
    CATCH_REQUIRE(to_string(scanner.problem.kind) == to_string(c.kind));
    CATCH_REQUIRE(scanner.problem.line == c.line);
  }
}
