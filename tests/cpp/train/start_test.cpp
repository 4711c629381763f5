#include "deepbio/train/start.h"

#include <torch/types.h>

#include <cmath>

#include "catch.h"
#include "train/small_community.h"

#include "deepbio/base/error.h"
#include "deepbio/train/feed.h"

namespace deepbio::train {
namespace {

torch::Tensor first_loss(model::AamModel& model, const data::SampleDataset& dataset,
                         const std::vector<int64_t>& samples, const LossOptions& options) {
  model.train();
  const data::SampleBatch batch = dataset.batch(samples);
  const model::Outputs outputs = model.forward(make_inputs(batch), {});
  return multi_task_loss(outputs, make_loss_targets(batch, {}), options,
                         model.config().is_classifier, "unifrac")
      .target_loss;
}

CATCH_TEST_CASE("an ASV is known when enough of the given samples have it", "[start]") {
  const SmallCommunity community;
  const data::SampleDataset dataset = community.dataset(false);
  CATCH_REQUIRE(known_identities(dataset, community.samples, 6).size(0) == 8);
  CATCH_REQUIRE(known_identities(dataset, community.samples, 7).size(0) == 0);
  CATCH_REQUIRE(known_identities(dataset, {0, 2, 4, 1}, 2).size(0) ==
                4);  // three even samples, one odd one
  const torch::Tensor all = feature_identities(dataset);
  const torch::Tensor even = known_identities(dataset, {0, 2}, 1);
  CATCH_REQUIRE(torch::equal(even, std::get<0>(all.narrow(0, 0, 4).sort())));
}

CATCH_TEST_CASE("a new predictor answers with the class rates whatever its branches", "[start]") {
  const SmallCommunity community;
  data::SampleDataset dataset = community.dataset(true);
  dataset.set_targets(community.classes);
  const std::vector<int64_t> samples{0, 1, 2, 4, 6, 8};  // five of class 0, one of class 1
  for (const bool transformer : {false, true}) {
    model::ModelConfig config = small_members();
    config.is_classifier = true;
    config.out_dim = 2;
    config.transformer_branch = transformer;
    config = fit_config(config, dataset, samples, 1);
    CATCH_REQUIRE(config.num_known_asvs == 8);
    auto model = model::make_model(config, true, 9);
    start_predictor(*model, dataset, samples, 1);
    const double p = 5.5 / 7;
    const double expected = -(5 * std::log(p) + std::log(1 - p)) / 6;
    CATCH_REQUIRE(first_loss(*model, dataset, samples, {}).item<double>() ==
                  Approx(expected).epsilon(1e-4));
  }
}

CATCH_TEST_CASE(
    "a new histogram answers with the distribution of the targets, a number with their mean",
    "[start]") {
  const SmallCommunity community;
  data::SampleDataset dataset = community.dataset(true);
  dataset.set_targets(torch::linspace(-2, 3, 12).unsqueeze(1));
  model::ModelConfig config = fit_config(small_members(), dataset, community.samples, 1);
  config.num_bins = 20;
  LossOptions options;
  options.target_loss_type = "histogram";
  auto model = model::make_model(config, true, 9);
  start_predictor(*model, dataset, community.samples, 1);
  const torch::Tensor loss = first_loss(*model, dataset, community.samples, options);
  CATCH_REQUIRE(loss.item<double>() ==
                Approx(std::log(20.0)).epsilon(0.03));  // evenly spread targets
  model->eval();
  const model::Outputs out = model->forward(make_inputs(dataset.batch(community.samples)), {});
  CATCH_REQUIRE(torch::allclose(out.target_prediction, torch::full({12, 1}, 0.5), 0, 0.05));
  // AAM's own architecture too.
  for (const char* activation : {"none", "softplus", "exp"}) {
    model::ModelConfig plain = small_model();
    plain.output_activation = activation;
    auto aam = model::make_model(plain, true, 9);
    start_predictor(*aam, dataset, community.samples, 0);
    aam->eval();
    const auto answer =
        aam->forward(make_inputs(dataset.batch(community.samples)), {}).target_prediction;
    CATCH_REQUIRE(torch::allclose(answer, torch::full({12, 1}, 0.5), 0, 1e-4));
  }
}

CATCH_TEST_CASE(
    "inputs are centred and scaled over the training samples, and what never varies stays at zero",
    "[start]") {
  const SmallCommunity community;
  const data::SampleDataset dataset = community.dataset(false);
  model::ModelConfig config = fit_config(small_members(), dataset, community.samples, 1);
  auto model = model::make_model(config, true, 9);
  start_predictor(*model, dataset, community.samples, 1);
  auto& predictor = dynamic_cast<model::SequencePredictorImpl&>(*model);
  const model::Inputs inputs = make_inputs(dataset.batch(community.samples));
  const auto buffers = model->named_buffers();
  const torch::Tensor known = (predictor.known_inputs(inputs) - buffers["known_branch.shift"]) *
                              buffers["known_branch.scale"];
  CATCH_REQUIRE(known.mean(0).abs().max().item<double>() < 1e-5);
  CATCH_REQUIRE(known.square().mean().sqrt().item<double>() == Approx(0.1).epsilon(1e-3));
  // Samples that all hold the same: nothing to scale up.
  const std::vector<int64_t> even{0, 2, 4, 6, 8, 10};
  auto same = model::make_model(fit_config(small_members(), dataset, even, 1), true, 9);
  start_predictor(*same, dataset, even, 1, torch::ones({8, config.embedding_dim}));
  CATCH_REQUIRE(same->named_buffers()["sequence_branch.scale"].max().item<double>() <= 20.001);
}

CATCH_TEST_CASE("a start that does not fit is refused", "[start]") {
  const SmallCommunity community;
  const data::SampleDataset dataset = community.dataset(false);
  model::ModelConfig config = small_members();
  config.num_known_asvs = 3;
  auto model = model::make_model(config, true, 9);
  CATCH_REQUIRE_THROWS_WITH(start_predictor(*model, dataset, community.samples, 1),
                            Catch::Contains("known ASVs"));
  CATCH_REQUIRE_THROWS_AS(start_predictor(*model, dataset, {1}, 1), ArgumentError);
}

}  // namespace
}  // namespace deepbio::train
