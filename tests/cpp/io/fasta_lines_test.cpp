#include "deepbio/io/fasta_lines.h"

#include <string>

#include "catch.h"

using deepbio::io::FastaLines;

CATCH_TEST_CASE("a block of plain lines is joined as line by line", "[fasta_lines]") {
  std::string text, joined;
  for (size_t length = 0; length < 200; ++length) {
    const std::string line(length, "ACGTNacgt*-."[length % 12]);
    text += line + "\n";
    joined += line;
  }
  FastaLines lines;
  lines.append("xy");
  CATCH_REQUIRE(lines.append_block(text) == 200);
  CATCH_REQUIRE(lines.joined() == "xy" + joined);
  lines.clear();
  CATCH_REQUIRE(lines.joined().empty());
}

CATCH_TEST_CASE("a block ends with its last whole line before a title", "[fasta_lines]") {
  CATCH_REQUIRE(FastaLines::plain_block("AC\nGT\n>b\nA\n") == "AC\nGT\n");
  CATCH_REQUIRE(FastaLines::plain_block("AC\nGT") == "AC\n");
  CATCH_REQUIRE(FastaLines::plain_block("AC>\nGT\n").empty());
  CATCH_REQUIRE(FastaLines::plain_block("").empty());
  CATCH_REQUIRE(FastaLines::plain_block(std::string(1 << 20, 'A')).empty());
}

CATCH_TEST_CASE("any byte that may not stand in a sequence sends the block back, wherever it is", "[fasta_lines]") {
  const std::string good = std::string(70, 'A') + "\n" + std::string(61, 'c') + "\n";
  for (int byte = 0; byte < 256; ++byte) {
    const auto letter = static_cast<unsigned char>(byte);
    const bool is_good = (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z') || byte == '*' ||
                         byte == '-' || byte == '.' || byte == '\n';
    for (const size_t at : {size_t{0}, size_t{31}, size_t{64}, size_t{131}}) {
      std::string text = good;
      text[at] = static_cast<char>(byte);
      FastaLines lines;
      CATCH_REQUIRE((lines.append_block(text) >= 0) == is_good);
      if (!is_good) CATCH_REQUIRE(lines.size() == 0);
    }
  }
}
