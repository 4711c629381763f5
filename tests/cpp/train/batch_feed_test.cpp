// Training, prediction and resumption on a device that is not the CPU.
#include "deepbio/train/batch_feed.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <filesystem>

#include "catch.h"
#include "train/other_device.h"
#include "train/small_community.h"

#include "deepbio/model/device.h"
#include "deepbio/train/predictor.h"
#include "deepbio/train/start.h"

namespace deepbio::train {
namespace {

// The fused encoder of the CPU draws dropout in its own way, so that stacks have none here.
model::ModelConfig all_branches() {
  model::ModelConfig config = small_model_without_chance();
  config.sequence_branch = config.transformer_branch = true;
  config.known_hidden_dim = config.sequence_hidden_dim = 16;
  config.num_members = 2;
  return config;
}

TrainingOptions trained_on(const std::string& device, int64_t epochs = 3) {
  TrainingOptions options = small_training(epochs);
  options.device = device;
  options.known_min_samples = 1;
  options.calibration_folds = 2;
  options.max_grad_norm = 1;
  options.average_from = 0.5;
  options.best_metric = "last";
  return options;
}

struct Trained {
  std::shared_ptr<model::AamModel> model;
  FitResult result;
};

Trained train(model::ModelConfig config, const TrainingOptions& options, bool is_predictor = true,
              const std::string& run = "", bool resume = false) {
  const SmallCommunity community;
  data::SampleDataset samples = community.dataset(true), fixed = community.dataset(false);
  if (config.is_classifier) {
    samples.set_targets(community.classes);
    fixed.set_targets(community.classes);
  }
  const Split split{community.samples, community.samples, {}};
  if (is_predictor && !config.is_plain())
    config = fit_config(config, samples, split.train, options.known_min_samples);
  Trained out{model::make_model(config, is_predictor, /*seed=*/3), {}};
  if (is_predictor && !config.is_plain())
    start_predictor(*out.model, samples, split.train, options.known_min_samples);
  out.result = Trainer(out.model, options, run).fit(samples, fixed, split, {}, resume);
  return out;
}

void expect_same_course(const Trained& here, const Trained& there) {
  CATCH_REQUIRE(here.result.history.size() == there.result.history.size());
  for (size_t epoch = 0; epoch < here.result.history.size(); ++epoch) {
    const EpochReport &a = here.result.history[epoch], &b = there.result.history[epoch];
    CATCH_REQUIRE(b.train_loss == Approx(a.train_loss).epsilon(1e-4));
    CATCH_REQUIRE(b.val_loss == Approx(a.val_loss).epsilon(1e-4));
    for (const auto& [name, value] : a.val_terms)
      CATCH_REQUIRE(b.val_terms.at(name) == Approx(value).epsilon(1e-3).margin(1e-5));
  }
}

CATCH_TEST_CASE("a predictor with all its branches learns the same on another device", "[device]") {
  const std::string other = test::other_device().str();
  model::ModelConfig numbers = all_branches(), bins = all_branches(), classes = all_branches();
  bins.num_bins = 8;
  classes.is_classifier = true;
  classes.out_dim = 2;
  const int64_t waited = test::num_copies_waited_for();
  for (const model::ModelConfig& config : {numbers, bins, classes, small_model_without_chance()}) {
    TrainingOptions options = trained_on(other);
    if (config.num_bins > 0) options.loss.target_loss_type = "histogram";
    const Trained there = train(config, options);
    options.device = "cpu";
    const Trained here = train(config, options);
    CATCH_REQUIRE(model::device_of(*there.model) == test::other_device());
    expect_same_course(here, there);
    const SmallCommunity community;
    RunConfig run;
    run.model = config;
    const Predictions a = predict(*here.model, run, community.dataset(false), community.samples),
                      b = predict(*there.model, run, community.dataset(false), community.samples);
    CATCH_REQUIRE(b.values.is_cpu());
    CATCH_REQUIRE(torch::allclose(a.values, b.values, 1e-3, 1e-4));
    CATCH_REQUIRE(a.class_ids == b.class_ids);
  }
  CATCH_REQUIRE(test::num_copies_waited_for() > waited);
}

CATCH_TEST_CASE("pretraining and joint training learn the same on another device", "[device]") {
  const std::string other = test::other_device().str();
  model::ModelConfig encoder = small_model_without_chance();
  TrainingOptions options = small_training(3);
  const Trained here = train(encoder, options, /*is_predictor=*/false);
  options.device = other;
  expect_same_course(here, train(encoder, options, /*is_predictor=*/false));

  encoder.nuc_mask_ratio = 0.2;  // hidden bases are drawn on the device
  for (const char* strategy : {"random", "span"}) {
    encoder.nuc_mask_strategy = strategy;
    const FitResult masked = train(encoder, options, /*is_predictor=*/false).result;
    CATCH_REQUIRE(masked.history.back().val_terms.at("nuc_loss") > 0);
  }

  model::ModelConfig frozen = all_branches();
  frozen.freeze_base = true;
  frozen.transformer_branch = frozen.count_prediction = frozen.predict_nucleotides = false;
  expect_same_course(train(frozen, trained_on("cpu")), train(frozen, trained_on(other)));
}

CATCH_TEST_CASE("a run goes on where another device left it", "[device]") {
  const test::TemporaryFolder folder;
  const std::string other = test::other_device().str();
  for (const auto& [first, second] :
       {std::pair<std::string, std::string>{other, "cpu"}, {"cpu", other}}) {
    const std::string run = folder / ("run_of_" + first.substr(0, 3));
    TrainingOptions options = trained_on(first, 2);
    options.calibration_folds = 0;
    options.scheduler = "constant";  // others go by the length of the run, which is extended
    train(all_branches(), options, true, run);
    options.device = second, options.epochs = 4;
    const Trained resumed = train(all_branches(), options, true, run, /*resume=*/true);
    options.device = "cpu";
    const Trained again = train(all_branches(), options, true, run + "_again");
    // The mean of the weights begins elsewhere in a run that was extended; what is learned does
    // not.
    for (size_t epoch = 0; epoch < 4; ++epoch)
      CATCH_REQUIRE(resumed.result.history[epoch].train_loss ==
                    Approx(again.result.history[epoch].train_loss).epsilon(1e-4));
  }
}

CATCH_TEST_CASE("training in shorter numbers comes close to float32, whose weights it keeps",
                "[device]") {
  for (const std::string& device : {std::string("cpu"), test::other_device().str()}) {
    TrainingOptions options = trained_on(device, 5);
    const double full = train(all_branches(), options).result.history.back().train_loss;
    for (const char* const precision : {"bf16", "fp16"}) {
      options.mixed_precision = precision;
      const Trained mixed = train(all_branches(), options);
      for (const torch::Tensor& parameter : mixed.model->parameters())
        CATCH_REQUIRE(parameter.scalar_type() == torch::kFloat);
      CATCH_REQUIRE(mixed.result.history.back().train_loss != full);
      CATCH_REQUIRE(mixed.result.history.back().train_loss == Approx(full).epsilon(0.05));
    }
  }
}

}  // namespace
}  // namespace deepbio::train
