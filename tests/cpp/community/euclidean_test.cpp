#include "deepbio/community/euclidean.h"

#include <ATen/ATen.h>

#include "catch.h"

#include "deepbio/base/random.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

CountTable random_table(int64_t n, int64_t num_features, double share) {
  CountTable table;
  CounterRandom random(5, 0, static_cast<uint64_t>(share * 100), Purpose::kSimulate);
  for (int64_t f = 0; f < num_features; ++f) table.feature_ids.push_back(std::to_string(f));
  for (int64_t i = 0; i < n; ++i) {
    table.sample_ids.push_back(std::to_string(i));
    for (int64_t f = 0; f < num_features; ++f) {
      if (random.uniform() >= share) continue;
      table.indices.push_back(f);
      table.values.push_back(random.normal());
    }
    table.indptr.push_back(static_cast<int64_t>(table.values.size()));
  }
  return table;
}

}  // namespace

CATCH_TEST_CASE(
    "distances of sparse and of full rows are those of plain loops, with and without shifts",
    "[euclidean]") {
  const double share = GENERATE(0.03, 0.7);
  const int64_t n = 40, num_features = 200;
  const CountTable table = random_table(n, num_features, share);
  at::Tensor rows = at::zeros({n, num_features}, at::kDouble);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = table.indptr[i]; k < table.indptr[i + 1]; ++k)
      rows[i][table.indices[k]] = table.values[k];
  }
  std::vector<double> mean;
  for (int64_t i = 0; i < n; ++i) mean.push_back(rows[i].mean().item<double>());
  for (const bool is_shifted : {false, true}) {
    const at::Tensor moved = is_shifted ? rows - rows.mean(1, true) : rows;
    const at::Tensor expected =
        (moved.unsqueeze(1) - moved.unsqueeze(0)).square().sum(2).sqrt().tril();
    const at::Tensor out = at::zeros({n, n}, at::kDouble);
    fill_euclidean(table, table.values, is_shifted ? mean : std::vector<double>{}, out);
    CATCH_REQUIRE((out.tril() - expected).abs().max().item<double>() < 1e-12);
  }
}

CATCH_TEST_CASE("entries are turned from samples to features", "[euclidean]") {
  const CountTable table = random_table(5, 7, 0.5);
  const ByFeature columns = by_feature(table, table.values);
  CATCH_REQUIRE(columns.indptr.back() == static_cast<int64_t>(table.values.size()));
  for (int64_t f = 0; f < 7; ++f) {
    for (int64_t slot = columns.indptr[f]; slot < columns.indptr[f + 1]; ++slot) {
      const int64_t sample = columns.sample[slot];
      const auto row = table.indices.begin() + table.indptr[sample];
      const auto found = std::find(row, table.indices.begin() + table.indptr[sample + 1], f);
      CATCH_REQUIRE(table.values[found - table.indices.begin()] == columns.value[slot]);
    }
  }
}
