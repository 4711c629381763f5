#include "deepbio/train/trainer.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>

#include "deepbio/base/error.h"
#include "deepbio/model/device.h"
#include "deepbio/train/batch_feed.h"
#include "deepbio/train/checks.h"
#include "deepbio/train/faults.h"
#include "deepbio/train/learner.h"
#include "deepbio/train/mixture.h"
#include "deepbio/train/predictor.h"
#include "deepbio/train/resume.h"
#include "deepbio/train/start.h"
#include "deepbio/train/step_generator.h"
#include "deepbio/train/updates.h"
#include "deepbio/train/validation.h"
#include "deepbio/train/weight_mean.h"

namespace deepbio::train {
namespace {

using Clock = std::chrono::steady_clock;

// All go on with the weights of the first process, also where processors round differently.
void share_weights(const ProcessGroup& group, const model::AamModel& model) {
  group.broadcast(model.parameters());
  group.broadcast(model.buffers());
}

// Everything one call of fit() needs; each epoch is train_epoch, then validation, then
// finish_epoch.
class FitRun {
 public:
  FitRun(model::AamModel& model, const TrainingOptions& options, const std::string& run,
         const TrainerData& sources, const std::optional<data::TargetCodec>& codec,
         const Callbacks& callbacks, const ProcessGroup& group)
      : model_(model),
        options_(options),
        run_(run),
        sources_(sources),
        callbacks_(callbacks),
        group_(group),
        device_(model::device_of(model)),
        generator_(options.seed, device_),
        updates_(model, options, state_, group),
        loss_(options.loss),
        learner_(model, loss_, wanted_outputs(model, options.loss, sources.train), group,
                 generator_, options.mixed_precision),
        validation_(model, loss_, codec, wanted_outputs(model, options.loss, sources.train), group,
                    options.mixed_precision) {
    check_training(model_.config(), model_.is_predictor(), options_,
                   {sources_.train, sources_.val, sources_.split, codec});
    if (options_.balanced_classes) {
      const torch::Tensor items = torch::tensor(sources_.split.train, torch::kLong);
      loss_.class_weights = balanced_class_weights(sources_.train.targets().index_select(0, items),
                                                   model_.config().out_dim);
    }
    counts_ = fit_count_target(options_.count_target, sources_.train, sources_.split.train);
    for (const auto& parameter : model_.parameters()) num_parameters_ += parameter.numel();
    epochs_ = budget_epochs(options_, static_cast<int64_t>(sources_.split.train.size()));
  }

  FitResult go(bool resume) {
    if (resume) take_up();
    share_weights(group_, model_);
    BatchFeed train(sources_.train, sources_.split.train, loading(/*shuffle=*/true), device_);
    std::optional<BatchFeed> val;
    if (!sources_.split.val.empty())
      val.emplace(sources_.val, sources_.split.val, loading(/*shuffle=*/false), device_);
    const int64_t group = options_.gradient_accumulation_steps;
    updates_.plan((train.num_batches() + group - 1) / group * epochs_);
    while (!state_.finished && state_.next_epoch < epochs_) {
      EpochReport report;
      report.epoch = state_.next_epoch;
      const auto start = Clock::now();
      if (!train_epoch_or_save(train)) {
        result_.interrupted = true;
        break;
      }
      report_training(report);
      report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
      report.samples_per_second =
          static_cast<double>(sources_.split.train.size()) / std::max(report.seconds, 1e-9);
      // What is measured and written is the mean of the weights so far; training goes on from where
      // it stood.
      const NamedTensors now = updates_.swap_in(state_.average);
      report.val_loss = report.train_loss;
      if (val) {
        report.val_terms = validation_.run(*val, sources_.features, counts_, generator_);
        report.val_loss = report.val_terms["total_loss"];
      }
      if (!finish_epoch(report, now)) break;
    }
    return finish();
  }

 private:
  data::LoaderOptions loading(bool shuffle) const {
    data::LoaderOptions options;
    options.batch_size = options_.batch_size;
    options.shuffle = shuffle;
    options.seed = options_.seed;
    options.num_threads = options_.loader_threads;
    return options;
  }

  void take_up() {
    if (run_.empty()) throw ArgumentError("trainer: resume needs a run directory");
    // Stopped before its first checkpoint: from the start.
    if (!has_training_state(run_) &&
        std::filesystem::exists(std::filesystem::path(run_) / "config.json"))
      return;
    state_ = load_training_state(run_, model_, updates_.optimizer(), options_);
    note_saved();
    // Without one the run was stopped in its first epoch, which has no best weights yet.
    const std::string weights = (std::filesystem::path(run_) / "model.safetensors").string();
    if (std::filesystem::exists(weights)) best_weights_ = load_tensors(weights);
    // Of the weights that are there now.
    sources_.features = frozen_features(model_, sources_.train);
  }

  // A stop in the middle of an epoch, by a callback's word or its exception, loses nothing that was
  // learned.
  bool train_epoch_or_save(BatchFeed& batches) {
    try {
      if (train_epoch(batches)) return true;
    } catch (...) {
      if (stopped_by_callback_) save_within_epoch();
      throw;
    }
    save_within_epoch();
    return false;
  }

  // False when the callback asked to stop.
  bool train_epoch(BatchFeed& batches) {
    // What the pooled sequences are centred and scaled by was measured before the base moved.
    if (model_.is_predictor() && updates_.base_moves() && state_.next_step == 0) {
      rescale_sequences(model_, sources_.train, sources_.split.train);
      group_.broadcast(model_.buffers());
    }
    model_.train();
    updates_.zero_grad();
    const int64_t num_steps = batches.num_batches(), group = options_.gradient_accumulation_steps;
    Means means = state_.means;
    std::string fault;  // of a batch of this group
    batches.begin(static_cast<uint64_t>(state_.next_epoch), state_.next_step);
    for (int64_t step = state_.next_step; step < num_steps; ++step) {
      const std::optional<data::SampleBatch> batch = batches.next();
      if (!batch) break;
      StepReport progress;
      progress.epoch = state_.next_epoch, progress.step = step, progress.num_steps = num_steps;
      const LossTerms terms =
          learner_.learn({*batch, state_.next_epoch, step,
                          std::min(group, num_steps - step / group * group), updates_.loss_scale()},
                         sources_.features, counts_, fault);
      progress.loss = terms.total_loss.item<double>();
      if (std::isfinite(progress.loss)) means.add(terms, batch->mask.size(0));
      if ((step + 1) % group == 0 || step + 1 == num_steps) {
        progress.skipped = update(step, *batch, fault);
        fault.clear();
        state_.next_step = step + 1;
        state_.means = means;
        if (options_.save_steps > 0 && state_.updates % options_.save_steps == 0)
          save_within_epoch();
      }
      if (tell(progress) == Control::kStop) return false;
    }
    return true;
  }

  // A stop that one process is told of is one of all.
  Control tell(const StepReport& progress) {
    Control answer = Control::kContinue;
    if (callbacks_.on_step) {
      stopped_by_callback_ = true;  // unless it comes back
      answer = callbacks_.on_step(progress);
      stopped_by_callback_ = false;
    }
    return group_.any(answer == Control::kStop) ? Control::kStop : Control::kContinue;
  }

  // One update, or why there was none: a batch or a gradient that is not finite is passed over, a
  // few times in a row.
  std::string update(int64_t step, const data::SampleBatch& batch, std::string fault) {
    if (!fault.empty()) {
      updates_.skip();
    } else if (const std::string bad = updates_.step(); !bad.empty()) {
      fault = bad + "; " + name_samples(batch);
    }
    if (fault.empty()) {
      state_.skipped_in_row = 0;
      return "";
    }
    ++state_.skipped, ++state_.skipped_in_row;
    const std::string where =
        "epoch " + std::to_string(state_.next_epoch + 1) + ", step " + std::to_string(step + 1);
    const std::string weights = first_not_finite(model_);
    if (!weights.empty())
      throw Error("training: " + where + ": weights are not finite, first " + quoted(weights, 200));
    if (state_.skipped_in_row > options_.max_skipped_steps) {
      throw Error("training: " + where + " is not finite: " + fault + "; " +
                  std::to_string(state_.skipped_in_row) + " in a row (`max_skipped_steps` " +
                  std::to_string(options_.max_skipped_steps) +
                  "); a smaller `lr` or `max_grad_norm=1` may help");
    }
    return where + " passed over, not finite: " + fault;
  }

  void report_training(EpochReport& report) const {
    if (state_.means.is_empty()) {
      throw Error("training: no batch of epoch " + std::to_string(report.epoch + 1) +
                  " has a loss that is finite");
    }
    report.train_terms = state_.means.values();
    report.train_loss = report.train_terms["total_loss"];
    report.lr = state_.lr;
    report.skipped_steps = state_.skipped;
  }

  double value_of(const EpochReport& report) const {
    if (find_metric(options_.best_metric) == nullptr) return report.val_loss;
    const auto found = report.val_terms.find(options_.best_metric);
    if (found == report.val_terms.end()) {
      throw ConfigError("`best_metric`: " + options_.best_metric +
                        " is not measured for this kind of model");
    }
    return found->second;
  }

  // False when training ends here.
  bool finish_epoch(EpochReport& report, const NamedTensors& now) {
    const double value = value_of(report);
    if (!std::isfinite(report.val_loss) || !std::isfinite(value)) {
      throw Error("training: the validation loss became NaN or infinite in epoch " +
                  std::to_string(report.epoch + 1));
    }
    report.is_best = state_.best_epoch < 0 || options_.best_metric == "last" ||
                     (is_bigger_better(options_.best_metric) ? value > state_.best_value
                                                             : value < state_.best_value);
    state_.epochs_without_gain = report.is_best ? 0 : state_.epochs_without_gain + 1;
    if (report.is_best) {
      state_.best_epoch = report.epoch;
      state_.best_value = value;
      if (options_.best_metric != "last") best_weights_ = copy_of(state_dict(model_));
    }
    if (options_.scheduler == "plateau") state_.plateau.see(report.val_loss);
    state_.history.push_back(report);
    state_.begin_next_epoch();
    state_.finished = options_.patience > 0 && state_.epochs_without_gain >= options_.patience;
    const bool is_saved = save_when_due(report.is_best, now);
    if (!is_stopped_after(report, [&] {
          if (!is_saved) save(report.is_best, now);
        })) {
      updates_.swap_in(now);
      return true;
    }
    result_.interrupted = true;
    return false;
  }

  // Tells of an epoch. save: called where training ends by the callback's word or its exception.
  template <class Save>
  bool is_stopped_after(const EpochReport& report, const Save& save) {
    try {
      const Control answer = callbacks_.on_epoch ? callbacks_.on_epoch(report) : Control::kContinue;
      if (!group_.any(answer == Control::kStop)) return false;
    } catch (...) {
      save();
      throw;
    }
    save();
    return true;
  }

  // Where the last epoch counts, a large model is written at most every kSecondsBetweenSaves: its
  // epochs take seconds, and its optimizer's state is twice the model.
  bool save_when_due(bool is_best, const NamedTensors& now) {
    constexpr double kSecondsBetweenSaves = 20;
    constexpr int64_t kSmallModel = 1'000'000;
    if (!writes()) return true;
    const bool is_last = state_.finished || state_.next_epoch >= epochs_;
    const double since = std::chrono::duration<double>(Clock::now() - last_save_).count();
    const bool may_wait = options_.best_metric == "last" && num_parameters_ > kSmallModel;
    if (may_wait && !is_last && since < kSecondsBetweenSaves) return false;
    save(is_best, now);
    return true;
  }

  // now: the weights that training goes on from, where those in the model are their mean.
  void save(bool is_best, const NamedTensors& now) {
    if (!writes()) return;
    const std::string path = (std::filesystem::path(run_) / "model.safetensors").string();
    if (is_best)
      save_tensors(path, options_.best_metric == "last" ? state_dict(model_) : best_weights_);
    const NamedTensors mean = updates_.swap_in(now);
    save_training_state(run_, state_, model_, updates_.optimizer(), options_);
    updates_.swap_in(mean);
    last_save_ = Clock::now();
    note_saved();
  }

  bool writes() const { return !run_.empty() && group_.is_first(); }

  // The state of the last update; the weights are those after it.
  void save_within_epoch() {
    const NamedTensors now = updates_.swap_in(state_.average);
    save(options_.best_metric == "last", now);
    updates_.swap_in(now);
  }

  void note_saved() {
    result_.saved_epochs = state_.next_epoch;
    result_.saved_steps = state_.next_step;
  }

  FitResult finish() {
    if (!result_.interrupted) updates_.swap_in(state_.average);
    if (options_.best_metric != "last" && !best_weights_.empty())
      load_state_dict(model_, best_weights_);
    updates_.zero_grad();
    model_.eval();
    result_.history = state_.history;
    result_.best_epoch = state_.best_epoch;
    result_.best_loss = state_.best_value;
    result_.stopped_early = state_.finished;
    return result_;
  }

  model::AamModel& model_;
  const TrainingOptions& options_;
  const std::string& run_;
  TrainerData sources_;
  const Callbacks& callbacks_;
  const ProcessGroup& group_;
  torch::Device device_;
  StepGenerator generator_;
  TrainingState state_;
  Updates updates_;
  LossOptions loss_;
  Learner learner_;
  Validation validation_;
  CountTarget counts_;
  bool stopped_by_callback_ = false;
  int64_t epochs_ = 1, num_parameters_ = 0;
  NamedTensors best_weights_;
  FitResult result_;
  Clock::time_point last_save_ = Clock::now();
};

}  // namespace

Trainer::Trainer(std::shared_ptr<model::AamModel> model, TrainingOptions options,
                 std::string run_directory, std::optional<data::TargetCodec> codec)
    : model_(std::move(model)),
      options_(std::move(options)),
      run_directory_(std::move(run_directory)),
      codec_(std::move(codec)) {
  options_.check();
}

FitResult Trainer::fit(const data::SampleDataset& train_data, const data::SampleDataset& val_data,
                       const Split& split, const Callbacks& callbacks, bool resume) {
  if (group_.world_size > options_.batch_size) {
    throw ConfigError("`batch_size` " + std::to_string(options_.batch_size) +
                      ": expected at least a sample for each of " +
                      std::to_string(group_.world_size) + " processes");
  }
  if (!run_directory_.empty() && group_.is_first())
    std::filesystem::create_directories(run_directory_);
  const torch::Device device = model::find_device(options_.device, model::device_of(*model_));
  model_->to(device);
  const model::Float32Products products(options_.tf32 && !device.is_cpu());
  share_weights(group_, *model_);  // before anything is computed from them
  TrainerData data{train_data, val_data, split, on_device(features_, device)};
  const bool has_features = features_.embeddings.defined() || features_.identity.defined();
  const bool goes_on = resume && has_training_state(run_directory_);
  if (!has_features && !goes_on) data.features = frozen_features(*model_, train_data);
  auto* predictor = dynamic_cast<model::SequencePredictorImpl*>(model_.get());
  const bool has_mixture = predictor != nullptr && !model_->config().is_plain();
  if (has_mixture && !goes_on && options_.calibration_folds >= 2) {
    // Every process fits it by itself, and comes to the same.
    if (group_.any(!fit_mixture(*predictor, options_, data, callbacks))) {
      FitResult stopped;
      stopped.interrupted = true;
      return stopped;
    }
  }
  FitRun run(*model_, options_, run_directory_, data, codec_, callbacks, group_);
  return run.go(resume);
}

}  // namespace deepbio::train
