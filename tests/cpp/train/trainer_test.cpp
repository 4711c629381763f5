#include "deepbio/train/trainer.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <filesystem>
#include <set>

#include "catch.h"
#include "train/small_community.h"

#include "deepbio/base/error.h"

namespace deepbio::train {
namespace {

Split all_for_both(const SmallCommunity& community) {
  return {community.samples, community.samples};
}

bool same_weights(const model::AamModel& a, const model::AamModel& b) {
  const NamedTensors first = state_dict(a), second = state_dict(b);
  for (size_t i = 0; i < first.size(); ++i) {
    if (first[i].first != second[i].first || !torch::equal(first[i].second, second[i].second))
      return false;
  }
  return first.size() == second.size();
}

CATCH_TEST_CASE("a tiny community is learned by heart", "[trainer]") {
  const SmallCommunity community;
  const auto model = small_predictor();
  TrainingOptions options = small_training(40);
  options.loss.nuc_penalty = 0;
  Trainer trainer(model, options);
  const FitResult result =
      trainer.fit(community.dataset(true), community.dataset(false), all_for_both(community));
  CATCH_REQUIRE(result.history.size() == 40);
  CATCH_REQUIRE(result.history.front().val_terms.at("r2") < 0.5);
  CATCH_REQUIRE(result.history[result.best_epoch].val_terms.at("r2") > 0.95);
  CATCH_REQUIRE(result.best_loss == result.history[result.best_epoch].val_loss);
}

CATCH_TEST_CASE("a classifier learns its classes", "[trainer]") {
  const SmallCommunity community;
  model::ModelConfig config = small_model();
  config.is_classifier = true;
  config.out_dim = 2;
  data::SampleDataset train = community.dataset(true), val = community.dataset(false);
  train.set_targets(community.classes);
  val.set_targets(community.classes);
  TrainingOptions options = small_training(30);
  options.loss.nuc_penalty = 0;
  options.best_metric = "accuracy";
  Trainer trainer(small_predictor(config), options);
  const FitResult result = trainer.fit(train, val, all_for_both(community));
  CATCH_REQUIRE(result.best_loss == 1.0);
}

CATCH_TEST_CASE("pretraining learns the distances between samples", "[trainer]") {
  const SmallCommunity community;
  auto model = model::make_model(small_model(), /*is_predictor=*/false);
  model::init_parameters(*model, 5);
  Trainer trainer(model, small_training(30));
  const FitResult result =
      trainer.fit(community.dataset(true), community.dataset(false), all_for_both(community));
  const double first = result.history.front().val_terms.at("unifrac_loss");
  CATCH_REQUIRE(result.history.back().val_terms.at("unifrac_loss") < first / 4);
  CATCH_REQUIRE(result.history.back().val_terms.at("nuc_loss") <
                result.history.front().val_terms.at("nuc_loss"));
}

// Training that is stopped after each of the given steps (epoch, step) and resumed, again and
// again, in a folder.
FitResult fit_in_pieces(const std::string& run, const TrainingOptions& options,
                        const SmallCommunity& community, const Split& split,
                        std::vector<std::pair<int64_t, int64_t>> stops, model::AamModel& last) {
  const data::SampleDataset train = community.dataset(true), val = community.dataset(false);
  bool resume = false;
  for (const auto& [epoch, step] : stops) {
    Callbacks stop;
    stop.on_step = [epoch = epoch, step = step](const StepReport& report) {
      return report.epoch == epoch && report.step == step ? Control::kStop : Control::kContinue;
    };
    CATCH_REQUIRE(
        Trainer(small_predictor(), options, run).fit(train, val, split, stop, resume).interrupted);
    resume = true;
    torch::manual_seed(99);  // a resumed process knows nothing of the first one's generator
  }
  const std::shared_ptr<model::AamModel> model(&last, [](model::AamModel*) {});
  return Trainer(model, options, run).fit(train, val, split, {}, resume);
}

CATCH_TEST_CASE(
    "on one thread a resumed run equals an unbroken one bit for bit, wherever it stopped",
    "[trainer]") {
  const SmallCommunity community;
  const Split split = split_samples(community.samples, 0.25, 1);
  for (const int64_t accumulation : {1, 2}) {
    const test::TemporaryFolder folder;
    TrainingOptions options = small_training(3);
    options.gradient_accumulation_steps = accumulation;
    const auto whole = small_predictor(), resumed = small_predictor();
    const FitResult unbroken =
        fit_in_pieces(folder / "whole", options, community, split, {}, *whole);
    // In the first epoch, after its first and its last batch; within an update where there are two
    // batches in one.
    const FitResult rest = fit_in_pieces(folder / "cut", options, community, split,
                                         {{0, 0}, {0, 2}, {1, 1}, {2, 0}, {2, 2}}, *resumed);
    CATCH_REQUIRE(rest.history.size() == unbroken.history.size());
    for (size_t epoch = 0; epoch < rest.history.size(); ++epoch) {
      CATCH_REQUIRE(rest.history[epoch].train_loss == unbroken.history[epoch].train_loss);
      CATCH_REQUIRE(rest.history[epoch].val_loss == unbroken.history[epoch].val_loss);
      CATCH_REQUIRE(rest.history[epoch].lr == unbroken.history[epoch].lr);
    }
    CATCH_REQUIRE(same_weights(*whole, *resumed));
    for (const char* name :
         {"model.safetensors", "last/model.safetensors", "last/optimizer.safetensors"}) {
      CATCH_REQUIRE(test::read_text(folder / (std::string("whole/") + name)) ==
                    test::read_text(folder / (std::string("cut/") + name)));
    }
  }
}

CATCH_TEST_CASE("an exception of a callback leaves the state of the last update", "[trainer]") {
  const SmallCommunity community;
  const test::TemporaryFolder folder;
  const data::SampleDataset data = community.dataset(true);
  const Split split = all_for_both(community);
  Callbacks failing;
  failing.on_step = [](const StepReport& report) -> Control {
    if (report.step == 1) throw Error("stop");
    return Control::kContinue;
  };
  CATCH_REQUIRE_THROWS(
      Trainer(small_predictor(), small_training(2), folder.path()).fit(data, data, split, failing));
  int64_t first = -1;
  Callbacks look;
  look.on_step = [&](const StepReport& report) {
    if (first < 0) first = report.step;
    return Control::kContinue;
  };
  Trainer(small_predictor(), small_training(2), folder.path())
      .fit(data, data, split, look, /*resume=*/true);
  CATCH_REQUIRE(first == 2);
}

CATCH_TEST_CASE("states within an epoch come every save_steps updates", "[trainer]") {
  const SmallCommunity community;
  const test::TemporaryFolder folder;
  const data::SampleDataset data = community.dataset(true);
  TrainingOptions options = small_training(1);
  options.save_steps = 2;
  Callbacks look;
  std::vector<bool> is_there;
  look.on_step = [&](const StepReport&) {
    is_there.push_back(std::filesystem::exists(folder / "last/state.json"));
    return Control::kContinue;
  };
  Trainer(small_predictor(), options, folder.path()).fit(data, data, all_for_both(community), look);
  CATCH_REQUIRE(is_there == std::vector<bool>{false, true, true});
}

CATCH_TEST_CASE("resuming refuses other options, and a run in which nothing was finished",
                "[trainer]") {
  const SmallCommunity community;
  const test::TemporaryFolder folder;
  const data::SampleDataset data = community.dataset(true);
  const Split split = all_for_both(community);
  std::filesystem::create_directories(folder / "run");
  CATCH_REQUIRE_THROWS_AS(Trainer(small_predictor(), small_training(2), folder / "run")
                              .fit(data, data, split, {}, true),
                          MissingFileError);
  Trainer(small_predictor(), small_training(1), folder / "run").fit(data, data, split);
  TrainingOptions other = small_training(1);
  other.lr = 0.5;
  CATCH_REQUIRE_THROWS_WITH(
      Trainer(small_predictor(), other, folder / "run").fit(data, data, split, {}, true),
      Catch::Contains("lr was") && Catch::Contains("0.5"));
}

CATCH_TEST_CASE("a crash between the two renames of a checkpoint is survived", "[trainer]") {
  const SmallCommunity community;
  const test::TemporaryFolder folder;
  const data::SampleDataset data = community.dataset(true);
  const Split split = all_for_both(community);
  Trainer(small_predictor(), small_training(2), folder.path()).fit(data, data, split);
  std::filesystem::remove_all(folder / "last.old");
  std::filesystem::rename(folder / "last", folder / "last.old");
  const FitResult result =
      Trainer(small_predictor(), small_training(2), folder.path()).fit(data, data, split, {}, true);
  CATCH_REQUIRE(result.history.size() == 2);
}

CATCH_TEST_CASE("training stops early when nothing improves and keeps the best weights",
                "[trainer]") {
  const SmallCommunity community;
  const test::TemporaryFolder folder;
  TrainingOptions options = small_training(50);
  options.lr = 1e-12;  // too small to move a float: no epoch is better than the first
  options.weight_decay = 0;
  options.patience = 3;
  options.loss.nuc_penalty = 0;
  const auto model = small_predictor();
  const data::SampleDataset fixed = community.dataset(false);
  const FitResult result =
      Trainer(model, options, folder.path()).fit(fixed, fixed, all_for_both(community));
  CATCH_REQUIRE(result.stopped_early);
  CATCH_REQUIRE(result.history.size() <= 10);
  CATCH_REQUIRE(result.history.size() == static_cast<size_t>(result.best_epoch) + 4);
  const NamedTensors best = load_tensors(folder / "model.safetensors");
  const NamedTensors kept = state_dict(*model);
  for (size_t i = 0; i < kept.size(); ++i)
    CATCH_REQUIRE(torch::equal(kept[i].second, best[i].second));
}

CATCH_TEST_CASE("fit leaves torch's default generator as it was, also when it throws",
                "[trainer]") {
  const SmallCommunity community;
  const data::SampleDataset data = community.dataset(true);
  const auto model = small_predictor();
  torch::manual_seed(1234);
  const torch::Tensor expected = torch::rand({3});
  torch::manual_seed(1234);
  Trainer(model, small_training(1)).fit(data, data, all_for_both(community));
  CATCH_REQUIRE(torch::equal(torch::rand({3}), expected));
  torch::manual_seed(1234);
  Callbacks failing;
  failing.on_step = [](const StepReport&) -> Control { throw Error("stop"); };
  CATCH_REQUIRE_THROWS(
      Trainer(model, small_training(1)).fit(data, data, all_for_both(community), failing));
  CATCH_REQUIRE(torch::equal(torch::rand({3}), expected));
}

CATCH_TEST_CASE("the result does not depend on the number of loader threads", "[trainer]") {
  const SmallCommunity community;
  const data::SampleDataset train = community.dataset(true), val = community.dataset(false);
  const auto first = small_predictor(), second = small_predictor();
  TrainingOptions options = small_training(2);
  Trainer(first, options).fit(train, val, all_for_both(community));
  options.loader_threads = 2;
  Trainer(second, options).fit(train, val, all_for_both(community));
  CATCH_REQUIRE(same_weights(*first, *second));
}

CATCH_TEST_CASE("gradient accumulation over equal halves of a batch moves like the whole batch",
                "[trainer]") {
  const SmallCommunity community(8);
  model::ModelConfig config = small_model();
  config.asv_dropout = config.sample_dropout = config.encoder_dropout = 0;
  config.count_dropout = config.target_dropout = 0;
  TrainingOptions options = small_training(1);
  options.loss.count_penalty = options.loss.penalty = options.loss.nuc_penalty = 0;
  options.batch_size = 8;
  options.scheduler = "constant";
  const data::SampleDataset fixed = community.dataset(false);
  const auto whole = small_predictor(config), halves = small_predictor(config);
  Trainer(whole, options).fit(fixed, fixed, all_for_both(community));
  options.batch_size = 4;
  options.gradient_accumulation_steps = 2;
  const FitResult result = Trainer(halves, options).fit(fixed, fixed, all_for_both(community));
  const NamedTensors a = state_dict(*whole), b = state_dict(*halves);
  int64_t moved_apart = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    // The first AdamW step is +-lr wherever a gradient is not lost in rounding, so a few entries
    // may differ.
    moved_apart += ((a[i].second - b[i].second).abs() > 1e-4).sum().item<int64_t>();
  }
  CATCH_REQUIRE(moved_apart < 100);
  CATCH_REQUIRE(result.history.size() == 1);
}

CATCH_TEST_CASE("a frozen base keeps its weights while the heads learn", "[trainer]") {
  const SmallCommunity community;
  model::ModelConfig config = small_model();
  config.freeze_base = true;
  const auto model = small_predictor(config), before = small_predictor(config);
  const data::SampleDataset data = community.dataset(true);
  Trainer(model, small_training(3)).fit(data, data, all_for_both(community));
  int64_t moved = 0;
  const NamedTensors old = state_dict(*before), now = state_dict(*model);
  for (size_t i = 0; i < now.size(); ++i) {
    const bool is_same = torch::equal(old[i].second, now[i].second);
    if (now[i].first.rfind("base_model.", 0) == 0) CATCH_REQUIRE(is_same);
    moved += is_same ? 0 : 1;
  }
  CATCH_REQUIRE(moved > 10);
}

CATCH_TEST_CASE("a loss that is not a number stops training with the place", "[trainer]") {
  const SmallCommunity community;
  const auto model = small_predictor();
  {
    const torch::NoGradGuard no_grad;
    model->named_parameters()["target_head.weight"].fill_(std::nan(""));
  }
  const data::SampleDataset data = community.dataset(true);
  CATCH_REQUIRE_THROWS_WITH(
      Trainer(model, small_training(1)).fit(data, data, all_for_both(community)),
      Catch::Contains("epoch 1, step 1") && Catch::Contains("'target_head.weight'"));
}

// One sample whose squared error overflows.
data::SampleDataset with_one_far_target(const SmallCommunity& community) {
  data::SampleDataset data = community.dataset(true);
  torch::Tensor targets = community.targets.clone();
  targets[3][0] = 3e38;
  data.set_targets(targets);
  return data;
}

CATCH_TEST_CASE("a batch that is not finite is passed over, named and counted", "[trainer]") {
  const SmallCommunity community;
  const data::SampleDataset data = with_one_far_target(community);
  Split split = all_for_both(community);
  split.val = {0, 1};
  TrainingOptions options = small_training(2);
  options.batch_size = 3;
  options.loss.target_loss_type = "mse";
  const auto model = small_predictor();
  std::vector<std::string> said;
  Callbacks callbacks;
  callbacks.on_step = [&](const StepReport& report) {
    if (!report.skipped.empty()) said.push_back(report.skipped);
    return Control::kContinue;
  };
  const FitResult result = Trainer(model, options).fit(data, data, split, callbacks);
  CATCH_REQUIRE(said.size() == 2);
  CATCH_REQUIRE_THAT(said[0], Catch::Contains("epoch 1, step ") &&
                                  Catch::Contains("not finite: target_loss") &&
                                  Catch::Contains("'s3'"));
  for (const EpochReport& epoch : result.history) {
    CATCH_REQUIRE(epoch.skipped_steps == 1);
    CATCH_REQUIRE(std::isfinite(epoch.train_loss));
  }
  for (const auto& parameter : model->parameters())
    CATCH_REQUIRE(torch::isfinite(parameter).all().item<bool>());

  // Where several batches make an update, the one that is not finite is named.
  options.gradient_accumulation_steps = 4;
  said.clear();
  Trainer(small_predictor(), options).fit(data, data, split, callbacks);
  CATCH_REQUIRE(said.size() == 2);
  for (const std::string& text : said) CATCH_REQUIRE_THAT(text, Catch::Contains("'s3'"));
  options.gradient_accumulation_steps = 1;

  options.max_skipped_steps = 0;
  CATCH_REQUIRE_THROWS_WITH(Trainer(small_predictor(), options).fit(data, data, split),
                            Catch::Contains("1 in a row (`max_skipped_steps` 0)"));
  options = small_training(2);
  options.loss.penalty = 0;
  options.loss.target_loss_type = "mse";
  CATCH_REQUIRE_THROWS_WITH(Trainer(small_predictor(), options).fit(data, data, {{3}, {0}}),
                            Catch::Contains("no batch of epoch 1"));
}

CATCH_TEST_CASE("targets that are unknown, and nothing to learn, are refused", "[trainer]") {
  const SmallCommunity community;
  data::SampleDataset data = community.dataset(true);
  torch::Tensor targets = community.targets.clone();
  targets[3][0] = std::nan("");
  data.set_targets(targets);
  CATCH_REQUIRE_THROWS_AS(
      Trainer(small_predictor(), small_training(1)).fit(data, data, all_for_both(community)),
      ArgumentError);
}

CATCH_TEST_CASE("a split is complete, disjoint, keyed by its seed and never empty on a side",
                "[trainer]") {
  std::vector<int64_t> items(50);
  std::iota(items.begin(), items.end(), 100);
  const Split split = split_samples(items, 0.2, 4);
  CATCH_REQUIRE(split.val.size() == 10);
  std::set<int64_t> all(split.train.begin(), split.train.end());
  all.insert(split.val.begin(), split.val.end());
  CATCH_REQUIRE(all.size() == 50);
  CATCH_REQUIRE(split_samples(items, 0.2, 4).val == split.val);
  CATCH_REQUIRE(split_samples(items, 0.2, 5).val != split.val);
  CATCH_REQUIRE(split_samples({1, 2}, 0.01, 0).val.size() == 1);
  CATCH_REQUIRE(split_samples({1, 2}, 0.99, 0).train.size() == 1);
  CATCH_REQUIRE_THROWS_AS(split_samples({1}, 0.2, 0), ArgumentError);
}

CATCH_TEST_CASE("training options survive JSON and refuse what is wrong", "[trainer]") {
  TrainingOptions options;
  options.lr = 0.25;
  options.loss.penalty = 3;
  CATCH_REQUIRE(TrainingOptions::from_json(options.to_json()).to_json() == options.to_json());
  CATCH_REQUIRE_THROWS_WITH(TrainingOptions::from_json(Json::parse(R"({"epoch": 3})")),
                            Catch::Contains("epochs"));
  CATCH_REQUIRE_THROWS_AS(TrainingOptions::from_json(Json::parse(R"({"lr": 0})")), ConfigError);
  CATCH_REQUIRE_THROWS_AS(TrainingOptions::from_json(Json::parse(R"({"scheduler": "step"})")),
                          ConfigError);
}

}  // namespace
}  // namespace deepbio::train
