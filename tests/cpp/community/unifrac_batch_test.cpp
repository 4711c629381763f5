#include "deepbio/community/unifrac_batch.h"

#include <ATen/Parallel.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <limits>
#include <random>
#include <thread>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

struct LadderCommunity {
  CountTable table;
  Phylogeny phylogeny;
};

// Features hang on a ladder of pairs; the last one is not in the tree.
LadderCommunity ladder_community(int64_t num_samples, int64_t num_features) {
  std::mt19937 random(11);
  std::uniform_real_distribution<> uniform;
  LadderCommunity out;
  std::string newick = "f0:0.5";
  for (int64_t f = 0; f < num_features; ++f) {
    out.table.feature_ids.push_back("f" + std::to_string(f));
    if (f == 0 || f + 1 == num_features) continue;
    const std::string tip = out.table.feature_ids.back() + ":" + std::to_string(uniform(random));
    newick = "(" + newick + "," + tip + "):" + std::to_string(uniform(random));
  }
  for (int64_t i = 0; i < num_samples; ++i) {
    out.table.sample_ids.push_back("s" + std::to_string(i));
    for (int64_t f = 0; f < num_features; ++f) {
      if (uniform(random) > (f % 7 == 0 ? 0.6 : 0.1)) continue;
      out.table.indices.push_back(f);
      out.table.values.push_back(1 + std::floor(40 * uniform(random)));
    }
    out.table.indptr.push_back(out.table.num_entries());
  }
  out.phylogeny = match_features(io::parse_newick(newick + ";", "tree"), out.table.feature_ids,
                                 MissingFeatures::kDrop);
  return out;
}

struct Arrays {
  std::vector<int64_t> indptr{0}, features;
  std::vector<double> counts;
  BatchCounts view() const { return {indptr, features, counts}; }
};

Arrays arrays_of(const CountTable& table, const std::vector<int64_t>& samples) {
  Arrays out;
  for (const int64_t sample : samples) {
    for (int64_t k = table.indptr[sample + 1] - 1; k >= table.indptr[sample]; --k) {  // any order
      out.features.push_back(table.indices[k]);
      out.counts.push_back(table.values[k]);
    }
    out.indptr.push_back(static_cast<int64_t>(out.features.size()));
  }
  return out;
}

}  // namespace

CATCH_TEST_CASE(
    "a batch has the bits of the whole matrix, prepared or from counts, on any number of threads",
    "[unifrac_batch]") {
  const LadderCommunity all = ladder_community(150, 90);
  const std::vector<int64_t> samples{149, 3, 77, 4, 3, 0, 21, 22, 23, 64, 63};
  const at::Tensor index = at::tensor(samples, at::kLong);
  const Arrays arrays = arrays_of(all.table, samples);
  for (const Metric metric :
       {Metric::kUnweighted, Metric::kWeightedNormalized, Metric::kWeightedUnnormalized,
        Metric::kGeneralized, Metric::kUnweightedUnnormalized}) {
    for (const Precision precision : {Precision::kDouble, Precision::kFloat}) {
      const UnifracOptions options{.metric = metric, .alpha = 0.5, .precision = precision};
      CATCH_CAPTURE(to_string(metric), precision == Precision::kFloat);
      const at::Tensor wanted =
          unifrac(all.table, all.phylogeny, options).index_select(0, index).index_select(1, index);
      const UnifracBatch batch(all.table, all.phylogeny, options);
      for (const int threads : {1, 3}) {
        at::set_num_threads(threads);
        const at::Tensor prepared = batch.distances(samples),
                         fresh = batch.distances(arrays.view());
        CATCH_REQUIRE(at::equal(prepared, fresh));
        CATCH_REQUIRE(prepared[1][4].item<double>() == 0);
        if (metric == Metric::kGeneralized && precision == Precision::kFloat) {
          CATCH_REQUIRE((prepared - wanted).abs().max().item<double>() < 1e-6);
        } else {
          CATCH_REQUIRE(at::equal(prepared, wanted));
        }
      }
      at::set_num_threads(1);
    }
  }
}

CATCH_TEST_CASE("fresh draws give what the table of the draws gives", "[unifrac_batch]") {
  const LadderCommunity all = ladder_community(30, 60);
  const UnifracOptions options{.metric = Metric::kWeightedNormalized};
  const UnifracBatch batch(all.table, all.phylogeny, options);
  for (const uint64_t epoch : {0, 1}) {
    Arrays drawn;
    std::vector<BranchProfile> profiles;
    for (const int64_t sample : {4, 9, 11, 29}) {
      const Arrays own = arrays_of(all.table, {sample});
      const auto counts = rarefy_counts(own.counts, all.table.sample_ids[sample],
                                        {.depth_reads = 50, .epoch = epoch});
      profiles.push_back(branch_profile(all.phylogeny, own.features, counts));
      drawn.features.insert(drawn.features.end(), own.features.begin(), own.features.end());
      drawn.counts.insert(drawn.counts.end(), counts.begin(), counts.end());
      drawn.indptr.push_back(static_cast<int64_t>(drawn.features.size()));
    }
    const at::Tensor plain = plain_pairwise_distances(all.phylogeny, profiles, options);
    CATCH_REQUIRE((batch.distances(drawn.view()) - plain).abs().max().item<double>() < 1e-13);
  }
}

CATCH_TEST_CASE("several threads may ask one prepared tree at the same time", "[unifrac_batch]") {
  const LadderCommunity all = ladder_community(40, 60);
  const UnifracBatch batch(all.table, all.phylogeny);
  const Arrays arrays = arrays_of(all.table, {1, 2, 3, 5, 8, 13, 21, 34});
  const at::Tensor wanted = batch.distances(arrays.view());
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (int& own : wrong) {
    threads.emplace_back([&] {
      for (int k = 0; k < 50; ++k) own += !at::equal(batch.distances(arrays.view()), wanted);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CATCH_REQUIRE(wrong == std::vector<int>(4, 0));
}

CATCH_TEST_CASE("a batch of none, one or an empty sample is a matrix, and bad counts are refused",
                "[unifrac_batch]") {
  const LadderCommunity all = ladder_community(5, 20);
  const UnifracBatch batch(all.table, all.phylogeny);
  CATCH_REQUIRE(batch.num_samples() == 5);
  CATCH_REQUIRE(batch.distances(std::vector<int64_t>{}).numel() == 0);
  CATCH_REQUIRE(batch.distances(std::vector<int64_t>{2}).item<double>() == 0);
  const std::vector<int64_t> rising{0, 1, 1}, feature{3};
  const std::vector<double> one{1};
  CATCH_REQUIRE(batch.distances(BatchCounts{rising, feature, one})[0][1].item<double>() == 1);
  const auto refuse = [&](std::vector<int64_t> indptr, std::vector<int64_t> features,
                          std::vector<double> counts) {
    CATCH_REQUIRE_THROWS_AS(batch.distances(BatchCounts{indptr, features, counts}), ArgumentError);
  };
  refuse({}, {}, {});
  refuse({0, 2}, {1}, {1});
  refuse({0, 1}, {1}, {});
  refuse({0, 2, 1, 2}, {1, 2}, {1, 1});
  refuse({0, 1}, {20}, {1});
  refuse({0, 1}, {-1}, {1});
  refuse({0, 1}, {1}, {-1});
  refuse({0, 1}, {1}, {std::numeric_limits<double>::quiet_NaN()});
  CATCH_REQUIRE_THROWS_AS(batch.distances(std::vector<int64_t>{5}), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(
      UnifracBatch(all.table, all.phylogeny, {.metric = Metric::kGeneralized, .alpha = -1}),
      ArgumentError);
}
