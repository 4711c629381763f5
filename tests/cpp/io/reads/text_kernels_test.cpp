#include "deepbio/io/reads/text_kernels.h"

#include <string>

#include "catch.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

bool is_record(const std::string& text) {
  FourLines found;
  return text_kernels(Simd::kScalar).find_four_lines(text.data(), text.data() + text.size(), found);
}

}  // namespace

CATCH_TEST_CASE("letters and three signs are sequence bytes, nothing else", "[text_kernels]") {
  const std::string good = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz*-.";
  for (int byte = 0; byte < 256; ++byte) {
    const bool is_good = byte != 0 && good.find(static_cast<char>(byte)) != std::string::npos;
    CATCH_CAPTURE(byte);
    CATCH_REQUIRE(is_sequence_byte(static_cast<unsigned char>(byte)) == is_good);
    CATCH_REQUIRE(is_sequence_text(good + static_cast<char>(byte) + good) == is_good);
    CATCH_REQUIRE(is_quality_text(std::string(9, static_cast<char>(byte))) ==
                  (byte >= 33 && byte <= 126));
  }
  CATCH_REQUIRE(is_sequence_text(""));
}

CATCH_TEST_CASE("the parts of a four-line record are found, without line ends", "[text_kernels]") {
  const std::string text = "@a b\r\nACG\n+a b\r\nI@I\r\n@next";
  FourLines found;
  CATCH_REQUIRE(
      text_kernels(Simd::kScalar).find_four_lines(text.data(), text.data() + text.size(), found));
  CATCH_REQUIRE(std::string(found.title, found.title_size) == "a b");
  CATCH_REQUIRE(std::string(found.title, found.name_size) == "a");
  CATCH_REQUIRE(std::string(found.sequence, found.length) == "ACG");
  CATCH_REQUIRE(std::string(found.quality, 3) == "I@I");
  CATCH_REQUIRE(std::string(found.end) == "@next");
}

CATCH_TEST_CASE("what is not a whole good record of four lines is left to the reader of lines",
                "[text_kernels]") {
  CATCH_REQUIRE(is_record("@a\nAC\n+\nII\n"));
  for (const char* text :
       {"", "@", ">a\nAC\n+\nII\n", "@a\nAC\n+\nII", "@a\nAC\n+\nI\n", "@a\nAC\n+\nIII\n",
        "@a\nA C\n+\nIII\n", "@a\nAC\n-\nII\n", "@a\nAC\n+b\nII\n", "@a\rb\nAC\n+\nII\n",
        "@a\nAC\nGT\n+\nIIII\n", "@a\nAC\n+\nI I\n", "@a\nAC\n+\nI\x7f\n", "@a\nAC\n+\nII\r"}) {
    CATCH_CAPTURE(text);
    CATCH_REQUIRE_FALSE(is_record(text));
  }
}

CATCH_TEST_CASE("lines are joined up to the first that is not plain or not whole",
                "[text_kernels]") {
  const auto joined = [](const std::string& text) {
    std::string out(text.size() + kJoinSlack, '\0');
    const JoinedLines lines =
        text_kernels(Simd::kScalar).join_lines(text.data(), text.data() + text.size(), out.data());
    return std::string(out.data(), lines.out) + "|" + lines.in + "|" +
           std::to_string(lines.num_lines);
  };
  CATCH_REQUIRE(joined("AC\n\nGT\n>b\n") == "ACGT|>b\n|3");
  CATCH_REQUIRE(joined("AC\nGT") == "AC|GT|1");
  CATCH_REQUIRE(joined("AC\nG T\nA\n") == "AC|G T\nA\n|1");
  CATCH_REQUIRE(joined("AC\r\n") == "|AC\r\n|0");
}
