#include "deepbio/community/table.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/io/tables/metadata.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

double total(const std::vector<double>& counts) {
  return std::accumulate(counts.begin(), counts.end(), 0.0);
}

// Mean and variance of the first entry's draw over many epochs.
std::pair<double, double> first_entry_moments(const std::vector<double>& counts,
                                              RarefyOptions options, int num_draws) {
  double sum = 0, sum_squares = 0;
  for (int draw = 0; draw < num_draws; ++draw) {
    options.epoch = static_cast<uint64_t>(draw);
    const double hits = rarefy_counts(counts, "s", options)[0];
    sum += hits;
    sum_squares += hits * hits;
  }
  const double mean = sum / num_draws;
  return {mean, sum_squares / num_draws - mean * mean};
}

// Draws of a real set against the exact expected richness: the mean of 200 draws within 5 standard
// errors.
void require_richness(const std::string& set, int64_t depth, bool with_replacement) {
  const CountTable table = io::read_table(test::shared("microbiome/" + set + "/table.biom"));
  const auto expected =
      io::read_metadata(test::shared("microbiome/" + set + "/expected/rarefaction_richness_depth" +
                                     std::to_string(depth) + ".tsv"));
  constexpr int kDraws = 200;
  int num_checked = 0;
  for (int64_t sample = 0; sample < table.num_samples(); sample += 1 + table.num_samples() / 40) {
    const int64_t row = expected.row_of.at(table.sample_ids[sample]);
    const auto value = [&](const char* column) {
      return *io::numeric_value(expected, expected.column(column), row);
    };
    const std::span counts =
        std::span(table.values)
            .subspan(table.indptr[sample], table.indptr[sample + 1] - table.indptr[sample]);
    CATCH_CAPTURE(set, table.sample_ids[sample]);
    RarefyOptions options{depth, with_replacement, 7, 0};
    if (value("kept") == 0 && !with_replacement) {
      CATCH_REQUIRE_THROWS_AS(rarefy_counts(counts, table.sample_ids[sample], options),
                              ArgumentError);
      continue;
    }
    double sum = 0;
    for (int draw = 0; draw < kDraws; ++draw) {
      options.epoch = static_cast<uint64_t>(draw);
      const auto drawn = rarefy_counts(counts, table.sample_ids[sample], options);
      for (size_t k = 0; k < drawn.size(); ++k) sum += drawn[k] > 0;
    }
    const double wanted =
        value(with_replacement ? "E_richness_with_replacement" : "E_richness_without_replacement");
    // Drawing with replacement varies at least as much; 1.5 times the other's sd covers it.
    const double sd =
        value("SD_richness_without_replacement") * (with_replacement ? 1.5 : 1) + 1e-9;
    CATCH_REQUIRE(std::abs(sum / kDraws - wanted) <= 5 * sd / std::sqrt(kDraws));
    ++num_checked;
  }
  CATCH_REQUIRE(num_checked >= 25);
}

CountTable small_table() {
  CountTable table;
  table.sample_ids = {"deep", "shallow", "exact"};
  table.feature_ids = {"a", "b", "c"};
  table.indptr = {0, 2, 3, 5};
  table.indices = {0, 1, 2, 0, 1};
  table.values = {50, 50, 3, 4, 6};
  return table;
}

}  // namespace

CATCH_TEST_CASE("mean richness of 200 draws fits the exact expectation on real sets",
                "[table][real]") {
  DEEPBIO_NEEDS_SHARED();
  require_richness("moving_pictures", 1000, false);
  require_richness("ibd_2538", 1000, false);
  require_richness("oral_age_2550", 500, false);
  require_richness("ecam_10249", 2000, false);
  require_richness("cfs_150nt", 10000, false);
  require_richness("sleep_apnea_10422", 1000, false);
}

CATCH_TEST_CASE("mean richness with replacement fits the exact expectation", "[table][real]") {
  DEEPBIO_NEEDS_SHARED();
  require_richness("cfs_150nt", 10000, true);
  require_richness("oral_age_2550", 500, true);
}

CATCH_TEST_CASE("a draw has the mean and variance of the hypergeometric distribution", "[table]") {
  const std::vector<std::vector<double>> cases{{300, 700},     {5, 995}, {990, 10},
                                               {40000, 60000}, {1, 3},   {2, 5, 9}};
  for (const auto& counts : cases) {
    for (const double share : {0.02, 0.3, 0.9}) {
      const double all = total(counts), n = std::max(1.0, std::floor(share * all)),
                   p = counts[0] / all;
      const double variance = n * p * (1 - p) * (all - n) / (all - 1);
      constexpr int kDraws = 4000;
      const auto [mean, spread] =
          first_entry_moments(counts, {static_cast<int64_t>(n), false, 3, 0}, kDraws);
      CATCH_CAPTURE(counts, n, mean, spread, variance);
      CATCH_REQUIRE(std::abs(mean - n * p) <= 5 * std::sqrt(variance / kDraws) + 1e-12);
      CATCH_REQUIRE(spread == Approx(variance).epsilon(0.25).margin(0.02));
    }
  }
}

CATCH_TEST_CASE("a draw with replacement has the mean and variance of the binomial distribution",
                "[table]") {
  for (const auto& counts :
       std::vector<std::vector<double>>{{300, 700}, {5, 995}, {990, 10}, {2, 1}}) {
    for (const double n : {10.0, 2000.0}) {
      const double p = counts[0] / total(counts), variance = n * p * (1 - p);
      constexpr int kDraws = 4000;
      const auto [mean, spread] =
          first_entry_moments(counts, {static_cast<int64_t>(n), true, 3, 0}, kDraws);
      CATCH_CAPTURE(counts, n, mean, spread, variance);
      CATCH_REQUIRE(std::abs(mean - n * p) <= 5 * std::sqrt(variance / kDraws));
      CATCH_REQUIRE(spread == Approx(variance).epsilon(0.25).margin(0.02));
    }
  }
}

CATCH_TEST_CASE("small draws hit every outcome as often as counting says", "[table]") {
  // 2 reads of {2, 3}: P(first = 0, 1, 2) = 3/10, 6/10, 1/10.
  std::map<double, int> seen;
  for (uint64_t epoch = 0; epoch < 20000; ++epoch)
    ++seen[rarefy_counts(std::vector<double>{2, 3}, "s", {2, false, 1, epoch})[0]];
  CATCH_REQUIRE(seen[0] / 20000.0 == Approx(0.3).margin(0.017));
  CATCH_REQUIRE(seen[1] / 20000.0 == Approx(0.6).margin(0.018));
  CATCH_REQUIRE(seen[2] / 20000.0 == Approx(0.1).margin(0.011));
}

CATCH_TEST_CASE("billions of reads are drawn exactly to the depth and in proportion", "[table]") {
  const std::vector<double> counts{3e12, 1e12};
  const auto drawn = rarefy_counts(counts, "s", {1000000000, false, 0, 0});
  CATCH_REQUIRE(total(drawn) == 1e9);
  CATCH_REQUIRE(std::abs(drawn[0] - 7.5e8) < 6 * std::sqrt(1e9 * 0.75 * 0.25));
}

CATCH_TEST_CASE(
    "a draw never exceeds the counts, has the depth exactly and repeats for its key alone",
    "[table]") {
  const std::vector<double> counts{1, 0, 17, 250, 3, 90, 1};
  const RarefyOptions options{100, false, 11, 4};
  const auto drawn = rarefy_counts(counts, "sample", options);
  CATCH_REQUIRE(total(drawn) == 100);
  for (size_t k = 0; k < counts.size(); ++k) CATCH_REQUIRE(drawn[k] <= counts[k]);
  CATCH_REQUIRE(rarefy_counts(counts, "sample", options) == drawn);
  CATCH_REQUIRE(rarefy_counts(counts, "another", options) != drawn);
  CATCH_REQUIRE(rarefy_counts(counts, "sample", {100, false, 11, 5}) != drawn);
  CATCH_REQUIRE(rarefy_counts(counts, "sample", {100, false, 12, 4}) != drawn);
  CATCH_REQUIRE(rarefy_counts(counts, "sample", {362, false, 11, 4}) == counts);
}

CATCH_TEST_CASE(
    "rarefying a table drops shallow samples, keeps exact ones and drops empty features",
    "[table]") {
  const auto result = rarefy(small_table(), {10, false, 0, 0});
  CATCH_REQUIRE(result.dropped_samples == std::vector<std::string>{"shallow"});
  CATCH_REQUIRE(result.table.sample_ids == std::vector<std::string>{"deep", "exact"});
  CATCH_REQUIRE(result.table.feature_ids == std::vector<std::string>{"a", "b"});
  CATCH_REQUIRE(sample_totals(result.table) == std::vector<double>{10, 10});
  io::check_table(result.table, "rarefied");
  CATCH_REQUIRE(rarefy(small_table(), {10, true, 0, 0}).dropped_samples.empty());
}

CATCH_TEST_CASE("a sample's draw does not depend on the other samples or the number of threads",
                "[table][real]") {
  DEEPBIO_NEEDS_SHARED();
  const CountTable table = io::read_table(test::shared("microbiome/moving_pictures/table.biom"));
  const std::vector<int64_t> reversed{9, 3, 0};
  const auto few = rarefy(select_samples(table, reversed), {500, false, 5, 2}).table;
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = rarefy(table, {500, false, 5, 2}).table;
  at::set_num_threads(3);
  const auto all = rarefy(table, {500, false, 5, 2}).table;
  at::set_num_threads(before);
  CATCH_REQUIRE(all.values == one.values);
  for (size_t k = 0; k < reversed.size(); ++k) {
    std::map<std::string, double> a, b;
    const int64_t row = std::find(all.sample_ids.begin(), all.sample_ids.end(), few.sample_ids[k]) -
                        all.sample_ids.begin();
    for (int64_t e = few.indptr[k]; e < few.indptr[k + 1]; ++e)
      a[few.feature_ids[few.indices[e]]] = few.values[e];
    for (int64_t e = all.indptr[row]; e < all.indptr[row + 1]; ++e)
      b[all.feature_ids[all.indices[e]]] = all.values[e];
    CATCH_REQUIRE(a == b);
  }
}

CATCH_TEST_CASE("what cannot be rarefied is refused with the reason", "[table]") {
  CATCH_REQUIRE_THROWS_WITH(rarefy(small_table(), {1000, false, 0, 0}),
                            Catch::Contains("deepest has 100") && Catch::Contains("median 10"));
  CATCH_REQUIRE_THROWS_WITH(rarefy_counts(std::vector<double>{0.5, 4}, "s", {2, false, 0, 0}),
                            Catch::Contains("whole numbers"));
  CATCH_REQUIRE_THROWS_AS(rarefy_counts(std::vector<double>{1, 4}, "s", {0, false, 0, 0}),
                          ArgumentError);
  CATCH_REQUIRE_THROWS_AS(rarefy_counts(std::vector<double>{0, 0}, "s", {5, true, 0, 0}),
                          ArgumentError);
}

CATCH_TEST_CASE("selecting samples and features keeps the table consistent", "[table]") {
  const CountTable table = small_table();
  const std::vector<int64_t> order{2, 0};
  const CountTable picked = select_samples(table, order);
  CATCH_REQUIRE(picked.sample_ids == std::vector<std::string>{"exact", "deep"});
  CATCH_REQUIRE(picked.values == std::vector<double>{4, 6, 50, 50});
  const CountTable narrow = select_features(table, {false, true, true});
  CATCH_REQUIRE(narrow.feature_ids == std::vector<std::string>{"b", "c"});
  CATCH_REQUIRE(sample_totals(narrow) == std::vector<double>{50, 3, 6});
  io::check_table(narrow, "narrow");
  CATCH_REQUIRE(drop_empty_features(picked).feature_ids == std::vector<std::string>{"a", "b"});
  const std::vector<int64_t> outside{3};
  CATCH_REQUIRE_THROWS_AS(select_samples(table, outside), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(select_features(table, {true}), ArgumentError);
}
