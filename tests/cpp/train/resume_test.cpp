#include "deepbio/train/resume.h"

#include <algorithm>
#include <filesystem>

#include "catch.h"
#include "train/small_community.h"

#include "deepbio/base/error.h"

namespace {

using namespace deepbio::train;
using deepbio::test::TemporaryFolder;

Optimizer optimizer_of(deepbio::model::AamModel& model) {
  NamedTensors parameters;
  for (const auto& item : model.named_parameters())
    parameters.emplace_back(item.key(), item.value());
  return Optimizer(parameters, {});
}

TrainingState some_state() {
  TrainingState state;
  state.next_epoch = 3;
  state.updates = 42;
  state.best_epoch = 1;
  state.best_value = 0.125;
  state.epochs_without_gain = 1;
  return state;
}

}  // namespace

CATCH_TEST_CASE("a saved training state comes back with every field and weight") {
  const TemporaryFolder folder;
  const TrainingOptions options = small_training(5);
  const auto model = small_predictor();
  const Optimizer optimizer = optimizer_of(*model);
  save_training_state(folder.path(), some_state(), *model, optimizer, options);

  const auto other = deepbio::model::make_model(small_model(), true);
  Optimizer fresh = optimizer_of(*other);
  const TrainingState state = load_training_state(folder.path(), *other, fresh, options);

  CATCH_REQUIRE(state.next_epoch == 3);
  CATCH_REQUIRE(state.updates == 42);
  CATCH_REQUIRE(state.best_epoch == 1);
  CATCH_REQUIRE(state.best_value == 0.125);
  CATCH_REQUIRE(state.epochs_without_gain == 1);
  for (const auto& item : model->named_parameters()) {
    CATCH_REQUIRE(other->named_parameters()[item.key()].equal(item.value()));
  }
}

CATCH_TEST_CASE(
    "saving again replaces the state, keeps the one before and leaves no temporary folder") {
  const TemporaryFolder folder;
  const auto model = small_predictor();
  const Optimizer optimizer = optimizer_of(*model);
  TrainingState state = some_state();
  save_training_state(folder.path(), state, *model, optimizer, small_training(5));
  state.next_epoch = 4;
  save_training_state(folder.path(), state, *model, optimizer, small_training(5));
  state.next_epoch = 5;
  save_training_state(folder.path(), state, *model, optimizer, small_training(5));
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  CATCH_REQUIRE(names == std::vector<std::string>{"last", "last.old", "metrics.jsonl"});
  const auto epoch_in = [&](const std::string& name) {
    const std::string path = folder / (name + "/state.json");
    return deepbio::Json::parse(deepbio::test::read_text(path), path).at("next_epoch").as_int();
  };
  CATCH_REQUIRE(epoch_in("last") == 5);
  CATCH_REQUIRE(epoch_in("last.old") == 4);
}

CATCH_TEST_CASE("options that make another run are refused before anything is loaded") {
  const TemporaryFolder folder;
  CATCH_REQUIRE_THROWS_AS(expect_resumable(folder.path(), small_training(5)), deepbio::Error);
  const auto model = small_predictor();
  save_training_state(folder.path(), {}, *model, optimizer_of(*model), small_training(5));
  expect_resumable(folder.path(), small_training(5));
  CATCH_REQUIRE_THROWS_WITH(expect_resumable(folder.path(), small_training(4)),
                            Catch::Contains("epochs was 5, now"));
}

CATCH_TEST_CASE("a run without a saved state cannot be resumed and says so") {
  const TemporaryFolder folder;
  const auto model = small_predictor();
  Optimizer optimizer = optimizer_of(*model);
  CATCH_REQUIRE_THROWS_AS(load_training_state(folder.path(), *model, optimizer, small_training(5)),
                          deepbio::Error);
}
