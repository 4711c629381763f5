#include <cmath>
#include <string>

#include "catch.h"
#include "data/small_genome.h"

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/data/window_places.h"
#include "deepbio/io/reads/genome_file.h"

using namespace deepbio;
using namespace deepbio::data;

namespace {

std::string random_bases(size_t size, double gc, uint64_t seed) {
  CounterRandom random(seed, 0, 0, Purpose::kSimulate);
  std::string out;
  for (size_t i = 0; i < size; ++i) {
    const bool is_gc = random.uniform() < gc;
    out += (is_gc ? "CG" : "AT")[random.below(2)];
  }
  return out;
}

}  // namespace

CATCH_TEST_CASE("negatives have the share of C and G of what they are drawn for", "[places]") {
  const std::string rich = random_bases(20000, 0.7, 1), poor = random_bases(20000, 0.3, 2);
  const io::TwoBitFile mixed =
      genome_of(">a\n" + rich + poor + std::string(5000, 'N') + "\n>b\n" + poor + "\n");
  std::string text;
  for (int i = 0; i < 20; ++i)
    text += "a\t" + std::to_string(500 * i) + "\t" + std::to_string(500 * i + 10) + "\n";
  WindowRequest request;
  request.window = 200;
  request.negatives = 2;
  const io::Intervals intervals = intervals_of(text);
  const ChosenWindows found = choose_windows(mixed, "g.fa", intervals, request);
  CATCH_REQUIRE(found.num_negatives == 40);
  CATCH_REQUIRE(found.places.size() == 60);
  for (size_t i = 20; i < 60; ++i) {
    CATCH_CHECK(found.places.interval[i] == -1);
    CATCH_CHECK(found.places.chromosome[i] == 0);  // as the intervals
    const int64_t start = found.places.starts[i];
    CATCH_CHECK(start >= 0);
    CATCH_CHECK(mixed.count_gc(0, start, start + 200) > 110);
    for (size_t k = 0; k < 20; ++k) {
      const int64_t other = found.places.starts[k];
      CATCH_CHECK((start + 200 <= other || other + 200 <= start));
    }
  }
  CATCH_CHECK(choose_windows(mixed, "g.fa", intervals, request).places.starts ==
              found.places.starts);
  request.seed = 1;
  CATCH_CHECK(choose_windows(mixed, "g.fa", intervals, request).places.starts !=
              found.places.starts);
  for (const double bad : {-1.0, std::nan(""), HUGE_VAL, 1e300}) {
    request.negatives = bad;
    CATCH_CHECK_THROWS_AS(choose_windows(mixed, "g.fa", intervals, request), ArgumentError);
  }
}

CATCH_TEST_CASE("windows that touch an excluded interval are left out and counted", "[places]") {
  WindowRequest request;
  request.window = 10;
  request.exclude = {std::make_shared<io::Intervals>(intervals_of("chr1\t20\t21\nother\t0\t9\n"))};
  const ChosenWindows found = choose_windows(
      small_genome(), "g.fa", intervals_of("chr1\t10\t20\nchr1\t20\t26\nchr1\t21\t31\n"), request);
  CATCH_CHECK(found.places.interval == std::vector<int64_t>{0, 2});
  CATCH_CHECK(found.notes == std::vector<std::string>{
                                 "1 of 3 windows touch an excluded interval and are left out"});
  request.exclude = {std::make_shared<io::Intervals>(intervals_of("1\t20\t21\n"))};
  CATCH_CHECK_THROWS_WITH(
      choose_windows(small_genome(), "g.fa", intervals_of("chr1\t10\t20\n"), request),
      Catch::EndsWith("`chromosome_names=match` takes it for 'chr1'"));
}
