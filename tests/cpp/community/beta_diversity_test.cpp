#include "deepbio/community/beta_diversity.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cmath>

#include "catch.h"
#include "community/table_of.h"

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

std::vector<std::vector<double>> random_rows(int64_t num_samples, int64_t num_features,
                                             double density) {
  CounterRandom random(5, 0, 0, Purpose::kSimulate);
  std::vector<std::vector<double>> rows(num_samples, std::vector<double>(num_features, 0.0));
  for (auto& row : rows) {
    for (double& value : row) {
      if (random.uniform() < density) value = std::floor(std::exp(3 * random.normal())) + 1;
    }
  }
  return rows;
}

double plain(const std::vector<double>& a, const std::vector<double>& b, BetaMetric metric,
             double pseudocount) {
  double apart = 0, all = 0, log_a = 0, log_b = 0, square = 0;
  const auto width = static_cast<double>(a.size());
  for (size_t f = 0; f < a.size(); ++f) {
    if (metric == BetaMetric::kBrayCurtis) {
      apart += std::abs(a[f] - b[f]);
      all += a[f] + b[f];
    } else {
      apart += (a[f] > 0) != (b[f] > 0);
      all += a[f] > 0 || b[f] > 0;
    }
    log_a += std::log(a[f] + pseudocount) / width;
    log_b += std::log(b[f] + pseudocount) / width;
  }
  if (metric != BetaMetric::kAitchison) return all > 0 ? apart / all : 0;
  for (size_t f = 0; f < a.size(); ++f) {
    const double d = std::log(a[f] + pseudocount) - log_a - std::log(b[f] + pseudocount) + log_b;
    square += d * d;
  }
  return std::sqrt(square);
}

double at_pair(const at::Tensor& values, int64_t i, int64_t j) {
  return values[i][j].item<double>();
}

}  // namespace

CATCH_TEST_CASE("every metric of a random table equals its definition over all features",
                "[beta_diversity]") {
  const auto rows = random_rows(23, 60, 0.2);
  const CountTable table = table_of(rows);
  const auto few = random_rows(140, 1100, 0.05);  // more samples and features than a panel has
  for (const double pseudocount : {1.0, 0.5}) {
    const at::Tensor got = beta_diversity(table_of(few), {BetaMetric::kAitchison, pseudocount});
    const auto many = random_rows(140, 1100, 0.4);
    const at::Tensor dense = beta_diversity(table_of(many), {BetaMetric::kAitchison, pseudocount});
    for (const auto& [i, j] : {std::pair{0, 139}, {1, 0}, {130, 5}, {127, 128}, {139, 138}}) {
      CATCH_REQUIRE(
          at_pair(got, i, j) ==
          Approx(plain(few[i], few[j], BetaMetric::kAitchison, pseudocount)).epsilon(1e-12));
      CATCH_REQUIRE(
          at_pair(dense, i, j) ==
          Approx(plain(many[i], many[j], BetaMetric::kAitchison, pseudocount)).epsilon(1e-12));
    }
  }
  for (const BetaMetric metric :
       {BetaMetric::kBrayCurtis, BetaMetric::kJaccard, BetaMetric::kAitchison}) {
    for (const double pseudocount : {1.0, 0.5}) {
      const at::Tensor got = beta_diversity(table, {metric, pseudocount});
      CATCH_REQUIRE(at::equal(got, got.t()));
      CATCH_REQUIRE(got.diagonal().eq(0).all().item<bool>());
      for (int64_t i = 0; i < 23; ++i) {
        for (int64_t j = 0; j < 23; ++j) {
          CATCH_REQUIRE(
              std::abs(at_pair(got, i, j) - plain(rows[i], rows[j], metric, pseudocount)) < 1e-12);
        }
      }
    }
  }
}

CATCH_TEST_CASE("empty and identical samples have distances, never NaN", "[beta_diversity]") {
  const CountTable table = table_of({{0, 0, 0}, {0, 0, 0}, {1, 0.1, 2}, {1, 0.1, 2}});
  for (const BetaMetric metric :
       {BetaMetric::kBrayCurtis, BetaMetric::kJaccard, BetaMetric::kAitchison}) {
    const at::Tensor got = beta_diversity(table, {metric});
    CATCH_REQUIRE(got.isfinite().all().item<bool>());
    CATCH_REQUIRE(at_pair(got, 0, 1) == 0);
    CATCH_REQUIRE(at_pair(got, 2, 3) == 0);
    if (metric != BetaMetric::kAitchison) CATCH_REQUIRE(at_pair(got, 0, 2) == 1);
  }
  CATCH_REQUIRE(beta_diversity(table_of({{1, 2}}), {BetaMetric::kBrayCurtis}).numel() == 1);
  CATCH_REQUIRE(beta_diversity(CountTable(), {BetaMetric::kAitchison}).numel() == 0);
}

CATCH_TEST_CASE("the number of threads does not change a bit of a distance", "[beta_diversity]") {
  const CountTable table = table_of(random_rows(150, 1090, 0.3));
  const int num_threads = at::get_num_threads();
  for (const BetaMetric metric :
       {BetaMetric::kBrayCurtis, BetaMetric::kJaccard, BetaMetric::kAitchison}) {
    at::set_num_threads(1);
    const at::Tensor one = beta_diversity(table, {metric});
    at::set_num_threads(3);
    CATCH_REQUIRE(at::equal(one, beta_diversity(table, {metric})));
  }
  at::set_num_threads(num_threads);
}

CATCH_TEST_CASE("unknown names and pseudocounts are refused", "[beta_diversity]") {
  CATCH_REQUIRE(parse_beta_metric("jaccard") == BetaMetric::kJaccard);
  CATCH_REQUIRE(is_beta_metric("aitchison"));
  CATCH_REQUIRE_FALSE(is_beta_metric("unweighted"));
  CATCH_REQUIRE(parse_beta_metric("bray_curtis") == BetaMetric::kBrayCurtis);
  CATCH_REQUIRE_THROWS_WITH(parse_beta_metric("braycurtiss"),
                            Catch::Contains("did you mean 'braycurtis'"));
  for (const double wrong : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    CATCH_REQUIRE_THROWS_AS(beta_diversity(table_of({{1}}), {BetaMetric::kAitchison, wrong}),
                            ArgumentError);
  }
  CATCH_REQUIRE_THROWS_WITH(beta_diversity(table_of({{1}}), {BetaMetric::kAitchison, -1e-9}),
                            Catch::Contains("got -1e-09"));
}
