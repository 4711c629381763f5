#include "deepbio/model/distribution.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "catch.h"

namespace fn = deepbio::model::functional;
using torch::Tensor;

namespace {

CATCH_TEST_CASE("soft targets are the Gaussian's share of each bin, cut to the range",
                "[distribution]") {
  const Tensor edges = torch::linspace(-1, 3, 9, torch::kDouble);  // 8 bins of 0.5
  const Tensor targets = torch::tensor({0.1, -1.0, 50.0}, torch::kDouble);
  const Tensor got = fn::soft_targets(targets, edges);
  for (int64_t row = 0; row < 3; ++row) {
    const double centre = std::min(targets[row].item<double>(), 3.0), sigma = 0.75 * 0.5;
    const auto below = [&](double x) {
      return 0.5 * std::erfc(-(x - centre) / (sigma * std::sqrt(2.0)));
    };
    const double whole = below(3) - below(-1);
    for (int64_t bin = 0; bin < 8; ++bin) {
      const double low = -1 + 0.5 * static_cast<double>(bin);
      const double share = (below(low + 0.5) - below(low)) / whole;
      CATCH_REQUIRE(std::abs(got[row][bin].item<double>() - share) < 1e-12);
    }
  }
}

CATCH_TEST_CASE("quantiles and mean of a distribution are those of many draws from it",
                "[distribution]") {
  torch::manual_seed(0);
  const Tensor edges = torch::linspace(0, 10, 21, torch::kDouble);
  const Tensor log_probabilities = torch::randn({3, 20}, torch::kDouble).mul(2).log_softmax(-1);
  const int64_t draws = 200000;
  const Tensor bins = torch::multinomial(log_probabilities.exp(), draws, /*replacement=*/true);
  const Tensor values =
      bins.to(torch::kDouble).mul(0.5) + torch::rand({3, draws}, torch::kDouble).mul(0.5);
  const Tensor levels = torch::tensor({0.05, 0.5, 0.95}, torch::kDouble);
  const Tensor sampled = torch::quantile(values.narrow(1, 0, 100000), levels, 1);
  for (int64_t i = 0; i < 3; ++i) {
    const Tensor got =
        fn::distribution_quantile(log_probabilities, edges, levels[i].item<double>());
    // The share of draws below is the level; a quantile itself may lie in a stretch without mass.
    const Tensor below = values.lt(got.unsqueeze(1)).to(torch::kDouble).mean(1);
    CATCH_REQUIRE(torch::allclose(below, levels[i].expand({3}), 0, 4e-3));
  }
  CATCH_REQUIRE(
      torch::allclose(fn::distribution_mean(log_probabilities, edges), values.mean(1), 0, 2e-2));
}

CATCH_TEST_CASE("quantiles stay within the bins at both ends", "[distribution]") {
  const Tensor edges = torch::tensor({0.0F, 1.0F, 2.0F, 3.0F});
  const Tensor sure = torch::tensor({{0.0F, -60.0F, -60.0F}, {-60.0F, -60.0F, 0.0F}});
  const Tensor low = fn::distribution_quantile(sure, edges, 0.0),
               high = fn::distribution_quantile(sure, edges, 1.0);
  CATCH_REQUIRE(low.ge(0).all().item<bool>());
  CATCH_REQUIRE(high.le(3).all().item<bool>());
  CATCH_REQUIRE(
      torch::allclose(fn::distribution_quantile(sure, edges, 0.5), torch::tensor({0.5F, 2.5F})));
}

CATCH_TEST_CASE("the mixture is the weighted mean of probabilities after their temperatures",
                "[distribution]") {
  const Tensor logits = torch::randn({3, 4, 5}, torch::kDouble);
  const Tensor weight = torch::tensor({0.25, 0.75, 0.0}, torch::kDouble);
  const Tensor temperature = torch::tensor({1.0, 2.0, 0.5}, torch::kDouble);
  const Tensor expected = 0.25 * logits[0].softmax(-1) + 0.75 * (logits[1] / 2).softmax(-1);
  const Tensor got = fn::mix_members(logits, weight, temperature);
  CATCH_REQUIRE(torch::allclose(got.exp(), expected));
  CATCH_REQUIRE(torch::allclose(got.exp().sum(-1), torch::ones({4}, torch::kDouble)));
}

}  // namespace
