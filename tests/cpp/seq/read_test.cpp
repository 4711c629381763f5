#include "deepbio/seq/read.h"

#include <array>
#include <string>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::seq;

CATCH_TEST_CASE(
    "A read looks into its source until it is written to, and qualities are cropped with it",
    "[read]") {
  const std::string letters = "ACGTACGT", scores = "12345678";
  Read read;
  read.assign(letters, scores, true, 3, 1);
  read.keep(2, 4);
  CATCH_REQUIRE(read.sequence().data() == letters.data() + 2);
  CATCH_REQUIRE(read.quality() == "3456");
  CATCH_REQUIRE_FALSE(read.owns_sequence());
  read.writable_sequence()[0] = 'N';
  CATCH_REQUIRE(read.owns_sequence());
  CATCH_REQUIRE(read.sequence() == "NTAC");
  CATCH_REQUIRE(letters == "ACGTACGT");
  read.keep(1, 2);
  read.writable_sequence()[1] = 'G';
  CATCH_REQUIRE(read.sequence() == "TG");
  CATCH_REQUIRE_THROWS_WITH(read.assign("ACG", "II", true, 7, 0),
                            Catch::Contains("record 7") && Catch::Contains("2"));
}

CATCH_TEST_CASE("Draws depend on seed, salt, epoch and record, and small draws cover their range",
                "[read]") {
  const auto first = [](uint64_t seed, uint64_t salt, int64_t record, uint64_t epoch) {
    Read read;
    read.assign("A", "", false, record, epoch);
    return draws(seed, salt, read).next_u64();
  };
  CATCH_REQUIRE(first(1, 2, 3, 4) == first(1, 2, 3, 4));
  CATCH_REQUIRE(first(1, 2, 3, 4) != first(5, 2, 3, 4));
  CATCH_REQUIRE(first(1, 2, 3, 4) != first(1, 6, 3, 4));
  CATCH_REQUIRE(first(1, 2, 3, 4) != first(1, 2, 7, 4));
  CATCH_REQUIRE(first(1, 2, 3, 4) != first(1, 2, 3, 5));
  CounterRandom random(1, 0, 0, Purpose::kAugmentation);
  std::array<int, 3> seen{};
  for (int i = 0; i < 3000; ++i) ++seen.at(small_draw(random, 3));
  for (const int count : seen) CATCH_REQUIRE((count > 900 && count < 1100));
}
