#include "deepbio/data/window_places.h"

#include <algorithm>

#include "catch.h"
#include "data/small_genome.h"

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/io/reads/genome_file.h"

using namespace deepbio;
using namespace deepbio::data;

namespace {

using Numbers = std::vector<int64_t>;

WindowPlaces place(const std::string& text, PlacementOptions options) {
  return place_windows(small_genome(), "g.fa", intervals_of(text), options);
}

std::string message_of(const std::string& text, const PlacementOptions& options) {
  try {
    place(text, options);
  } catch (const Error& error) {
    const std::string message = error.what();
    return message.substr(std::min(message.find("a.bed"), message.find("chromosomes")));
  }
  return "";
}

}  // namespace

CATCH_TEST_CASE("windows lie around, along or at intervals, over ends too", "[places]") {
  const std::string text = "chr1\t0\t5\tx\t0\t-\nchr1\t40\t60\ty\t0\t+\n";
  PlacementOptions options;
  options.window = 10;
  CATCH_CHECK(place(text, options).starts == Numbers{-3, 45});
  CATCH_CHECK(place(text, options).is_reversed == std::vector<char>{1, 0});
  options.placement = Placement::kStart;
  CATCH_CHECK(place(text, options).starts == Numbers{-1, 35});
  options.placement = Placement::kTile;
  options.stride = 4;
  const WindowPlaces tiles = place(text, options);
  CATCH_CHECK(tiles.starts == Numbers{40, 44, 48});
  CATCH_CHECK(tiles.interval == Numbers{1, 1, 1});
  options.has_strand = false;
  options.placement = Placement::kCenter;
  CATCH_CHECK(place(text, options).is_reversed == std::vector<char>{0, 0});
  options.placement = Placement::kSummit;
  CATCH_CHECK(
      place("chr1\t10\t50\tp\t5\t.\t8\t3\t2\t7\nchr1\t60\t70\tq\t5\t.\t8\t3\t2\t-1\n", options)
          .starts == Numbers{12, 60});
  options.placement = Placement::kExact;
  CATCH_CHECK(place("chr1\t7\t17\n", options).starts == Numbers{7});
}

CATCH_TEST_CASE("chromosomes are chosen, and matched without chr where that is asked for",
                "[places]") {
  const std::string text = "1\t0\t5\nMT\t1\t7\n";
  PlacementOptions options;
  options.window = 4;
  CATCH_CHECK(message_of(text, options) ==
              "a.bed: record 0, line 1: expected a chromosome of g.fa, got '1'; "
              "`chromosome_names=match` takes it for 'chr1'");
  options.names = ChromosomeNames::kMatch;
  CATCH_CHECK(place(text, options).chromosome == std::vector<int32_t>{0, 1});
  options.chromosomes = {"M"};
  CATCH_CHECK(place(text, options).interval == Numbers{1});
  const auto archive = genome_of(">M\n" + std::string(50, 'C') + "\n");
  for (const char* name : {"M", "MT", "chrM", "chrMT", "ChrM"})
    CATCH_CHECK(find_chromosome(archive, name, ChromosomeNames::kMatch) == 0);
  CATCH_CHECK(find_chromosome(archive, "1", ChromosomeNames::kMatch) == -1);
  // What stands on others is not looked at.
  CATCH_CHECK(place("chr1\t0\t500\nother\t1\t2\nchrM\t0\t4\n", options).size() == 1);
}

CATCH_TEST_CASE("intervals that do not fit the genome are told with their line", "[places]") {
  PlacementOptions options;
  options.window = 4;
  CATCH_CHECK(message_of("chr1\t0\t5\nchr1\t90\t101\n", options) ==
              "a.bed: record 1, line 2: expected an end of at most 100, the length of 'chr1', got "
              "101");
  CATCH_CHECK(
      message_of("chrN\t0\t5\n", options) ==
      "a.bed: record 0, line 1: expected a chromosome of g.fa, got 'chrN', the nearest name "
      "is 'chr1'");
  PlacementOptions exact = options;
  exact.placement = Placement::kExact;
  CATCH_CHECK(message_of("chr1\t0\t5\n", exact) ==
              "a.bed: record 0, line 1: expected 4 bases, the width of a window, got 5");
  PlacementOptions others = options;
  others.chromosomes = {"chrM"};
  CATCH_CHECK(message_of("chr1\t0\t5\n", others) ==
              "a.bed: no windows: no interval is on the chromosomes that were asked for");
  others.chromosomes = {"chrX"};
  CATCH_CHECK(message_of("chr1\t0\t5\n", others) ==
              "chromosomes: expected names of g.fa, got 'chrX', the nearest name is 'chr1'");
}

CATCH_TEST_CASE("covered bases overlap as looking at every stretch says", "[places]") {
  CounterRandom random(7, 0, 0, Purpose::kSimulate);
  CoveredBases covered(2);
  std::vector<std::array<int64_t, 3>> all;
  for (int i = 0; i < 40; ++i) {
    const auto chromosome = static_cast<int64_t>(random.below(2));
    const auto start = static_cast<int64_t>(random.below(1000));
    const int64_t end = start + 1 + static_cast<int64_t>(random.below(12));
    covered.add(static_cast<int32_t>(chromosome), start, end);
    all.push_back({chromosome, start, end});
  }
  covered.finish();
  for (int32_t chromosome = 0; chromosome < 2; ++chromosome) {
    for (int64_t start = -5; start < 1020; ++start) {
      const bool expected = std::any_of(all.begin(), all.end(), [&](const auto& each) {
        return each[0] == chromosome && each[1] < start + 5 && start < each[2];
      });
      CATCH_REQUIRE(covered.overlaps(chromosome, start, start + 5) == expected);
    }
  }
}
