#include "deepbio/community/rarefaction_curve.h"

#include <ATen/ATen.h>

#include <cmath>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

CountTable two_samples() {
  CountTable table;
  table.sample_ids = {"deep", "shallow"};
  table.feature_ids = {"a", "b", "c", "d"};
  table.indptr = {0, 4, 6};
  table.indices = {0, 1, 2, 3, 0, 1};
  table.values = {40, 30, 20, 10, 3, 2};
  return table;
}

// Features expected among `depth` reads drawn without putting back (Hurlbert 1971).
double expected_features(const std::vector<double>& counts, double depth) {
  double total = 0, sum = 0;
  for (const double count : counts) total += count;
  for (const double count : counts) {
    if (total - count < depth) {
      sum += 1;
      continue;
    }
    sum += 1 - std::exp(std::lgamma(total - count + 1) - std::lgamma(total - count - depth + 1) -
                        std::lgamma(total + 1) + std::lgamma(total - depth + 1));
  }
  return sum;
}

}  // namespace

CATCH_TEST_CASE("means of observed features are those of Hurlbert, and shallow samples have none",
                "[rarefaction_curve]") {
  const RarefactionCurve curve =
      rarefaction_curve(two_samples(), "observed_features",
                        {.depths_reads = {3, 5, 20}, .num_draws = 2000, .seed = 1});
  CATCH_REQUIRE(curve.mean.sizes() == at::IntArrayRef{3, 2});
  const std::vector<double> deep{40, 30, 20, 10};
  for (int64_t d = 0; d < 3; ++d) {
    const double depth = std::vector<double>{3, 5, 20}[d];
    const double error = curve.spread[d][0].item<double>() / std::sqrt(2000.0);
    CATCH_REQUIRE(std::abs(curve.mean[d][0].item<double>() - expected_features(deep, depth)) <
                  5 * error);
  }
  CATCH_REQUIRE(curve.mean[1][1].item<double>() == 2);  // all of its reads
  CATCH_REQUIRE(curve.spread[1][1].item<double>() == 0);
  CATCH_REQUIRE(std::isnan(curve.mean[2][1].item<double>()));
  CATCH_REQUIRE(std::isnan(curve.spread[2][1].item<double>()));
}

CATCH_TEST_CASE("a draw is that of rarefy in its epoch", "[rarefaction_curve]") {
  const CountTable table = two_samples();
  const RarefactionCurve curve =
      rarefaction_curve(table, "shannon", {.depths_reads = {20}, .num_draws = 3, .seed = 7});
  std::vector<double> values;
  for (uint64_t epoch = 0; epoch < 3; ++epoch) {
    values.push_back(
        alpha_diversity(rarefy(table, {20, false, 7, epoch}).table, "shannon")[0].item<double>());
  }
  const at::Tensor expected = at::tensor(values, at::kDouble);
  CATCH_REQUIRE(curve.mean[0][0].item<double>() ==
                Approx(expected.mean().item<double>()).epsilon(1e-14));
  CATCH_REQUIRE(curve.spread[0][0].item<double>() ==
                Approx(expected.std().item<double>()).epsilon(1e-12));
}

CATCH_TEST_CASE("Faith's diversity of draws never passes that of the sample",
                "[rarefaction_curve]") {
  const CountTable table = two_samples();
  const Phylogeny tree =
      match_features(io::parse_newick("((a:1,b:1):1,(c:1,d:1):1);", "t"), table.feature_ids);
  const auto curve =
      rarefaction_curve(table, "faith_pd", {.depths_reads = {1, 100}, .num_draws = 5}, &tree);
  CATCH_REQUIRE(curve.mean[0][0].item<double>() == 2);  // one tip and the branch above
  CATCH_REQUIRE(curve.mean[1][0].item<double>() == 6);
}

CATCH_TEST_CASE("curves that cannot be drawn are refused", "[rarefaction_curve]") {
  CATCH_REQUIRE(even_depths(10, 4) == std::vector<int64_t>{2, 5, 7, 10});
  CATCH_REQUIRE(even_depths(2, 5) == std::vector<int64_t>{1, 2});
  CATCH_REQUIRE_THROWS_AS(even_depths(0, 5), ArgumentError);
  const CountTable table = two_samples();
  CATCH_REQUIRE_THROWS_WITH(rarefaction_curve(table, "shanon", {.depths_reads = {1}}),
                            Catch::Contains("shannon"));
  CATCH_REQUIRE_THROWS_WITH(rarefaction_curve(table, "faith_pd", {.depths_reads = {1}}),
                            Catch::Contains("tree"));
  CATCH_REQUIRE_THROWS_WITH(rarefaction_curve(table, "shannon", {}), Catch::Contains("depths"));
  CATCH_REQUIRE_THROWS_WITH(rarefaction_curve(table, "shannon", {.depths_reads = {0}}),
                            Catch::Contains("got 0"));
}
