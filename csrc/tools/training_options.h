// The training options of `pretrain` and `train`: names and meanings are AAM's, values come from a preset, then from
// --config or --resume, then from the command line.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tools/command.h"
#include <CLI/CLI.hpp>

#include "deepbio/model/config.h"
#include "deepbio/train/trainer.h"

namespace deepbio::tools {

constexpr int64_t kAutoDepth = -1;

// Everything the options decide.
struct TrainingSetup {
  std::string preset = "default";
  model::ModelConfig model;
  train::TrainingOptions training;
  int64_t rarefy_depth_reads = kAutoDepth;  // 0: counts as they are
  double test_size = 0.2;
  std::string asv_sampling = "abundance", unifrac_metric = "unweighted";
  std::string missing_features = "error", missing_samples = "error";
  std::string target_transform = "zscore";
  std::vector<std::string> categorical_columns;  // covariates of a predictor
  Json to_json() const;                          // resolved values, by option name
};

// `default` or `aam`. throws ConfigError.
TrainingSetup preset_setup(const std::string& name, bool is_predictor);

// Declares the options on a command and resolves them after parsing.
class TrainingFlags {
 public:
  TrainingFlags(CLI::App& app, bool is_predictor);
  ~TrainingFlags();
  // base: the encoder of a pretrained run, whose architecture stands in for the preset's; may be null.
  // throws ConfigError.
  TrainingSetup resolve(const Shared& shared, const model::ModelConfig* base = nullptr) const;

 private:
  struct Given;
  bool is_predictor_;
  std::string preset_ = "default";
  std::vector<std::unique_ptr<Given>> given_;
};

}  // namespace deepbio::tools
