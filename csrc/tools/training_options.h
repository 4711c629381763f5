// The training options of `pretrain` and `train`: rows of the library's options structs as flags. Values come from a
// preset, then from --config or --resume, then from the command line.
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
  double least_thinning = 1;
  std::string asv_sampling = "abundance", unifrac_metric = "unweighted";
  std::string missing_features = "error", missing_samples = "error", missing_sequences = "error";
  std::string target_transform = "zscore";
  std::vector<std::string> categorical_columns;  // covariates of a predictor
  OptionRows learning_rows();                    // of the learning, the model, the data and the loss: a group of the
  OptionRows model_rows();                       // help each; those of the model may be given for a pretrained encoder
  OptionRows data_rows();
  OptionRows loss_rows();
  OptionRows rows();     // all of them
  Json to_json() const;  // resolved values, by option name
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
  TrainingSetup resolve(const Shared& shared, const model::ModelConfig* base = nullptr,
                        bool is_pretrained = false) const;

 private:
  struct Given;
  // The rows of both presets, for the defaults that the help shows.
  void add_group(CLI::App& app, const std::string& group, const OptionRows& ours, const OptionRows& theirs);
  CLI::Option* add_flag(CLI::App& app, const OptionRow& row, const std::string& name, const std::string& help);
  void apply_given(TrainingSetup& setup) const;
  bool is_given(const std::string& name) const;
  // What an option that is given means for others of the default preset that are not.
  void follow_the_given(TrainingSetup& setup, bool is_pretrained) const;
  bool is_predictor_;
  std::string preset_ = "default";
  std::vector<std::unique_ptr<Given>> given_;  // one for each row of TrainingSetup::rows()
};

}  // namespace deepbio::tools
