#include <algorithm>
#include <vector>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/train/trainer.h"

namespace {

using deepbio::Json;
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
  CATCH_REQUIRE_THROWS_WITH(TrainingOptions::from_json(Json::parse(R"({"epochz": 3})")),
                            Catch::Contains("epochs"));
}

CATCH_TEST_CASE("values out of range are refused") {
  for (const char* text : {R"({"epochs": 0})", R"({"batch_size": 0})", R"({"lr": -1.0})",
                           R"({"scheduler": "step"})"}) {
    CATCH_REQUIRE_THROWS_AS(TrainingOptions::from_json(Json::parse(text)).check(),
                            deepbio::ConfigError);
  }
}

CATCH_TEST_CASE(
    "names of the version before are read, and options of the loss stand in loss or beside it") {
  const auto options = TrainingOptions::from_json(
      Json::parse(R"({"loader_threads": 3, "penalty": 0.5, "loss": {"target_loss_type": "mae"}})"));
  CATCH_CHECK(options.loader_threads == 3);
  CATCH_CHECK(options.loss.penalty == 0.5);
  CATCH_CHECK(options.loss.target_loss_type == "mae");
  CATCH_CHECK(options.to_json().at("num_workers").as_int() == 3);
}
