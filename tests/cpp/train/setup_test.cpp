#include "deepbio/train/setup.h"

#include <set>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::train;

namespace {

TrainingSetup resolved(const char* given, const char* preset = "default",
                       bool is_predictor = true) {
  SetupRequest request;
  request.preset = preset;
  request.is_predictor = is_predictor;
  request.given = Json::parse(given);
  return resolve_setup(request);
}

}  // namespace

CATCH_TEST_CASE("A preset gives way to what is given, and unknown presets are named", "[setup]") {
  CATCH_CHECK(resolved("{}", "aam").training.batch_size == TrainingOptions().batch_size);
  CATCH_CHECK(resolved(R"({"batch_size": 3})", "aam").training.batch_size == 3);
  CATCH_CHECK(resolved("{}", "aam").study.target_transform == "minmax");
  CATCH_CHECK(resolved(R"({"target_transform": "none"})", "aam").study.target_transform == "none");
  CATCH_CHECK_THROWS_WITH(resolved("{}", "fast"), "`preset`: expected default or aam, got 'fast'");
  CATCH_CHECK_THROWS_AS(resolved(R"({"batch_sise": 3})"), ConfigError);
}

CATCH_TEST_CASE("Epochs and patience that are given end the preset's fixed budget", "[setup]") {
  CATCH_CHECK(resolved("{}").training.min_steps > 0);
  CATCH_CHECK(resolved(R"({"epochs": 3})").training.min_steps == 0);
  CATCH_CHECK(resolved(R"({"epochs": 3, "min_steps": 5})").training.min_steps == 5);
  const TrainingSetup patient = resolved(R"({"patience": 4})");
  CATCH_CHECK((patient.training.best_metric == "val_loss" && patient.training.average_from == 1));
}

CATCH_TEST_CASE("Classes adapt the preset, and what is given overrules that as well", "[setup]") {
  CATCH_CHECK(resolved(R"({"classifier": true})").model.num_bins == 0);
  CATCH_CHECK(resolved(R"({"classifier": true})").model.known_inputs == "presence");
  CATCH_CHECK(resolved(R"({"classifier": true, "epochs": 30})").training.epochs == 30);
}

CATCH_TEST_CASE("A pretrained encoder keeps its shapes, and its sequences join the prediction",
                "[setup]") {
  model::ModelConfig base;
  base.embedding_dim = 24;
  base.max_bp = 77;
  SetupRequest request;
  request.is_predictor = true;
  request.base = &base;
  request.is_pretrained = true;
  const TrainingSetup setup = resolve_setup(request);
  CATCH_CHECK((setup.model.embedding_dim == 24 && setup.model.max_bp == 77));
  CATCH_CHECK((setup.model.sequence_branch && setup.training.calibration_folds > 0));
  CATCH_CHECK(setup.data_config(5).max_bp == 77);
}

CATCH_TEST_CASE("A study takes from model and training what they decide", "[setup]") {
  const TrainingSetup setup =
      resolved(R"({"classifier": true, "penalty": 0, "max_bp": 60, "rarefy_depth": 9})");
  const StudyOptions study = setup.study_options();
  CATCH_CHECK((study.is_classifier && !study.learns_distances && study.data.max_bp == 60));
  CATCH_CHECK(study.data.rarefy_depth_reads == 9);
}

CATCH_TEST_CASE("No option stands in two groups, and all are kept in JSON", "[setup]") {
  TrainingSetup setup;
  std::set<std::string> names;
  size_t count = 0;
  for (const OptionGroup& group : setup.groups()) {
    for (const OptionRow& row : group.rows) {
      ++count;
      names.insert(row.name);
    }
  }
  CATCH_CHECK(names.size() == count);
  CATCH_CHECK(setup.to_json().find("group_column") != nullptr);
  CATCH_CHECK(setup.to_json().at("preset").as_string() == "default");
}
