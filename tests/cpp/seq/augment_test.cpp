#include "deepbio/seq/augment.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::seq;

namespace {

std::string changed(const Transform& transform, const std::string& letters, int64_t record = 0,
                    uint64_t epoch = 0) {
  Read read;
  read.assign(letters, "", false, record, epoch);
  transform.apply(read);
  return std::string(read.sequence());
}

}  // namespace

CATCH_TEST_CASE("A mutated letter is always another one, at the rate asked for", "[augment]") {
  const std::string letters(100000, 'C');
  for (const double rate : {0.0, 0.01, 0.3, 1.0}) {
    const std::string out = changed(Mutator(rate, SequenceType::kDna, 5), letters);
    CATCH_REQUIRE(out.size() == letters.size());
    const auto same = static_cast<double>(std::count(out.begin(), out.end(), 'C'));
    const double sd = std::sqrt(rate * (1 - rate) / 1e5);
    CATCH_REQUIRE(std::abs(1 - same / 1e5 - rate) <= 5 * sd);
    const auto a = static_cast<double>(std::count(out.begin(), out.end(), 'A'));
    CATCH_REQUIRE(std::abs(a / 1e5 - rate / 3) <= 5 * std::sqrt(rate / 3e5));
  }
  const Mutator mutator(0.2, SequenceType::kDna, 5);
  CATCH_REQUIRE(changed(mutator, letters, 1) == changed(mutator, letters, 1));
  CATCH_REQUIRE(changed(mutator, letters, 1) != changed(mutator, letters, 2));
  CATCH_REQUIRE(changed(mutator, letters, 1) != changed(mutator, letters, 1, 1));
  CATCH_REQUIRE_THROWS_WITH(Mutator(1.5, SequenceType::kDna, 0), Catch::Contains("got 1.5"));
}

CATCH_TEST_CASE("Windows lie at the start, center, end, or anywhere", "[augment]") {
  const std::string letters = "ABCDEFGH";
  CATCH_REQUIRE(changed(Sampler(3, Window::kStart, ShortRead::kError, 0), letters) == "ABC");
  CATCH_REQUIRE(changed(Sampler(3, Window::kCenter, ShortRead::kError, 0), letters) == "CDE");
  CATCH_REQUIRE(changed(Sampler(3, Window::kEnd, ShortRead::kError, 0), letters) == "FGH");
  const Sampler random(3, Window::kRandom, ShortRead::kError, 1);
  std::array<int, 6> seen{};
  for (int64_t record = 0; record < 6000; ++record)
    ++seen.at(letters.find(changed(random, letters, record)));
  for (const int count : seen) CATCH_REQUIRE((count > 850 && count < 1150));
  CATCH_REQUIRE(changed(Sampler(10, Window::kRandom, ShortRead::kKeep, 0), letters) == letters);
  CATCH_REQUIRE(changed(Sampler(10, Window::kStart, ShortRead::kPad, 0), letters) == "ABCDEFGHNN");
  CATCH_REQUIRE_THROWS_WITH(changed(Sampler(10, Window::kStart, ShortRead::kError, 0), letters, 4),
                            Catch::Contains("at least 10 letters, record 4 has 8; `short=keep` or "
                                            "`short=pad` takes it"));
  CATCH_REQUIRE_THROWS_WITH(Sampler(0, Window::kStart, ShortRead::kError, 0),
                            Catch::Contains("got 0"));
}

CATCH_TEST_CASE("The other strand turns the qualities too; simulated ones keep their range",
                "[augment]") {
  Read read;
  read.assign("AACGn", "12345", true, 0, 0);
  ReverseComplement(1, SequenceType::kDna, 0).apply(read);
  CATCH_REQUIRE((read.sequence() == "nCGTT" && read.quality() == "54321"));
  const std::string letters(2000, 'A');
  read.assign(letters, "", false, 0, 0);
  QualitySimulator({QualityModel::Kind::kUniform, 3, 5, 0}, 1).apply(read);
  const auto [low, high] = std::minmax_element(read.quality().begin(), read.quality().end());
  CATCH_REQUIRE((*low == 33 + 3 && *high == 33 + 5));
  CATCH_REQUIRE_THROWS_AS(QualitySimulator({QualityModel::Kind::kUniform, 6, 5, 0}, 1),
                          ArgumentError);
  CATCH_REQUIRE_THROWS_AS(ReverseComplement(2, SequenceType::kDna, 0), ArgumentError);
}

CATCH_TEST_CASE("A model of qualities has one of three names", "[augment]") {
  using Kind = QualityModel::Kind;
  CATCH_REQUIRE(parse_quality_model("uniform") == Kind::kUniform);
  CATCH_REQUIRE(parse_quality_model("normal") == Kind::kNormal);
  CATCH_REQUIRE(parse_quality_model("degrading") == Kind::kDegrading);
  CATCH_REQUIRE_THROWS_WITH(parse_quality_model("high"), Catch::Contains("'high'"));
}
