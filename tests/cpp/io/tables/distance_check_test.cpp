#include "deepbio/io/tables/distance_check.h"

#include <limits>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/io/tables/matrix.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

const std::vector<std::string> kIds{"a", "b", "c"};

std::vector<double> sound() { return {0, 1, 2, 1, 0, 3, 2, 3, 0}; }

}  // namespace

CATCH_TEST_CASE("what is no distance is refused with the pair and the number", "[distance_check]") {
  const double infinite = std::numeric_limits<double>::infinity(),
               nan = std::numeric_limits<double>::quiet_NaN();
  struct Case {
    size_t place;
    double value;
    const char* expected;
    const char* got;
  };
  // The place is row * 3 + column; one of the two ways alone is changed.
  const Case cases[] = {{1, nan, "'a' and 'b'", "nan"},
                        {3, nan, "'a' and 'b'", "nan"},
                        {5, infinite, "'b' and 'c'", "inf"},
                        {7, -infinite, "'b' and 'c'", "-inf"},
                        {2, -1, "'a' and 'c'", "-1"},
                        {6, 2.5, "both ways between 'a' and 'c'", "2 and 2.5"},
                        {4, 2e-6, "0 between 'b' and 'b'", "2e-06"},
                        {8, nan, "'c' and 'c'", "nan"}};
  for (const Case& item : cases) {
    CATCH_CAPTURE(item.place, item.value);
    std::vector<double> values = sound();
    values[item.place] = item.value;
    const DistanceCheck check = check_distances(values.data(), 3, kIds);
    CATCH_REQUIRE(check.fault);
    CATCH_REQUIRE_THAT(check.fault->expected, Catch::Contains(item.expected));
    CATCH_REQUIRE(check.fault->got == item.got);
    CATCH_REQUIRE_THAT(check_distances(values.data(), 3, {}).fault->expected,
                       Catch::Contains("samples "));
  }
}

CATCH_TEST_CASE("rounding up to 1e-6 is forgiven in all three and mended", "[distance_check]") {
  std::vector<double> values = sound();
  CATCH_REQUIRE_FALSE(check_distances(values.data(), 3, kIds).is_rounded);
  values[0] = 1e-17;
  values[4] = -1e-7;
  values[1] = 1 + 4e-7;
  values[2] = values[6] = -1e-9;
  const DistanceCheck check = check_distances(values.data(), 3, kIds);
  CATCH_REQUIRE_FALSE(check.fault);
  CATCH_REQUIRE(check.is_rounded);
  mend_distances(values.data(), 3);
  CATCH_REQUIRE(values[1] == Approx(1 + 2e-7).margin(1e-15));
  CATCH_REQUIRE(values == std::vector<double>{0, values[1], 0, values[1], 0, 3, 0, 3, 0});
  CATCH_REQUIRE_FALSE(check_distances(values.data(), 3, kIds).is_rounded);

  // As float32 rounds: a millionth of the distance itself where that is more.
  std::vector<float> large{0, 5000, 5000.0005F, 0};
  CATCH_REQUIRE_FALSE(check_distances(large.data(), 2, {}).fault);
  large[1] = 5001;
  CATCH_REQUIRE(check_distances(large.data(), 2, {}).fault);
}

CATCH_TEST_CASE("every pair of a matrix of many tiles is looked at", "[distance_check]") {
  constexpr int64_t n = 130;
  std::vector<double> values(n * n, 1.0);
  for (int64_t i = 0; i < n; ++i) values[i * n + i] = 0;
  CATCH_REQUIRE_FALSE(check_distances(values.data(), n, {}).is_rounded);
  for (const int64_t place :
       {int64_t{1}, n - 1, n * (n - 1), 64 * n + 63, 63 * n + 64, n * n - 1, 65 * n + 129}) {
    CATCH_CAPTURE(place);
    std::vector<double> bad = values;
    bad[place] = 0.5;
    CATCH_REQUIRE(check_distances(bad.data(), n, {}).fault);
  }
}

CATCH_TEST_CASE("a file with rounding is read mended, and told by its number when it is more",
                "[distance_check]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "d.tsv", "\tS1\tS2\nS1\t1e-17\t0.5\nS2\t0.5000000001\t0\n");
  const DistanceMatrix matrix = read_distances(folder / "d.tsv");
  CATCH_REQUIRE(matrix.values[0] == 0);
  CATCH_REQUIRE(matrix.values[1] == matrix.values[2]);
  test::write_text(folder / "d.tsv", "\tS1\tS2\nS1\t1e-5\t0.5\nS2\t0.5\t0\n");
  CATCH_REQUIRE_THROWS_WITH(
      read_distances(folder / "d.tsv"),
      Catch::Contains("0 between 'S1' and 'S1'") && Catch::Contains("got 1e-05"));
}
