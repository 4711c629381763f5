#include "deepbio/base/error.h"

#include <iomanip>
#include <vector>

#include "catch.h"

using namespace deepbio;

CATCH_TEST_CASE("A parse error names the file, the place, what was expected and what was found",
                "[error]") {
  const ParseError error({"reads.fq", 3, 14, 159}, "a line that starts with '+'", "'ACGT'",
                         ErrorKind::kStructure);
  CATCH_CHECK(
      std::string(error.what()) ==
      "reads.fq: record 3, line 14, byte 159: expected a line that starts with '+', got 'ACGT'");
  CATCH_CHECK(error.place().record == 3);
  CATCH_CHECK(error.place().line == 14);
  CATCH_CHECK(error.place().offset_bytes == 159);
  CATCH_CHECK(error.kind() == ErrorKind::kStructure);
}

CATCH_TEST_CASE("Parts of a place that do not apply are left out of the message", "[error]") {
  CATCH_CHECK(std::string(ParseError({"t.biom"}, "x", "y").what()) == "t.biom: expected x, got y");
  CATCH_CHECK(std::string(ParseError({"t", -1, 2, -1}, "x", "y").what()) ==
              "t: line 2: expected x, got y");
  CATCH_CHECK(std::string(ParseError({"t", -1, -1, 0}, "x", "").what()) == "t: byte 0: expected x");
}

CATCH_TEST_CASE("A message is one line even when the path holds line ends", "[error]") {
  const std::string message = MissingFileError("a\nb\r", "no such file").what();
  CATCH_CHECK(message.find_first_of("\r\n") == std::string::npos);
}

CATCH_TEST_CASE("Every error of the library is an Error", "[error]") {
  CATCH_CHECK_THROWS_AS(throw ParseError({"p"}, "a", "b"), Error);
  CATCH_CHECK_THROWS_AS(throw MissingFileError("p", "r"), Error);
  CATCH_CHECK_THROWS_AS(throw WriteError("w"), Error);
  CATCH_CHECK_THROWS_AS(throw ArgumentError("w"), Error);
  CATCH_CHECK_THROWS_AS(throw ShapeError("w"), Error);
  CATCH_CHECK_THROWS_AS(throw ConfigError("w"), Error);
}

CATCH_TEST_CASE("Quoting shows non-printing bytes and cuts long text", "[error]") {
  CATCH_CHECK(quoted("ACGT") == "'ACGT'");
  CATCH_CHECK(quoted(std::string("a\0b\n\xff", 5)) == "'a\\x00b\\x0a\\xff'");
  // Letters of any language as they are; blanks that nobody sees, and bytes that are no text, not.
  CATCH_CHECK(quoted("Pr\xc3\xb8ve") == "'Pr\xc3\xb8ve'");
  CATCH_CHECK(quoted("a\xc2\xa0\xe9") == "'a\\xc2\\xa0\\xe9'");
  CATCH_CHECK(quoted("it's") == "'it\\'s'");
  CATCH_CHECK(quoted("ACGTACGT", 4) == "'ACGT...'");
  CATCH_CHECK(quoted("") == "''");
}

CATCH_TEST_CASE("Edit distance agrees with known pairs", "[error]") {
  CATCH_CHECK(edit_distance("kitten", "sitting") == 3);
  CATCH_CHECK(edit_distance("", "abc") == 3);
  CATCH_CHECK(edit_distance("abc", "abc") == 0);
  CATCH_CHECK(edit_distance("flaw", "lawn") == 2);
}

CATCH_TEST_CASE("The nearest name is found, and none when all are far", "[error]") {
  const std::vector<std::string> names{"unweighted", "weighted_normalized", "generalized"};
  CATCH_CHECK(nearest_name("unweigthed", names) == "unweighted");
  CATCH_CHECK(nearest_name("generalised", names) == "generalized");
  CATCH_CHECK(nearest_name("zzzz", names).empty());
}

CATCH_TEST_CASE("The families of parse errors have the names of the sequence corpus", "[error]") {
  CATCH_CHECK(to_string(ErrorKind::kStructure) == "structure");
  CATCH_CHECK(to_string(ErrorKind::kLength) == "length");
  CATCH_CHECK(to_string(ErrorKind::kAlphabet) == "alphabet");
  CATCH_CHECK(to_string(ErrorKind::kContainer) == "container");
  CATCH_CHECK(to_string(ErrorKind::kResource) == "resource");
  CATCH_CHECK(to_string(ErrorKind::kOther) == "other");
}
