// The table of training options: one row each, with name, help, check and what it sets.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/training_options.h"
#include <CLI/CLI.hpp>

namespace deepbio::tools {

// What an option is on the command line and what it sets. `get` shows a preset's value in the help.
struct TrainingRow {
  std::string name, help, unit;
  bool is_flag = false, of_predictor_only = false;
  CLI::Validator check;
  std::function<void(TrainingSetup&, const std::string&)> set;
  std::function<Json(const TrainingSetup&)> get;
};

// In the order of the help: learning, model, data, losses, then those of a predictor only.
const std::vector<TrainingRow>& training_rows();

}  // namespace deepbio::tools
