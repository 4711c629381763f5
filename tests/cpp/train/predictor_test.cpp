#include "deepbio/train/predictor.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <numeric>

#include "catch.h"
#include "train/small_community.h"

#include "deepbio/base/error.h"
#include "deepbio/train/feed.h"

namespace deepbio::train {
namespace {

RunConfig regression_run() {
  RunConfig config;
  config.kind = "train";
  config.target =
      data::TargetCodec::fit_regression("age", {10, 20, 30}, data::TargetTransform::kMinMax);
  return config;
}

CATCH_TEST_CASE("predictions equal the model's own answer in the units of the target",
                "[predictor]") {
  const SmallCommunity community;
  const auto model = small_predictor();
  const data::SampleDataset data = community.dataset(false);
  const Predictions predictions = predict(*model, regression_run(), data, {3, 0, 7});
  CATCH_REQUIRE(predictions.sample_ids == std::vector<std::string>{"s3", "s0", "s7"});
  model->eval();
  const torch::NoGradGuard no_grad;
  const std::vector<int64_t> indices{3, 0, 7};
  const torch::Tensor direct =
      model->forward(make_inputs(data.batch(indices)), {}).target_prediction;
  for (int64_t i = 0; i < 3; ++i) {
    const double expected = 10 + 20 * direct[i][0].item<double>();  // min-max of 10..30
    CATCH_REQUIRE(predictions.values[i][0].item<double>() == Approx(expected).epsilon(1e-5));
  }
}

CATCH_TEST_CASE("predictions do not depend on the batch size", "[predictor]") {
  const SmallCommunity community;
  const auto model = small_predictor();
  const data::SampleDataset data = community.dataset(false);
  const Predictions one =
      predict(*model, regression_run(), data, community.samples, {.batch_size = 1});
  const Predictions many =
      predict(*model, regression_run(), data, community.samples, {.batch_size = 5});
  CATCH_REQUIRE(torch::allclose(one.values, many.values, 1e-5, 1e-4));
}

CATCH_TEST_CASE("predicting leaves the model in the mode it was in and without gradients",
                "[predictor]") {
  const SmallCommunity community;
  const auto model = small_predictor();
  model->train();
  const Predictions predictions = predict(*model, regression_run(), community.dataset(false), {0});
  CATCH_REQUIRE(model->is_training());
  CATCH_REQUIRE_FALSE(predictions.values.requires_grad());
}

CATCH_TEST_CASE("a classifier answers with labels and probabilities that sum to one",
                "[predictor]") {
  const SmallCommunity community;
  const test::TemporaryFolder folder;
  model::ModelConfig config = small_model();
  config.is_classifier = true;
  config.out_dim = 3;
  RunConfig run;
  run.kind = "train";
  run.target = data::TargetCodec::fit_classes("site", {"gut", "skin", "tongue"});
  const auto model = small_predictor(config);
  const Predictions predictions = predict(*model, run, community.dataset(false), community.samples);
  CATCH_REQUIRE(torch::allclose(predictions.values.sum(1), torch::ones({12}, torch::kDouble)));
  write_predictions(folder / "p.tsv", predictions, run);
  std::istringstream text(test::read_text(folder / "p.tsv"));
  std::string line;
  std::getline(text, line);
  CATCH_REQUIRE(line ==
                "sample_id\tprediction\tprobability_gut\tprobability_skin\tprobability_tongue");
  std::getline(text, line);
  const std::string label = run.target->classes()[predictions.values[0].argmax().item<int64_t>()];
  CATCH_REQUIRE(line.rfind("s0\t" + label + "\t", 0) == 0);
}

CATCH_TEST_CASE("written numbers have nine digits and an existing file is refused", "[predictor]") {
  const test::TemporaryFolder folder;
  Predictions predictions;
  predictions.sample_ids = {"a"};
  predictions.values = torch::tensor({{1.0 / 3}}, torch::kDouble);
  write_predictions(folder / "p.tsv", predictions, regression_run());
  CATCH_REQUIRE(test::read_text(folder / "p.tsv") == "sample_id\tprediction\na\t0.333333333\n");
  CATCH_REQUIRE_THROWS_AS(
      write_predictions(folder / "p.tsv", predictions, regression_run(), io::Overwrite::kRefuse),
      WriteError);
}

CATCH_TEST_CASE("embeddings are those of the encoder, one row per sample", "[predictor]") {
  const SmallCommunity community;
  const auto model = small_predictor();
  const data::SampleDataset data = community.dataset(false);
  const torch::Tensor vectors = embed(*model, data, community.samples);
  CATCH_REQUIRE(vectors.sizes() == torch::IntArrayRef({12, 16}));
  model->eval();
  const torch::NoGradGuard no_grad;
  const std::vector<int64_t> indices{5};
  const torch::Tensor direct = model->forward(make_inputs(data.batch(indices)), {}).embeddings;
  CATCH_REQUIRE(torch::allclose(vectors[5], direct[0], 1e-4, 1e-5));
}

CATCH_TEST_CASE("every feature is encoded once, in table order", "[predictor]") {
  const SmallCommunity community;
  const auto model = small_predictor();
  const data::SampleDataset data = community.dataset(false);
  const torch::Tensor all = encode_features(*model, data),
                      bit_by_bit = encode_features(*model, data, 3);
  CATCH_REQUIRE(all.sizes() == torch::IntArrayRef({8, 16}));
  CATCH_REQUIRE(torch::allclose(all, bit_by_bit, 1e-5, 1e-6));
  CATCH_REQUIRE_FALSE(torch::allclose(all[0], all[1]));
}

CATCH_TEST_CASE("an encoder cannot predict, and samples must exist", "[predictor]") {
  const SmallCommunity community;
  const auto encoder = model::make_model(small_model(), /*is_predictor=*/false);
  const data::SampleDataset data = community.dataset(false);
  CATCH_REQUIRE_THROWS_AS(predict(*encoder, regression_run(), data, {0}), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(predict(*small_predictor(), regression_run(), data, {}), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(predict(*small_predictor(), regression_run(), data, {99}), ArgumentError);
}

}  // namespace
}  // namespace deepbio::train
