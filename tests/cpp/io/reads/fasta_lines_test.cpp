#include "deepbio/io/reads/fasta_lines.h"

#include <string>

#include "catch.h"

using namespace deepbio;
using namespace deepbio::io;

CATCH_TEST_CASE("plain lines are joined behind what is there, by every path", "[fasta_lines]") {
  std::string text, joined;
  for (size_t length = 0; length < 700; ++length) {  // beyond the first capacity
    const std::string line(length, "ACGTNacgt*-."[length % 12]);
    text += line + "\n";
    joined += line;
  }
  for (const Simd simd : simd_paths()) {
    FastaLines lines(1 << 20, simd);
    lines.append("xy");
    const auto taken = lines.append_lines(text + ">next\n");
    CATCH_REQUIRE(taken.num_bytes == text.size());
    CATCH_REQUIRE(taken.num_lines == 700);
    CATCH_REQUIRE(lines.joined() == "xy" + joined);
    lines.clear();
    CATCH_REQUIRE(lines.joined().empty());
    CATCH_REQUIRE(lines.append_lines("A C\n").num_lines == 0);
    CATCH_REQUIRE(lines.size() == 0);
  }
}
