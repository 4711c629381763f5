#include "deepbio/train/optim.h"

#include <torch/optim.h>
#include <torch/types.h>

#include <cmath>

#include "catch.h"

#include "deepbio/base/error.h"

namespace deepbio::train {
namespace {

using Named = std::vector<std::pair<std::string, torch::Tensor>>;

// Gradient of a bowl whose bottom wanders with the step.
torch::Tensor gradient_at(const torch::Tensor& parameter, int step) {
  return (parameter.detach() - std::sin(0.3 * step)) * torch::linspace(0.1, 3, parameter.numel());
}

// Both walk 50 steps of a learning rate that moves, in double: a step divides by what it has seen,
// and with it rounding.
template <class Oracle, class Options>
void require_same_walk(const OptimizerOptions& options, Options theirs_options) {
  const torch::Tensor ours = torch::linspace(-1, 1, 7, torch::kDouble).requires_grad_();
  const torch::Tensor theirs = ours.detach().clone().requires_grad_();
  Optimizer optimizer({{"w", ours}}, options);
  Oracle oracle({theirs}, theirs_options);
  for (int step = 0; step < 50; ++step) {
    const double lr = 0.05 / (1 + step % 7);
    ours.mutable_grad() = gradient_at(ours, step);
    theirs.mutable_grad() = gradient_at(theirs, step);
    static_cast<Options&>(oracle.param_groups()[0].options()).lr(lr);
    optimizer.step({lr});
    oracle.step();
    CATCH_REQUIRE(torch::allclose(ours, theirs, 1e-6, 1e-7));
  }
}

CATCH_TEST_CASE("each optimizer walks where torch's walks", "[optim]") {
  using namespace torch::optim;
  require_same_walk<AdamW>({.weight_decay = 0.1}, AdamWOptions(0.05).weight_decay(0.1));
  require_same_walk<Adam>({.kind = "adam", .weight_decay = 0.1},
                          AdamOptions(0.05).weight_decay(0.1));
  require_same_walk<SGD>({.kind = "sgd", .weight_decay = 0.1},
                         SGDOptions(0.05).momentum(0.9).weight_decay(0.1));
}

CATCH_TEST_CASE("an optimizer leaves parameters without a gradient alone", "[optim]") {
  const torch::Tensor still = torch::ones({3}).requires_grad_(),
                      moved = torch::ones({3}).requires_grad_();
  Optimizer optimizer({{"still", still}, {"moved", moved}}, {});
  moved.mutable_grad() = torch::ones({3});
  optimizer.step({0.1});
  CATCH_REQUIRE(torch::equal(still, torch::ones({3})));
  CATCH_REQUIRE_FALSE(torch::equal(moved, torch::ones({3})));
}

CATCH_TEST_CASE("an optimizer continued from its state makes the same steps", "[optim]") {
  const torch::Tensor first = torch::linspace(-1, 1, 5).requires_grad_();
  Optimizer optimizer({{"w", first}}, {});
  const auto walk = [](Optimizer& which, const torch::Tensor& parameter, int begin, int end) {
    for (int step = begin; step < end; ++step) {
      parameter.mutable_grad() = gradient_at(parameter, step);
      which.step({0.05});
    }
  };
  walk(optimizer, first, 0, 5);
  Named kept;
  for (const auto& [name, tensor] : optimizer.state()) kept.emplace_back(name, tensor.clone());
  const torch::Tensor second = first.detach().clone().requires_grad_();
  Optimizer continued({{"w", second}}, {});
  continued.load_state(kept);
  walk(optimizer, first, 5, 10);
  walk(continued, second, 5, 10);
  CATCH_REQUIRE(torch::equal(first, second));
  CATCH_REQUIRE(optimizer.state()[2].first == "step/w");
  CATCH_REQUIRE(optimizer.state()[2].second.item<double>() == 10);
  kept.pop_back();
  CATCH_REQUIRE_THROWS_AS(continued.load_state(kept), ConfigError);
}

CATCH_TEST_CASE("clipping scales all gradients together to the wanted norm", "[optim]") {
  const torch::Tensor a = torch::zeros({2}).requires_grad_(),
                      b = torch::zeros({1}).requires_grad_();
  a.mutable_grad() = torch::tensor({3.0f, 0.0f});
  b.mutable_grad() = torch::tensor({4.0f});
  const Named parameters{{"a", a}, {"b", b}};
  CATCH_REQUIRE(clip_gradients(parameters, 1) == Approx(5));
  CATCH_REQUIRE(a.grad()[0].item<double>() == Approx(0.6));
  CATCH_REQUIRE(b.grad()[0].item<double>() == Approx(0.8));
  CATCH_REQUIRE(clip_gradients(parameters, 10) == Approx(1));
  CATCH_REQUIRE(b.grad()[0].item<double>() == Approx(0.8));
}

CATCH_TEST_CASE("a loss is scaled as torch's GradScaler scales it", "[optim]") {
  LossScale ours;
  torch::Tensor scale = torch::full({1}, 65536.0), grown = torch::zeros({1}, torch::kInt);
  torch::manual_seed(1);
  const torch::Tensor draws = torch::rand({12000});
  for (int64_t i = 0; i < draws.size(0); ++i) {
    const bool is_finite = draws[i].item<float>() > 2e-4;
    at::_amp_update_scale_(scale, grown, torch::full({1}, is_finite ? 0.0 : 1.0), 2.0, 0.5, 2000);
    ours.see(is_finite);
    CATCH_REQUIRE(ours.factor == scale.item<double>());
  }
  CATCH_REQUIRE(ours.factor != 65536);
}

CATCH_TEST_CASE("the gradients of an encoder do not shrink those of the heads over it", "[optim]") {
  const torch::Tensor base = torch::zeros({1}).requires_grad_(),
                      head = torch::zeros({1}).requires_grad_();
  const Named parameters{{"base_model.w", base}, {"target_head.w", head}};
  const auto clipped = [&](const char* prefix) {
    base.mutable_grad() = torch::tensor({300.0f});
    head.mutable_grad() = torch::tensor({0.4f});
    clip_apart(parameters, prefix, 1);
    return std::pair(base.grad().item<double>(), head.grad().item<double>());
  };
  CATCH_REQUIRE(clipped("base_model.").first == Approx(1));
  CATCH_REQUIRE(clipped("base_model.").second == Approx(0.4));
  CATCH_REQUIRE(clipped("").second ==
                Approx(0.4 / 300).epsilon(1e-3));  // no groups: one norm, as torch's
}

}  // namespace
}  // namespace deepbio::train
