#include "deepbio/seq/text_rules.h"

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::seq;

namespace {

std::string normalize(const char* json, std::string_view text) {
  return Normalizer::from_json(Json::parse(json)).apply(text);
}
std::vector<std::string> split(const char* json, std::string_view text) {
  std::string room;
  const auto pieces = PreTokenizer::from_json(Json::parse(json)).split(text, room);
  return {pieces.begin(), pieces.end()};
}

}  // namespace

CATCH_TEST_CASE("Normalizers work one after another", "[text_rules]") {
  CATCH_REQUIRE(normalize(R"({"type":"Strip","strip_left":true,"strip_right":false})", " A ") ==
                "A ");
  CATCH_REQUIRE(normalize(R"({"type":"Sequence","normalizers":[{"type":"Lowercase"},
      {"type":"Replace","pattern":{"Regex":"n{3,}"},"content":"-"}]})",
                          "ANNNNCNN") == "a-cnn");
  CATCH_REQUIRE(normalize(R"({"type":"BertNormalizer","clean_text":true,"lowercase":true})",
                          "A\tC\x01") == "a c");
  CATCH_REQUIRE(Normalizer::from_json(Json::parse(R"({"type":"NFC"})")).changes_nothing());
  CATCH_REQUIRE_THROWS_WITH(Normalizer::from_json(Json::parse(R"({"type":"Nmt"})")),
                            "normalizer 'Nmt' is not supported");
}

CATCH_TEST_CASE("Pre-tokenizers cut as their behavior says", "[text_rules]") {
  using Pieces = std::vector<std::string>;
  CATCH_REQUIRE(split(R"({"type":"Whitespace"})", "AC, G_1") == Pieces{"AC", ",", "G_1"});
  CATCH_REQUIRE(split(R"({"type":"WhitespaceSplit"})", " AC, G") == Pieces{"AC,", "G"});
  CATCH_REQUIRE(split(R"({"type":"BertPreTokenizer"})", "A-C G") == Pieces{"A", "-", "C", "G"});
  CATCH_REQUIRE(split(R"({"type":"ByteLevel","add_prefix_space":true})", "AC  12") ==
                Pieces{" AC", " ", " 12"});
  const auto at_n = [](const std::string& behavior) {
    return split((R"({"type":"Split","pattern":{"String":"N"},"invert":false,"behavior":")" +
                  behavior + "\"}")
                     .c_str(),
                 "ANNC");
  };
  CATCH_REQUIRE(at_n("Isolated") == Pieces{"A", "N", "N", "C"});
  CATCH_REQUIRE(at_n("Removed") == Pieces{"A", "C"});
  CATCH_REQUIRE(at_n("MergedWithPrevious") == Pieces{"AN", "N", "C"});
  CATCH_REQUIRE(at_n("MergedWithNext") == Pieces{"A", "N", "NC"});
  CATCH_REQUIRE(at_n("Contiguous") == Pieces{"A", "NN", "C"});
  CATCH_REQUIRE_THROWS_AS(at_n("Odd"), ArgumentError);
}

CATCH_TEST_CASE("ByteLevel writes printable bytes as themselves and the others above U+0100",
                "[text_rules]") {
  CATCH_REQUIRE(byte_level_letter('A') == "A");
  CATCH_REQUIRE(byte_level_letter(' ') == "\xC4\xA0");
  CATCH_REQUIRE(byte_level_letter(0) == "\xC4\x80");
  CATCH_REQUIRE(byte_level_letter(0xAD) == "\xC5\x83");
}
