// The training loop: epochs of batches -> loss -> step, validation, early stopping, checkpoints.
//
// Deterministic: order, rarefaction, dropout and masking depend on (seed, epoch, step) only;
// torch's default generator is seeded per step and put back as it was when fit() ends. On one
// thread a resumed run equals an unbroken one bit for bit. The library never prints: events go to a
// callback, which may ask to stop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deepbio/data/datasets.h"
#include "deepbio/model/aam.h"
#include "deepbio/train/checkpoint.h"
#include "deepbio/train/feed.h"
#include "deepbio/train/losses.h"
#include "deepbio/train/process_group.h"
#include "deepbio/train/split.h"

namespace deepbio::train {

// What each option means stands in its row in training_options.cpp.
struct TrainingOptions {
  int64_t epochs = 100;
  // More epochs than that where so few batches would make fewer steps of the optimizer.
  int64_t min_steps = 0;
  int64_t batch_size = 8;
  double lr = 1e-4;
  double weight_decay = 0.01;
  std::string optimizer = "adamw";
  double beta2 = 0.999;
  double base_lr_factor = 1;  // learning rate of a predictor's base model, as a share of the heads'
  double unfreeze_from = 0;   // the base model stays as it is before this share of the steps
  int64_t warmup_steps = 10000;
  int64_t patience = 10;
  double max_grad_norm = 0;
  int64_t gradient_accumulation_steps = 1;
  std::string scheduler = "warmup_cosine";
  uint64_t seed = 0;
  int64_t loader_threads = 1;
  // relative (reads / total of the sample), minmax (as AAM), raw.
  std::string count_target = "relative";
  // What makes an epoch the best: val_loss, mae, r2, accuracy, f1; last: a fixed budget, and the
  // last epoch counts.
  std::string best_metric = "val_loss";
  bool balanced_classes = false;   // every class counts as much as any other in the loss
  int64_t max_skipped_steps = 10;  // in a row, before training stops
  // Updates between states on disk within an epoch; 0: at ends of epochs and at a stop.
  int64_t save_steps = 0;
  // The model ends as the mean of its weights from this share of the steps on; 1: the last.
  double average_from = 1;
  // an ASV of so many training samples is known to the model; 0: no such branch.
  int64_t known_min_samples = 0;
  // Inner folds that the mixture is fitted on (train/mixture.h); below 2: equal weights.
  int64_t calibration_folds = 0;
  std::string device;  // "": where the model is, which stays on the device
  std::string mixed_precision = "no";
  bool tf32 = false;
  LossOptions loss;
  OptionRows rows();  // without those of the loss
  Json to_json() const;
  static TrainingOptions from_json(
      const Json& json);  // options of the loss in `loss` or beside it; throws ConfigError
  void check() const;     // throws ConfigError
};

struct EpochReport {
  int64_t epoch = 0;  // 0-based
  double train_loss = 0, val_loss = 0;
  std::map<std::string, double> train_terms,
      val_terms;  // the loss terms; val also the metrics in target units
  double lr = 0;
  double seconds = 0, samples_per_second = 0;
  bool is_best = false;
  // Updates that were passed over because something in them was not finite.
  int64_t skipped_steps = 0;
  Json to_json() const;
};

struct StepReport {
  int64_t epoch = 0, step = 0, num_steps = 0;
  double loss = 0;
  int64_t inner_fold = 0;  // 1, 2, ... while the mixture is fitted; 0: the model itself
  std::string skipped;     // why no update was made: what is not finite, in which samples; "" where
                           // one was made
};

enum class Control { kContinue, kStop };
struct Callbacks {
  std::function<Control(const StepReport&)> on_step;    // may be empty
  std::function<Control(const EpochReport&)> on_epoch;  // may be empty
};

struct FitResult {
  std::vector<EpochReport> history;
  int64_t best_epoch = -1;
  double best_loss = 0;  // the best epoch's options.best_metric
  // After how many whole epochs, and batches of the next, a resumed run would go on.
  int64_t saved_epochs = 0, saved_steps = 0;
  bool stopped_early = false, interrupted = false;
};

// options.epochs, or as many (200 at most) as options.min_steps asks for with so many training
// samples.
int64_t budget_epochs(const TrainingOptions& options, int64_t num_train);
// What fit() works on.
struct TrainerData {
  const data::SampleDataset& train;
  const data::SampleDataset& val;
  const Split& split;
  FeatureTensors features;  // of both datasets; only over a frozen base
};

class Trainer {
 public:
  // run_directory "" keeps nothing on disk. codec is needed for metrics in target units
  // (predictor).
  Trainer(std::shared_ptr<model::AamModel> model, TrainingOptions options,
          std::string run_directory = "", std::optional<data::TargetCodec> codec = {});
  // Features computed before, which fit() would compute over a frozen base.
  void set_features(FeatureTensors features) { features_ = std::move(features); }
  // Trains together with other processes, each of which makes the same calls with the same data;
  // batch_size counts the samples of all, so that their number changes nothing but the time. The
  // first one writes the run directory, which all read.
  void set_group(ProcessGroup group) { group_ = std::move(group); }
  // Trains on split.train of train_data, validates on split.val of val_data (the same table with a
  // fixed draw); leaves the best weights in the model. resume continues from RUN/last.
  FitResult fit(const data::SampleDataset& train_data, const data::SampleDataset& val_data,
                const Split& split, const Callbacks& callbacks = {}, bool resume = false);

 private:
  std::shared_ptr<model::AamModel> model_;
  TrainingOptions options_;
  std::string run_directory_;
  std::optional<data::TargetCodec> codec_;
  FeatureTensors features_;
  ProcessGroup group_;
};

}  // namespace deepbio::train
