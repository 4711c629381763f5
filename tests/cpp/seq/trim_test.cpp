#include "deepbio/seq/trim.h"

#include <algorithm>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::seq;

namespace {

std::string trimmed(const Transform& transform, const std::string& letters,
                    const std::string& scores) {
  Read read;
  read.assign(letters, scores, !scores.empty(), 0, 0);
  transform.apply(read);
  CATCH_REQUIRE((!read.has_quality() || read.quality().size() == read.sequence().size()));
  return std::string(read.sequence());
}

}  // namespace

CATCH_TEST_CASE("Ends below the threshold are cut, and the whole of a bad read", "[trim]") {
  CATCH_REQUIRE(trimmed(EndTrimmer(20), "ACGTAC", "!5!I!!") == "CGT");
  CATCH_REQUIRE(trimmed(EndTrimmer(20), "ACGT", "!!!!").empty());
  CATCH_REQUIRE_THROWS_AS(trimmed(EndTrimmer(20), "ACGT", ""), ArgumentError);
  CATCH_REQUIRE_THROWS_WITH(EndTrimmer(94), Catch::Contains("got 94"));
}

CATCH_TEST_CASE("The sliding window cuts where a plain sum of each window says", "[trim]") {
  CounterRandom random(3, 0, 0, Purpose::kSimulate);
  for (int round = 0; round < 300; ++round) {
    const auto size = static_cast<int64_t>(random.below(30)),
               width = static_cast<int64_t>(1 + random.below(6));
    std::string letters, scores;
    for (int64_t i = 0; i < size; ++i) {
      letters += static_cast<char>('A' + i % 26);
      scores += static_cast<char>(33 + random.below(45));
    }
    const int64_t used = std::min(width, size);
    int64_t cut = size;
    for (int64_t begin = 0; used > 0 && begin + used <= size && cut == size; ++begin) {
      double sum = 0;
      for (int64_t i = begin; i < begin + used; ++i) sum += scores[static_cast<size_t>(i)] - 33;
      if (sum / static_cast<double>(used) < 20) cut = begin;
    }
    const std::string expected = letters.substr(0, static_cast<size_t>(cut));
    if (size > 0) CATCH_REQUIRE(trimmed(WindowTrimmer(20, width), letters, scores) == expected);
  }
}

CATCH_TEST_CASE("An adapter is cut inside, at the end, and with mismatches up to its rate",
                "[trim]") {
  const AdapterTrimmer trimmer("AGATCGGAAG", 0.1, 3);
  CATCH_REQUIRE(trimmed(trimmer, "CCCCAGATCGGAAGTT", "") == "CCCC");
  CATCH_REQUIRE(trimmed(trimmer, "CCCCAGATCGGTAGTT", "") == "CCCC");     // one of ten
  CATCH_REQUIRE(trimmed(trimmer, "CCCCAGTTCGGTAGTT", "").size() == 16);  // two of ten
  CATCH_REQUIRE(trimmed(trimmer, "CCCCagat", "") == "CCCC");
  CATCH_REQUIRE(trimmed(trimmer, "CCCCAG", "") == "CCCCAG");
  CATCH_REQUIRE_THROWS_AS(AdapterTrimmer("", 0.1, 1), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(AdapterTrimmer("ACG", 0.1, 4), ArgumentError);
}

CATCH_TEST_CASE("Letters of low quality become N", "[trim]") {
  CATCH_REQUIRE(trimmed(QualityMasker(20), "ACGT", "!5!I") == "NCNT");
}
