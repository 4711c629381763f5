#include "deepbio/train/mixture.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "catch.h"
#include "train/small_community.h"

#include "deepbio/train/start.h"

namespace deepbio::train {
namespace {

model::ModelConfig frozen_members() {
  model::ModelConfig config = small_members();
  config.freeze_base = true;
  return config;
}

TrainingOptions members_training() {
  TrainingOptions options = small_training(40);
  options.best_metric = "last";
  options.average_from = 0.5;
  options.known_min_samples = 1;
  options.calibration_folds = 3;
  return options;
}

CATCH_TEST_CASE("inner folds keep groups whole, deal classes out evenly and have like sizes",
                "[mixture]") {
  const std::vector<int64_t> groups{0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 5, 6};
  const std::vector<int64_t> fold = inner_folds(groups, {}, 12, 3, 1);
  std::map<int64_t, std::set<int64_t>> of_group;
  std::vector<int64_t> sizes(3, 0);
  for (size_t i = 0; i < groups.size(); ++i) of_group[groups[i]].insert(fold[i]), ++sizes[fold[i]];
  for (const auto& [group, folds] : of_group) CATCH_REQUIRE(folds.size() == 1);
  for (const int64_t size : sizes) CATCH_REQUIRE(size == 4);
  const std::vector<int64_t> classes{0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1};
  const std::vector<int64_t> dealt = inner_folds({}, classes, 12, 3, 1);
  std::vector<int64_t> rare(3, 0);
  for (size_t i = 9; i < 12; ++i) ++rare[dealt[i]];
  CATCH_REQUIRE(rare == std::vector<int64_t>{1, 1, 1});
  CATCH_REQUIRE(inner_folds({}, classes, 12, 3, 2) != dealt);
}

CATCH_TEST_CASE("the mixture trusts the branch that is right and cools one that is too sure",
                "[mixture]") {
  torch::manual_seed(3);
  const torch::Tensor classes = torch::randint(0, 2, {400}, torch::kLong);
  const torch::Tensor truth = torch::one_hot(classes, 2).to(torch::kFloat);
  // Right in 90 % of the samples but as sure as for 99.99 %; and one that guesses.
  const torch::Tensor right = torch::rand({400}).lt(0.9);
  const torch::Tensor said = torch::where(right, classes, 1 - classes);
  const torch::Tensor sure = torch::one_hot(said, 2).to(torch::kFloat).mul(9).log_softmax(-1);
  const torch::Tensor guess = torch::randn({400, 2}).log_softmax(-1);
  const BranchMixture mixture = best_mixture({torch::stack({sure, guess}), truth}, true);
  CATCH_REQUIRE(mixture.weight[0] >= 0.8);
  CATCH_REQUIRE(mixture.weight[0] + mixture.weight[1] == Approx(1));
  CATCH_REQUIRE(mixture.temperature[0] > 3);
  // Numbers: the branch with the smaller error.
  const torch::Tensor value = torch::randn({200, 1});
  const BranchMixture numbers =
      best_mixture({torch::stack({torch::randn({200, 1}), value + 0.01}), value}, false);
  CATCH_REQUIRE(numbers.weight == std::vector<double>{0, 1});
}

CATCH_TEST_CASE("a class is chosen against its rate where that is right more evenly", "[mixture]") {
  // The rare class never has half of the probability, but more of it where it is the truth.
  const torch::Tensor classes =
      torch::cat({torch::zeros({90}, torch::kLong), torch::ones({10}, torch::kLong)});
  const torch::Tensor rare = torch::cat({torch::full({90}, 0.05), torch::full({10}, 0.4)});
  const torch::Tensor log_probabilities = torch::stack({1 - rare, rare}, 1).log();
  const torch::Tensor bias = best_class_bias(log_probabilities, classes);
  CATCH_REQUIRE(torch::equal((log_probabilities + bias).argmax(-1), classes));
  // Where the plain answer is as good, it stays.
  CATCH_REQUIRE(
      best_class_bias(torch::stack({1 - classes, classes}, 1).to(torch::kFloat).mul(9), classes)
          .count_nonzero()
          .item<int64_t>() == 0);
}

CATCH_TEST_CASE("a model of members is learned, and resumed bit for bit", "[mixture]") {
  const SmallCommunity community(24);
  const data::SampleDataset train = community.dataset(true), val = community.dataset(false);
  Split split;
  for (const int64_t sample : community.samples)
    (sample < 18 ? split.train : split.val).push_back(sample);
  const TrainingOptions options = members_training();
  const model::ModelConfig config =
      fit_config(frozen_members(), train, split.train, options.known_min_samples);
  const auto fitted = [&](const std::string& run, int64_t stop_after) {
    auto model = model::make_model(config, true, 5);
    start_predictor(*model, train, split.train, options.known_min_samples);
    Callbacks callbacks;
    callbacks.on_epoch = [&](const EpochReport& report) {
      return report.epoch + 1 == stop_after ? Control::kStop : Control::kContinue;
    };
    const bool resume = stop_after == 0 && !run.empty();
    const FitResult result = Trainer(model, options, run).fit(train, val, split, callbacks, resume);
    return std::pair{model, result};
  };
  const auto [whole, result] = fitted("", 0);
  CATCH_REQUIRE(result.history.back().val_terms.at("r2") > 0.9);
  CATCH_REQUIRE(result.history.front().val_terms.at("r2") > -0.5);
  CATCH_REQUIRE(result.best_epoch == 39);
  const std::string run = "mixture_test_run";
  std::filesystem::remove_all(run);
  CATCH_REQUIRE(fitted(run, 7).second.interrupted);
  const auto [resumed, rest] = fitted(run, 0);
  const NamedTensors a = state_dict(*whole), b = state_dict(*resumed);
  for (size_t i = 0; i < a.size(); ++i) CATCH_REQUIRE(torch::equal(a[i].second, b[i].second));
  const NamedTensors written = load_tensors(run + "/model.safetensors");  // in an order of its own
  const std::map<std::string, torch::Tensor> of_name(written.begin(), written.end());
  for (const auto& [name, tensor] : a) CATCH_REQUIRE(torch::equal(tensor, of_name.at(name)));
  std::filesystem::remove_all(run);
}

CATCH_TEST_CASE("few samples get more epochs, but not hundreds of them", "[mixture]") {
  TrainingOptions options = members_training();
  options.epochs = 10;
  options.min_steps = 50;
  options.batch_size = 4;
  CATCH_CHECK(budget_epochs(options, 12) == 17);   // 3 batches an epoch
  CATCH_CHECK(budget_epochs(options, 400) == 10);  // more than enough
  options.min_steps = 5000;
  CATCH_CHECK(budget_epochs(options, 12) == 200);
  options.epochs = 300;  // what is asked for is done
  CATCH_CHECK(budget_epochs(options, 12) == 300);
}

CATCH_TEST_CASE("without validation samples the budget decides", "[mixture]") {
  const SmallCommunity community;
  const data::SampleDataset train = community.dataset(true);
  TrainingOptions options = members_training();
  options.epochs = 10;
  options.min_steps = 50;
  options.calibration_folds = 0;
  auto model =
      model::make_model(fit_config(frozen_members(), train, community.samples, 1), true, 5);
  start_predictor(*model, train, community.samples, 1);
  const FitResult result = Trainer(model, options).fit(train, train, {community.samples, {}, {}});
  CATCH_REQUIRE(result.history.size() == 17);  // 3 batches an epoch
  options.best_metric = "val_loss";
  options.average_from = 1;
  CATCH_REQUIRE_THROWS_WITH(Trainer(model, options).fit(train, train, {community.samples, {}, {}}),
                            Catch::Contains("validation samples"));
}

}  // namespace
}  // namespace deepbio::train
