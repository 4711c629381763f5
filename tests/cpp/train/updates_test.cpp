#include "deepbio/train/updates.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <limits>

#include "catch.h"
#include "train/small_community.h"

namespace deepbio::train {
namespace {

void fill_gradients(model::AamModel& model, double value) {
  for (const auto& item : model.named_parameters())
    item.value().mutable_grad() = torch::full_like(item.value(), value);
}

torch::Tensor all_weights(const model::AamModel& model) {
  std::vector<torch::Tensor> flat;
  for (const auto& item : model.named_parameters()) flat.push_back(item.value().detach().flatten());
  return torch::cat(flat);
}

CATCH_TEST_CASE("gradients that are not finite move no weight, with clipping and without") {
  for (const double max_norm : {0.0, 1.0}) {
    const auto model = small_predictor();
    TrainingOptions options = small_training(1);
    options.max_grad_norm = max_norm;
    TrainingState state;
    const ProcessGroup alone;
    Updates updates(*model, options, state, alone);
    updates.plan(10);
    const torch::Tensor before = all_weights(*model);
    fill_gradients(*model, 0.5);
    model->named_parameters()["target_head.weight"].mutable_grad()[0][0] =
        std::numeric_limits<float>::quiet_NaN();
    CATCH_REQUIRE(updates.step() == "gradient of target_head.weight");
    CATCH_REQUIRE(torch::equal(all_weights(*model), before));
    CATCH_REQUIRE(state.updates == 1);
    CATCH_REQUIRE(!model->parameters().front().grad().defined());
    fill_gradients(*model, 0.5);
    CATCH_REQUIRE(updates.step().empty());
    CATCH_REQUIRE(!torch::equal(all_weights(*model), before));
    CATCH_REQUIRE(state.updates == 2);
  }
}

CATCH_TEST_CASE("a scaled loss makes the step of the loss itself") {
  std::vector<torch::Tensor> after;
  for (const std::string precision : {"no", "fp16"}) {
    const auto model = small_predictor();
    TrainingOptions options = small_training(1);
    options.mixed_precision = precision;
    TrainingState state;
    const ProcessGroup alone;
    Updates updates(*model, options, state, alone);
    updates.plan(10);
    CATCH_REQUIRE(updates.loss_scale() == (precision == "no" ? 1 : 65536));
    fill_gradients(*model, 0.25 * updates.loss_scale());
    CATCH_REQUIRE(updates.step().empty());
    after.push_back(all_weights(*model));
  }
  CATCH_REQUIRE(torch::equal(after[0], after[1]));
}

CATCH_TEST_CASE("gradients too large for their scale halve it, until it is the batch's fault") {
  const auto model = small_predictor();
  TrainingOptions options = small_training(1);
  options.mixed_precision = "fp16";
  TrainingState state;
  const ProcessGroup alone;
  Updates updates(*model, options, state, alone);
  updates.plan(100);
  const torch::Tensor before = all_weights(*model);
  double scale = 65536;
  while (scale > 1) {
    fill_gradients(*model, std::numeric_limits<double>::infinity());
    CATCH_REQUIRE(updates.step().empty());
    CATCH_REQUIRE(updates.loss_scale() == (scale /= 2));
  }
  fill_gradients(*model, std::numeric_limits<double>::infinity());
  CATCH_REQUIRE(!updates.step().empty());
  CATCH_REQUIRE(torch::equal(all_weights(*model), before));
  CATCH_REQUIRE(state.updates == 17);
}

CATCH_TEST_CASE("a norm that overflows is not finite although every gradient is") {
  const auto model = small_predictor();
  const TrainingOptions options = small_training(1);
  TrainingState state;
  const ProcessGroup alone;
  Updates updates(*model, options, state, alone);
  updates.plan(10);
  fill_gradients(*model, 1e30);
  CATCH_REQUIRE(updates.step() == "norm of all gradients");
}

}  // namespace
}  // namespace deepbio::train
