// Where a training run stands after an update, and how it is kept in RUN/last so that a crash at
// any moment leaves a complete older state: the folder is written under another name and swapped in
// by renaming. The state before the last stays in RUN/last.old.
#pragma once

#include <string>
#include <vector>

#include "deepbio/train/checkpoint.h"
#include "deepbio/train/optim.h"
#include "deepbio/train/schedule.h"
#include "deepbio/train/scores.h"
#include "deepbio/train/trainer.h"

namespace deepbio::train {

struct TrainingState {
  int64_t next_epoch = 0;
  // Batches of next_epoch that are learned already, a whole number of updates.
  int64_t next_step = 0;
  Means means;  // of those batches
  // Optimizer steps taken or passed over: where the learning-rate schedule stands.
  int64_t updates = 0;
  double lr = 0;               // of the last update
  int64_t skipped = 0;         // updates passed over in next_epoch so far
  int64_t skipped_in_row = 0;  // and since the last that was made
  int64_t best_epoch = -1;
  double best_value = 0;            // of options.best_metric
  int64_t epochs_without_gain = 0;  // what patience counts
  bool finished = false;            // stopped early; nothing is left to resume
  Plateau plateau;                  // of the learning rate
  LossScale loss_scale;             // of mixed_precision fp16
  NamedTensors average;  // mean weights of `averaged` updates; empty until averaging begins
  int64_t averaged = 0;
  std::vector<EpochReport> history;

  void begin_next_epoch() {
    ++next_epoch;
    next_step = skipped = 0;
    means = {};
  }
};

// RUN/last/{model.safetensors, optimizer.safetensors, average.safetensors where there is one,
// state.json} and RUN/metrics.jsonl.
void save_training_state(const std::string& run, const TrainingState& state,
                         const model::AamModel& model, const Optimizer& optimizer,
                         const TrainingOptions& options);
// throws MissingFileError, ConfigError (weights that do not fit; options that changed and would
// make another run). More epochs, another patience, other threads and another device are no other
// run.
TrainingState load_training_state(const std::string& run, model::AamModel& model,
                                  Optimizer& optimizer, const TrainingOptions& options);
// What load_training_state refuses before it reads weights, for those who have much to read first.
// A run that was stopped before its first checkpoint is compared with its config.json.
void expect_resumable(const std::string& run, const TrainingOptions& options);
// Whether a checkpoint is there to go on from; without one a run starts at its first epoch.
bool has_training_state(const std::string& run);
// Writes metrics.jsonl anew where a crash came between the checkpoint and it.
void repair_metrics(const std::string& run);
EpochReport epoch_report_from_json(const Json& json);

}  // namespace deepbio::train
