#include "deepbio/seq/filter.h"

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::seq;

namespace {

bool stays(const Transform& filter, const std::string& letters, const std::string& scores = "",
           int64_t record = 0) {
  Read read;
  read.assign(letters, scores, !scores.empty(), record, 0);
  return filter.apply(read);
}

}  // namespace

CATCH_TEST_CASE("Length limits are inclusive", "[filter]") {
  CATCH_REQUIRE((stays(LengthFilter(2, 4), "AC") && stays(LengthFilter(2, 4), "ACGT")));
  CATCH_REQUIRE_FALSE((stays(LengthFilter(2, 4), "A") || stays(LengthFilter(2, 4), "ACGTA")));
  CATCH_REQUIRE(stays(LengthFilter(0, 0), ""));
  CATCH_REQUIRE_THROWS_WITH(LengthFilter(5, 4), Catch::Contains("5 and 4"));
}

CATCH_TEST_CASE("Quality is the arithmetic mean of scores, and a limit for each", "[filter]") {
  CATCH_REQUIRE(mean_quality("!I") == 20);
  CATCH_REQUIRE(mean_quality("") == 0);
  CATCH_REQUIRE(stays(QualityFilter(20, 0), "AC", "!I"));
  CATCH_REQUIRE_FALSE(stays(QualityFilter(20.5, 0), "AC", "!I"));
  CATCH_REQUIRE_FALSE(stays(QualityFilter(0, 1), "AC", "!I"));
  CATCH_REQUIRE_THROWS_AS(stays(QualityFilter(1, 0), "AC"), ArgumentError);
}

CATCH_TEST_CASE("Subsampling goes by record number", "[filter]") {
  using Kind = Subsampler::Kind;
  std::vector<int64_t> nth, first;
  int64_t share = 0;
  for (int64_t record = 0; record < 10000; ++record) {
    if (stays(Subsampler(Kind::kEveryNth, 4000, 0), "A", "", record)) nth.push_back(record);
    if (stays(Subsampler(Kind::kFirst, 2, 0), "A", "", record)) first.push_back(record);
    share += stays(Subsampler(Kind::kFraction, 0.3, 9), "A", "", record);
  }
  CATCH_REQUIRE(
      (nth == std::vector<int64_t>{0, 4000, 8000} && first == std::vector<int64_t>{0, 1}));
  CATCH_REQUIRE((share > 2800 && share < 3200));
  CATCH_REQUIRE_THROWS_WITH(Subsampler(Kind::kEveryNth, 0, 0), Catch::Contains("got 0"));
}

CATCH_TEST_CASE("Copies are counted by sequence, whatever its length", "[filter]") {
  DuplicateCounter counter;
  std::string letters;
  for (int i = 0; i < 200; ++i) {
    CATCH_REQUIRE(counter.add(letters) == 1);
    letters += "ACGT"[i * i % 7 % 4];
  }
  CATCH_REQUIRE((counter.add("") == 2 && counter.count("") == 2 && counter.count("acgt") == 0));
  CATCH_REQUIRE(counter.num_distinct() == 200);
}

CATCH_TEST_CASE("A kind of subsampling has one of three names", "[filter]") {
  using Kind = Subsampler::Kind;
  CATCH_REQUIRE(parse_subsampling("fraction") == Kind::kFraction);
  CATCH_REQUIRE(parse_subsampling("every_nth") == Kind::kEveryNth);
  CATCH_REQUIRE(parse_subsampling("first_n") == Kind::kFirst);
  CATCH_REQUIRE_THROWS_WITH(parse_subsampling("every_mth"), Catch::Contains("'every_mth'"));
}
