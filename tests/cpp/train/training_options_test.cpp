#include <algorithm>
#include <vector>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/train/trainer.h"

namespace {

using deepbio::Json;
using deepbio::train::split_samples;
using deepbio::train::TrainingOptions;

}  // namespace

CATCH_TEST_CASE("training options go through JSON unchanged") {
  TrainingOptions options;
  options.epochs = 7;
  options.loss.penalty = 0.25;
  options.best_metric = "r2";
  CATCH_REQUIRE(TrainingOptions::from_json(options.to_json()).to_json() == options.to_json());
}

CATCH_TEST_CASE("an unknown option is refused with the nearest name") {
  CATCH_REQUIRE_THROWS_WITH(TrainingOptions::from_json(Json::parse(R"({"epochz": 3})")), Catch::Contains("epochs"));
}

CATCH_TEST_CASE("values out of range are refused") {
  for (const char* text : {R"({"epochs": 0})", R"({"batch_size": 0})", R"({"lr": -1.0})", R"({"scheduler": "step"})"}) {
    CATCH_REQUIRE_THROWS_AS(TrainingOptions::from_json(Json::parse(text)).check(), deepbio::ConfigError);
  }
}

CATCH_TEST_CASE("names of the version before are read, and options of the loss stand in loss or beside it") {
  const auto options = TrainingOptions::from_json(
      Json::parse(R"({"loader_threads": 3, "penalty": 0.5, "loss": {"target_loss_type": "mae"}})"));
  CATCH_CHECK(options.loader_threads == 3);
  CATCH_CHECK(options.loss.penalty == 0.5);
  CATCH_CHECK(options.loss.target_loss_type == "mae");
  CATCH_CHECK(options.to_json().at("num_workers").as_int() == 3);
}

CATCH_TEST_CASE("a split keeps every sample once, depends on the seed alone and never leaves a part empty") {
  std::vector<int64_t> items{4, 8, 15, 16, 23, 42};
  const auto split = split_samples(items, 0.2, 1);
  auto all = split.train;
  all.insert(all.end(), split.val.begin(), split.val.end());
  std::sort(all.begin(), all.end());
  CATCH_REQUIRE(all == items);
  CATCH_REQUIRE(split_samples(items, 0.2, 1).val == split.val);
  CATCH_REQUIRE(split_samples({1, 2}, 0.01, 3).val.size() == 1);
  CATCH_REQUIRE_THROWS_AS(split_samples({1}, 0.5, 0), deepbio::ArgumentError);
}
