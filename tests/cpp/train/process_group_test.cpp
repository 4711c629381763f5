#include "deepbio/train/process_group.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <atomic>

#include "catch.h"
#include "train/small_community.h"
#include "train/together.h"

namespace deepbio::train {
namespace {

CATCH_TEST_CASE("a process alone is its own first one, and asks nobody", "[group]") {
  const ProcessGroup alone;
  CATCH_REQUIRE((alone.is_alone() && alone.is_first()));
  CATCH_REQUIRE((alone.any(true) && !alone.any(false)));
  torch::Tensor weights = torch::ones({2});
  alone.broadcast({weights});
  CATCH_REQUIRE(torch::equal(weights, torch::ones({2})));
}

CATCH_TEST_CASE("what is true in one process is true in any; tensors of the first one are all's",
                "[group]") {
  std::atomic<int> agreed = 0;
  run_together(3, [&](const ProcessGroup& group) {
    const bool is_any = group.any(group.rank == 2), is_none = !group.any(false);
    const torch::Tensor numbers = torch::full({2, 3}, static_cast<double>(group.rank + 1)),
                        marks = torch::tensor({group.is_first(), !group.is_first()}),
                        ids = torch::full({2}, 7 + group.rank, torch::kLong);
    group.broadcast({numbers, marks, ids});
    const bool is_first_one = torch::equal(numbers, torch::ones({2, 3})) &&
                              torch::equal(marks, torch::tensor({true, false})) &&
                              torch::equal(ids, torch::full({2}, 7, torch::kLong));
    agreed += is_any && is_none && is_first_one;
  });
  CATCH_REQUIRE(agreed == 3);
}

CATCH_TEST_CASE("gradients add up, also where some have none; one that nobody has stays undefined",
                "[group]") {
  std::atomic<int> agreed = 0;
  run_together(2, [&](const ProcessGroup& group) {
    std::vector<std::pair<std::string, torch::Tensor>> parameters;
    for (const char* name : {"all", "second", "nobody"})
      parameters.emplace_back(name, torch::zeros({2, 2}).set_requires_grad(true));
    parameters[0].second.mutable_grad() = torch::full({2, 2}, group.is_first() ? 1.0 : 10.0);
    if (!group.is_first()) parameters[1].second.mutable_grad() = torch::full({2, 2}, 0.0);
    group.sum_gradients(parameters);
    agreed += torch::equal(parameters[0].second.grad(), torch::full({2, 2}, 11.0)) &&
              torch::equal(parameters[1].second.grad(), torch::zeros({2, 2})) &&
              !parameters[2].second.grad().defined();
  });
  CATCH_REQUIRE(agreed == 2);
}

// Losses of each epoch, as the first process reports them.
struct Curve {
  std::vector<double> train, val;
  bool interrupted = false;
};

Curve curve_of(const FitResult& result) {
  Curve curve;
  for (const EpochReport& report : result.history) {
    curve.train.push_back(report.train_loss);
    curve.val.push_back(report.val_loss);
  }
  curve.interrupted = result.interrupted;
  return curve;
}

// Ten samples in batches of four: the last has two, fewer than three processes.
struct Together {
  SmallCommunity community{10};
  data::SampleDataset train = community.dataset(true), val = community.dataset(false);
  Split split{community.samples, community.samples, {}};
  TrainingOptions options = small_training(4);
  bool is_predictor = true;
  std::string run;

  std::shared_ptr<model::AamModel> model() const {
    auto model = model::make_model(small_model_without_chance(), is_predictor);
    model::init_parameters(*model, 3);
    return model;
  }

  Curve fit(int64_t world_size, const std::function<Callbacks(int64_t rank)>& callbacks = {},
            bool resume = false) const {
    Curve first;
    run_together(world_size, [&](const ProcessGroup& group) {
      Trainer trainer(model(), options, run);
      trainer.set_group(group);
      const FitResult result =
          trainer.fit(train, val, split, callbacks ? callbacks(group.rank) : Callbacks{}, resume);
      if (group.is_first()) first = curve_of(result);
    });
    return first;
  }
};

void expect_same(const std::vector<double>& curve, const std::vector<double>& expected) {
  CATCH_REQUIRE(curve.size() == expected.size());
  for (size_t epoch = 0; epoch < curve.size(); ++epoch)
    CATCH_REQUIRE(curve[epoch] == Approx(expected[epoch]).epsilon(1e-5));
}

CATCH_TEST_CASE("the number of processes changes no loss of a run", "[group]") {
  for (const bool is_predictor : {true, false}) {
    Together together;
    together.is_predictor = is_predictor;
    const Curve alone = together.fit(1);
    CATCH_REQUIRE(alone.train.back() < alone.train.front());
    for (const int64_t world_size : {2, 3}) {
      const Curve curve = together.fit(world_size);
      expect_same(curve.train, alone.train);
      expect_same(curve.val, alone.val);
    }
  }
}

CATCH_TEST_CASE("several batches to an update are the same in several processes", "[group]") {
  Together together;
  together.options.gradient_accumulation_steps = 2;
  together.options.max_grad_norm = 0.5;
  expect_same(together.fit(2).val, together.fit(1).val);
}

CATCH_TEST_CASE("a stop asked of one stops all; any number of processes goes on from there",
                "[group]") {
  const test::TemporaryFolder folder;
  Together together;
  const Curve unbroken = together.fit(1);
  together.run = folder / "run";
  const Curve stopped = together.fit(2, [](int64_t rank) {
    Callbacks callbacks;
    callbacks.on_step = [rank](const StepReport& report) {
      return rank == 1 && report.epoch == 1 && report.step == 1 ? Control::kStop
                                                                : Control::kContinue;
    };
    return callbacks;
  });
  CATCH_REQUIRE(stopped.interrupted);
  CATCH_REQUIRE(stopped.train.size() == 1);
  const Curve resumed = together.fit(3, {}, /*resume=*/true);
  CATCH_REQUIRE(!resumed.interrupted);
  expect_same(resumed.train, unbroken.train);
  expect_same(resumed.val, unbroken.val);
}

CATCH_TEST_CASE("a batch with fewer samples than processes is refused", "[group]") {
  const SmallCommunity community;
  Trainer trainer(small_predictor(), small_training(1));
  trainer.set_group({0, 5, [](torch::Tensor&) {}});
  CATCH_REQUIRE_THROWS_WITH(trainer.fit(community.dataset(true), community.dataset(false),
                                        {community.samples, community.samples, {}}),
                            Catch::Contains("`batch_size` 4") && Catch::Contains("5 processes"));
}

}  // namespace
}  // namespace deepbio::train
