// Everything that the options of a training run decide: a preset, then what is given, then what
// follows from that.
//
// A preset is a set of values for the options of the model, the training and the study. The command
// asks for `default` or `aam`; C++ users may, too. Values that are given win over the preset's,
// whatever door they came by. Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deepbio/model/config.h"
#include "deepbio/train/study.h"
#include "deepbio/train/trainer.h"

namespace deepbio::train {

// Options under one heading of the help.
struct OptionGroup {
  std::string title;
  OptionRows rows;
};

struct TrainingSetup {
  std::string preset = "default";
  model::ModelConfig model;
  TrainingOptions training;
  StudyOptions study;
  // Every option with the heading it belongs to; the rows need the setup alive.
  std::vector<OptionGroup> groups();
  OptionRows rows();
  // Resolved values, by option name; what a run keeps in config.json.
  Json to_json() const;
  // The study with what the model and the training say about it.
  StudyOptions study_options() const;
  // How a run reads its table, at the depth that the study found.
  DataConfig data_config(int64_t rarefy_depth_reads) const;
};

// `default` or `aam`. throws ConfigError.
TrainingSetup preset_setup(const std::string& name, bool is_predictor);

struct SetupRequest {
  std::string preset = "default";
  bool is_predictor = false;
  // The encoder of another run takes the place of the preset's.
  const model::ModelConfig* base = nullptr;
  bool is_pretrained = false;  // weights of that encoder are taken as well
  uint64_t seed = 0;
  Json given = Json::object();  // values by option name
};

// The preset's values, those that are given over them, and what these mean for options that are
// not.
//   throws ConfigError: an unknown preset or option, a value that does not fit, options that do not
//   go together
TrainingSetup resolve_setup(const SetupRequest& request);

}  // namespace deepbio::train
