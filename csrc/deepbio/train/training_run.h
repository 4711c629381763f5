// A training run from files and options to a finished run directory: what `deepbio pretrain` and
// `train` do.
//
// The constructor reads and checks everything and writes nothing; start() makes the run directory;
// train() trains, and of a predictor writes val_predictions.tsv. The library never prints: what is
// worth telling comes back as lines. Threads: a TrainingRun belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "deepbio/train/run.h"
#include "deepbio/train/setup.h"

namespace deepbio::train {

struct TrainingRequest {
  StudyFiles files;
  std::string train_samples, val_samples;  // files with ids; "": the study splits
  std::string output_dir,
      pretrained;  // pretrained: a run whose encoder training starts from, or ""
  RunMode mode = RunMode::kNew;
  bool is_dry = false;  // nothing will be written; cost() is asked for instead
  ProcessGroup group;   // of the processes that train together; the first one has the run directory
  SetupRequest setup;   // its base and is_pretrained are filled in from the runs above
  Json typed;           // what a door wants to find again in config.json when the run is resumed
};

// Options as they were typed, with files by their whole path: a resumed run may be started in
// another folder.
Json with_whole_paths(Json options);
// What was typed when the run with this config.json was started.
//   throws ConfigError: it was not started by the command, and ParseError
Json typed_options_of(const std::string& config_path);

class TrainingRun {
 public:
  // throws what prepare_study, check_training and Run throw.
  explicit TrainingRun(TrainingRequest request);
  const TrainingSetup& setup() const { return setup_; }
  const Study& study() const { return study_; }
  int64_t epochs() const;  // as many as the budget asks for
  std::vector<std::string> notes()
      const;  // about the samples, their split and the size of the study, a line each

  // What the run would take, from the shapes of its batches and a few steps of training, by name.
  Json cost() const;

  // Makes the run directory. throws WriteError, ConfigError (another run is resumed).
  void start();
  std::string file(const std::string& name) const { return run_->file(name); }
  // The new model, with the lines that tell how it begins.
  std::vector<std::string> prepare_model();
  FitResult train(const Callbacks& callbacks);

 private:
  TrainingSetup resolved_setup() const;
  Study prepared_study() const;
  void fit_model_config();
  void read_sequences_instead();
  RunStart run_start() const;
  void start_predictor();
  bool is_fresh() const;
  void write_val_predictions() const;

  TrainingRequest request_;
  TrainingSetup setup_;
  std::optional<Run> run_;  // of the first process
  Study study_;
  RunStart start_;
  std::shared_ptr<model::AamModel> model_;
  FeatureTensors features_;  // what was computed of the table's ASVs on the way, over a frozen base
};

}  // namespace deepbio::train
