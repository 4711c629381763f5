#include "deepbio/train/faults.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <limits>

#include "catch.h"
#include "train/small_community.h"

namespace deepbio::train {
namespace {

CATCH_TEST_CASE(
    "the first tensor that is not finite is named, integers and undefined ones are passed over") {
  const torch::Tensor good = torch::ones({2, 2}),
                      bad = torch::full({3}, std::numeric_limits<float>::infinity());
  CATCH_REQUIRE(
      first_not_finite(NamedTensors{{"a", good}, {"b", {}}, {"c", torch::ones({2}, torch::kLong)}})
          .empty());
  CATCH_REQUIRE(first_not_finite(NamedTensors{{"a", good}, {"b", bad}, {"c", bad}}) == "b");
  CATCH_REQUIRE(first_not_finite(NamedTensors{{"a", torch::full({1}, std::nan(""))}}) == "a");
}

CATCH_TEST_CASE("what goes in is looked at before what comes out") {
  model::Inputs inputs;
  model::Outputs outputs;
  LossTargets targets;
  LossTerms terms;
  outputs.target_prediction = torch::full({2, 1}, std::nan(""));
  terms.target_loss = terms.total_loss = torch::full({}, std::nan(""));
  CATCH_REQUIRE(first_not_finite(Step{inputs, targets, outputs, terms}) == "target_prediction");
  inputs.counts = torch::full({2, 3}, std::nan(""));
  CATCH_REQUIRE(first_not_finite(Step{inputs, targets, outputs, terms}) == "counts");
}

CATCH_TEST_CASE("weights of a model are named as in its state") {
  const auto model = small_predictor();
  CATCH_REQUIRE(first_not_finite(*model).empty());
  const torch::NoGradGuard no_grad;
  model->named_parameters()["target_head.weight"].fill_(std::nan(""));
  CATCH_REQUIRE(first_not_finite(*model) == "target_head.weight");
}

CATCH_TEST_CASE("samples of a batch: three by name, the others counted") {
  data::SampleBatch batch;
  batch.sample_ids = {"a"};
  CATCH_REQUIRE(name_samples(batch) == "sample 'a'");
  batch.sample_ids = {"a", "b", "c", "d", "e"};
  CATCH_REQUIRE(name_samples(batch) == "samples 'a', 'b', 'c' and 2 more");
}

}  // namespace
}  // namespace deepbio::train
