#include "deepbio/seq/text_pattern.h"

#include <utility>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::seq;

namespace {

using Matches = std::vector<std::pair<size_t, size_t>>;
Matches find(const TextPattern& pattern, std::string_view text) {
  Matches out;
  for (const TextMatch& match : pattern.find_all(text)) out.emplace_back(match.begin, match.end);
  return out;
}

}  // namespace

CATCH_TEST_CASE("Patterns match greedily from left to right", "[text_pattern]") {
  CATCH_REQUIRE(find(TextPattern::literal("NN"), "NNNAN NN") == Matches{{0, 2}, {6, 8}});
  CATCH_REQUIRE(find(TextPattern::literal(""), "ACG").empty());
  CATCH_REQUIRE(find(TextPattern::expression("N{3,}"), "NNANNNNANNN") == Matches{{3, 7}, {8, 11}});
  CATCH_REQUIRE(find(TextPattern::expression("N{2}"), "NNNNN") == Matches{{0, 2}, {2, 4}});
  CATCH_REQUIRE(find(TextPattern::expression("[^A-Ca\\-]+"), "AB-dNaT") == Matches{{3, 5}, {6, 7}});
  CATCH_REQUIRE(find(TextPattern::expression("\\s*[ACGT]"), " \tA.C") == Matches{{0, 3}, {4, 5}});
  CATCH_REQUIRE(find(TextPattern::expression("x?"), "ax") == Matches{{1, 2}});
}

CATCH_TEST_CASE("A long run without a match takes linear time", "[text_pattern]") {
  CATCH_REQUIRE(find(TextPattern::expression("N{1000000,}"), std::string(999'999, 'N')).empty());
}

CATCH_TEST_CASE("Expressions beyond the small kind are refused with the part", "[text_pattern]") {
  for (const char* text : {"(A)", "A|C", "^A", "A$", "A+?", "\\p", "[A", "[A&&B]", "A{2", "A{3,2}",
                           "A+A", "A*C?A", "\\"}) {
    CATCH_INFO(text);
    CATCH_REQUIRE_THROWS_AS(TextPattern::expression(text), ArgumentError);
  }
}
