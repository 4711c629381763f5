#include "deepbio/train/feed.h"

#include "catch.h"
#include "train/small_community.h"

#include "deepbio/base/error.h"

namespace {

using namespace deepbio::train;

}  // namespace

CATCH_TEST_CASE("relative counts of a sample add up to one and padding stays zero") {
  const auto counts = torch::tensor({{3.F, 1.F, 0.F}, {5.F, 0.F, 0.F}});
  const CountTarget target;
  const auto relative = target.of(counts, counts > 0);
  CATCH_REQUIRE(relative.equal(torch::tensor({{0.75F, 0.25F, 0.F}, {1.F, 0.F, 0.F}})));
}

CATCH_TEST_CASE("min-max counts run from 0 to 1 over the training samples") {
  const SmallCommunity community;
  const auto dataset = community.dataset(/*redraw=*/false, /*depth=*/0);
  const CountTarget target = fit_count_target("minmax", dataset, community.samples);
  const auto batch = dataset.batch(community.samples);
  const auto scaled = target.of(batch.counts, batch.mask).masked_select(batch.mask);
  CATCH_REQUIRE(scaled.min().item<double>() == 0);
  CATCH_REQUIRE(scaled.max().item<double>() == Approx(1));
  CATCH_REQUIRE_THROWS_AS(fit_count_target("share", dataset, community.samples),
                          deepbio::ConfigError);
}

CATCH_TEST_CASE("the weight of a nucleotide is how often its ASV occurs in the batch") {
  const SmallCommunity community;
  const auto batch = community.dataset(false).batch(std::vector<int64_t>{0, 2, 1});
  const auto targets = make_loss_targets(batch, CountTarget{});
  CATCH_REQUIRE(targets.nucleotide_weight.sum().item<double>() == batch.mask.sum().item<double>());
  for (int64_t u = 0; u < batch.asv_tokens.size(0); ++u) {
    const auto times = (batch.asv_index == u).logical_and(batch.mask).sum().item<double>();
    CATCH_REQUIRE(targets.nucleotide_weight[u].item<double>() == times);
  }
}

CATCH_TEST_CASE("embeddings computed before are picked by the feature of each distinct ASV") {
  const SmallCommunity community;
  const auto batch = community.dataset(false).batch(std::vector<int64_t>{1, 3});
  const auto embeddings = torch::arange(8 * 4).view({8, 4}).to(torch::kFloat);
  const auto inputs = make_inputs(batch, {embeddings, {}});
  CATCH_REQUIRE(inputs.asv_embeddings.equal(embeddings.index_select(0, batch.asv_features)));
}

CATCH_TEST_CASE("count targets are shares of a sample or AAM's min-max over the training table",
                "[trainer]") {
  const torch::Tensor counts = torch::tensor({{3.0, 1.0}, {5.0, 0.0}});
  const torch::Tensor mask = torch::tensor({{true, true}, {true, false}});
  CATCH_REQUIRE(torch::equal(CountTarget{"relative"}.of(counts, mask),
                             torch::tensor({{0.75, 0.25}, {1.0, 0.0}})));
  const CountTarget minmax{"minmax", 1, 5};
  CATCH_REQUIRE(torch::equal(minmax.of(counts, mask), torch::tensor({{0.5, 0.0}, {1.0, 0.0}})));
  const SmallCommunity community;
  const CountTarget fitted =
      fit_count_target("minmax", community.dataset(false, /*depth=*/0), community.samples);
  const auto [low, high] =
      std::minmax_element(community.table->values.begin(), community.table->values.end());
  CATCH_REQUIRE(fitted.min == *low);
  CATCH_REQUIRE(fitted.max == *high);
}
