#include "deepbio/train/trainer.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>

#include "deepbio/base/error.h"
#include "deepbio/data/loader.h"
#include "deepbio/train/checks.h"
#include "deepbio/train/feed.h"
#include "deepbio/train/masked_bases.h"
#include "deepbio/train/mixture.h"
#include "deepbio/train/optim.h"
#include "deepbio/train/predictor.h"
#include "deepbio/train/resume.h"
#include "deepbio/train/scores.h"
#include "deepbio/train/start.h"
#include "deepbio/train/step_generator.h"
#include "deepbio/train/weight_mean.h"

namespace deepbio::train {
namespace {

using Clock = std::chrono::steady_clock;
using SampleLoader = data::Loader<data::SampleBatch>;
constexpr uint64_t kValidationEpoch = std::numeric_limits<uint64_t>::max();

// Everything one call of fit() needs; each epoch is train_epoch, then validate, then finish_epoch.
class FitRun {
 public:
  FitRun(model::AamModel& model, const TrainingOptions& options, const std::string& run, const TrainerData& sources,
         const std::optional<data::TargetCodec>& codec, const Callbacks& callbacks)
      : model_(model),
        options_(options),
        run_(run),
        sources_(sources),
        codec_(codec),
        callbacks_(callbacks),
        generator_(options.seed),
        optimizer_(trainable_parameters(model), optimizer_options(options, model.is_predictor())) {
    check_training(model_.config(), model_.is_predictor(), options_,
                   {sources_.train, sources_.val, sources_.split, codec_});
    counts_ = fit_count_target(options_.count_target, sources_.train, sources_.split.train);
    is_frozen_ = model_.is_predictor() && model_.config().freeze_base;
    with_nucleotides_ = model_.config().predict_nucleotides && options_.loss.nuc_penalty > 0 && !is_frozen_;
    with_counts_ = options_.loss.count_penalty > 0;
    for (const auto& parameter : model_.parameters()) num_parameters_ += parameter.numel();
    epochs_ = budget_epochs(options_, static_cast<int64_t>(sources_.split.train.size()));
    const auto* predictor = dynamic_cast<const model::SequencePredictorImpl*>(&model_);
    if (predictor != nullptr && !predictor->mixture().is_empty()) {
      member_share_ = 1 / std::sqrt(static_cast<double>(predictor->mixture()->weight.size(0)));
    }
    with_samples_ = sources_.train.has_distances() && options_.loss.penalty > 0;
  }

  FitResult go(bool resume) {
    if (resume) take_up();
    SampleLoader train = loader(sources_.train, sources_.split.train, /*shuffle=*/true);
    std::optional<SampleLoader> val;
    if (!sources_.split.val.empty()) val.emplace(loader(sources_.val, sources_.split.val, /*shuffle=*/false));
    const int64_t groups =
        (train.num_batches() + options_.gradient_accumulation_steps - 1) / options_.gradient_accumulation_steps;
    total_updates_ = groups * epochs_;
    while (!state_.finished && state_.next_epoch < epochs_) {
      EpochReport report;
      report.epoch = state_.next_epoch;
      const auto start = Clock::now();
      if (!train_epoch(train, report)) {
        result_.interrupted = true;
        break;
      }
      report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
      report.samples_per_second = static_cast<double>(sources_.split.train.size()) / std::max(report.seconds, 1e-9);
      // What is measured and written is the mean of the weights so far; training goes on from where it stood.
      const NamedTensors now = swap_in(state_.average, optimizer_.parameters());
      if (val) {
        validate(*val, report);
      } else {
        report.val_loss = report.train_loss;
      }
      if (!finish_epoch(report, now)) break;
    }
    return finish();
  }

 private:
  static OptimizerOptions optimizer_options(const TrainingOptions& options, bool is_predictor) {
    OptimizerOptions out;
    out.kind = options.optimizer;
    out.weight_decay = options.weight_decay;
    out.beta2 = options.beta2;
    if (is_predictor) out.slow_prefix = "base_model.";
    out.slow_factor = options.base_lr_factor;
    return out;
  }

  SampleLoader loader(const data::SampleDataset& dataset, const std::vector<int64_t>& items, bool shuffle) const {
    data::LoaderOptions options;
    options.batch_size = options_.batch_size;
    options.shuffle = shuffle;
    options.seed = options_.seed;
    options.num_threads = options_.loader_threads;
    return SampleLoader(
        items, [&dataset](std::span<const int64_t> indices, uint64_t epoch) { return dataset.batch(indices, epoch); },
        options);
  }

  void take_up() {
    if (run_.empty()) throw ArgumentError("trainer: resume needs a run directory");
    // Stopped before its first checkpoint: from the start.
    if (!has_training_state(run_) && std::filesystem::exists(std::filesystem::path(run_) / "config.json")) return;
    state_ = load_training_state(run_, model_, optimizer_, options_);
    result_.saved_epochs = state_.next_epoch;
    best_weights_ = load_tensors((std::filesystem::path(run_) / "model.safetensors").string());
    sources_.features = frozen_features(model_, sources_.train);  // of the weights that are there now
  }

  // False when the callback asked to stop.
  bool train_epoch(SampleLoader& loader, EpochReport& report) {
    // What the pooled sequences are centred and scaled by was measured before the base moved.
    if (model_.is_predictor() && base_moves()) {
      rescale_sequences(model_, sources_.train, sources_.split.train);
    }
    model_.train();
    optimizer_.zero_grad();
    const int64_t num_steps = loader.num_batches(), group = options_.gradient_accumulation_steps;
    Means means;
    loader.begin(static_cast<uint64_t>(report.epoch));
    for (int64_t step = 0; step < num_steps; ++step) {
      const std::optional<data::SampleBatch> batch = loader.next();
      if (!batch) break;
      generator_.seed_step(static_cast<uint64_t>(report.epoch), static_cast<uint64_t>(step));
      const int64_t group_size = std::min(group, num_steps - step / group * group);
      const LossTerms terms = learn(*batch, {report.epoch, step}, group_size);
      means.add(terms, batch->mask.size(0));
      if ((step + 1) % group == 0 || step + 1 == num_steps) report.lr = update();
      const StepReport progress{report.epoch, step, num_steps, terms.total_loss.item<double>()};
      if (callbacks_.on_step && callbacks_.on_step(progress) == Control::kStop) return false;
    }
    report.train_terms = means.values();
    report.train_loss = report.train_terms["total_loss"];
    return true;
  }

  struct Place {
    int64_t epoch, step;
  };
  LossTerms learn(const data::SampleBatch& batch, Place place, int64_t group_size) {
    const model::Outputs outputs =
        model_.forward(make_inputs(batch, sources_.features), {.return_nucleotides = with_nucleotides_,
                                                               .skip_padding = true,
                                                               .predict_counts = with_counts_,
                                                               .embed_samples = with_samples_ && !is_frozen_});
    LossTerms terms = multi_task_loss(outputs, make_loss_targets(batch, counts_), options_.loss,
                                      model_.config().is_classifier, model_.config().encoder_type);
    if (!std::isfinite(terms.total_loss.item<double>())) {
      throw Error("training: the loss became NaN or infinite in epoch " + std::to_string(place.epoch) + ", step " +
                  std::to_string(place.step) + "; a smaller `lr` or `max_grad_norm=1` may help");
    }
    if (!terms.total_loss.requires_grad()) {
      throw ArgumentError("training: nothing to learn: every loss term is zero or belongs to frozen parameters");
    }
    (terms.total_loss / group_size).backward();
    return terms;
  }

  bool base_moves() const {
    return !is_frozen_ &&
           static_cast<double>(state_.updates) >= options_.unfreeze_from * static_cast<double>(total_updates_);
  }

  double update() {
    if (!base_moves()) optimizer_.forget_slow_gradients();
    if (options_.max_grad_norm > 0) {  // groups with rates of their own by norms of their own
      const std::string prefix = options_.base_lr_factor == 1 ? "" : "base_model.";
      clip_apart(optimizer_.parameters(), prefix, options_.max_grad_norm * member_share_);
    }
    Rate rate =
        scheduled_rate({options_.scheduler, options_.lr, options_.warmup_steps, total_updates_}, state_.updates);
    rate.lr *= state_.plateau.factor;
    optimizer_.step(rate);
    optimizer_.zero_grad();
    ++state_.updates;
    average();
    return rate.lr;
  }

  void validate(SampleLoader& loader, EpochReport& report) {
    const torch::NoGradGuard no_grad;
    model_.eval();
    Means means;
    Scores scores(model_.config(), codec_);
    loader.begin(0);
    for (int64_t step = 0; const std::optional<data::SampleBatch> batch = loader.next(); ++step) {
      const model::Inputs inputs = make_inputs(*batch, sources_.features);
      const LossTargets targets = make_loss_targets(*batch, counts_);
      const model::Outputs outputs = model_.forward(
          inputs, {.skip_padding = true, .predict_counts = with_counts_, .embed_samples = with_samples_});
      LossTerms terms =
          multi_task_loss(outputs, targets, options_.loss, model_.config().is_classifier, model_.config().encoder_type);
      if (with_nucleotides_) {
        generator_.seed_step(kValidationEpoch, static_cast<uint64_t>(step));
        add_masked_nucleotides(model_, inputs, targets, options_.loss, terms, means);
      }
      means.add(terms, batch->mask.size(0));
      if (!model_.is_predictor()) continue;
      const torch::Tensor& answer = outputs.target_prediction;
      scores.add(model_.config().is_classifier ? model::class_scores(model_, answer) : answer, targets.target);
    }
    report.val_terms = means.values();
    report.val_loss = report.val_terms["total_loss"];
    if (model_.is_predictor()) scores.write_metrics(report.val_terms);
  }

  double value_of(const EpochReport& report) const {
    if (find_metric(options_.best_metric) == nullptr) return report.val_loss;
    const auto found = report.val_terms.find(options_.best_metric);
    if (found == report.val_terms.end()) {
      throw ConfigError("`best_metric`: " + options_.best_metric + " is not measured for this kind of model");
    }
    return found->second;
  }

  // False when training ends here.
  bool finish_epoch(EpochReport& report, const NamedTensors& now) {
    const double value = value_of(report);
    if (!std::isfinite(report.val_loss) || !std::isfinite(value)) {
      throw Error("training: the validation loss became NaN or infinite in epoch " + std::to_string(report.epoch));
    }
    report.is_best = state_.best_epoch < 0 || options_.best_metric == "last" ||
                     (is_bigger_better(options_.best_metric) ? value > state_.best_value : value < state_.best_value);
    state_.epochs_without_gain = report.is_best ? 0 : state_.epochs_without_gain + 1;
    if (report.is_best) {
      state_.best_epoch = report.epoch;
      state_.best_value = value;
      if (options_.best_metric != "last") best_weights_ = copy_of(state_dict(model_));
    }
    if (options_.scheduler == "plateau") state_.plateau.see(report.val_loss);
    state_.history.push_back(report);
    ++state_.next_epoch;
    state_.finished = options_.patience > 0 && state_.epochs_without_gain >= options_.patience;
    const bool is_saved = save_when_due(report.is_best, now);
    if (callbacks_.on_epoch && callbacks_.on_epoch(report) == Control::kStop) {
      if (!is_saved) save(report.is_best, now);
      result_.interrupted = true;
      return false;
    }
    swap_in(now, optimizer_.parameters());
    return true;
  }

  // Every few updates are enough for the mean, and cost little beside the optimizer.
  void average() {
    constexpr int64_t kEvery = 4;
    const auto first = static_cast<int64_t>(options_.average_from * static_cast<double>(total_updates_));
    if (options_.average_from >= 1 || state_.updates < first || (total_updates_ - state_.updates) % kEvery != 0) return;
    add_to_mean(optimizer_.parameters(), ++state_.averaged, state_.average);
  }

  // Where the last epoch counts, a large model is written at most every kSecondsBetweenSaves: its epochs take seconds,
  // and its optimizer's state is twice the model.
  bool save_when_due(bool is_best, const NamedTensors& now) {
    constexpr double kSecondsBetweenSaves = 20;
    constexpr int64_t kSmallModel = 1'000'000;
    if (run_.empty()) return true;
    const bool is_last = state_.finished || state_.next_epoch >= epochs_;
    const double since = std::chrono::duration<double>(Clock::now() - last_save_).count();
    const bool may_wait = options_.best_metric == "last" && num_parameters_ > kSmallModel;
    if (may_wait && !is_last && since < kSecondsBetweenSaves) return false;
    save(is_best, now);
    return true;
  }

  void save(bool is_best, const NamedTensors& now) {
    if (run_.empty()) return;
    const std::string path = (std::filesystem::path(run_) / "model.safetensors").string();
    if (is_best) save_tensors(path, options_.best_metric == "last" ? state_dict(model_) : best_weights_);
    const NamedTensors mean = swap_in(now, optimizer_.parameters());
    save_training_state(run_, state_, model_, optimizer_, options_);
    swap_in(mean, optimizer_.parameters());
    last_save_ = Clock::now();
    result_.saved_epochs = state_.next_epoch;
  }

  FitResult finish() {
    if (!result_.interrupted) swap_in(state_.average, optimizer_.parameters());
    if (options_.best_metric != "last" && !best_weights_.empty()) load_state_dict(model_, best_weights_);
    optimizer_.zero_grad();
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
  const std::optional<data::TargetCodec>& codec_;
  const Callbacks& callbacks_;
  StepGenerator generator_;
  Optimizer optimizer_;
  CountTarget counts_;
  bool is_frozen_ = false, with_nucleotides_ = false, with_counts_ = true;
  // The loss is the mean over M members, each with gradients of its own: norms of a model are 1 / sqrt(M) of a
  // member's.
  double member_share_ = 1;
  bool with_samples_ = true;  // the sample level of the base, where only its own losses need it
  int64_t epochs_ = 1, total_updates_ = 1;
  TrainingState state_;
  NamedTensors best_weights_;
  FitResult result_;
  int64_t num_parameters_ = 0;
  Clock::time_point last_save_ = Clock::now();
};

}  // namespace

Trainer::Trainer(std::shared_ptr<model::AamModel> model, TrainingOptions options, std::string run_directory,
                 std::optional<data::TargetCodec> codec)
    : model_(std::move(model)),
      options_(std::move(options)),
      run_directory_(std::move(run_directory)),
      codec_(std::move(codec)) {
  options_.check();
}

FitResult Trainer::fit(const data::SampleDataset& train_data, const data::SampleDataset& val_data, const Split& split,
                       const Callbacks& callbacks, bool resume) {
  if (!run_directory_.empty()) std::filesystem::create_directories(run_directory_);
  TrainerData data{train_data, val_data, split, features_};
  const bool has_features = features_.embeddings.defined() || features_.identity.defined();
  const bool goes_on = resume && has_training_state(run_directory_);
  if (!has_features && !goes_on) data.features = frozen_features(*model_, train_data);
  auto* predictor = dynamic_cast<model::SequencePredictorImpl*>(model_.get());
  const bool has_mixture = predictor != nullptr && !model_->config().is_plain();
  if (has_mixture && !goes_on && options_.calibration_folds >= 2) {
    if (!fit_mixture(*predictor, options_, data, callbacks)) {
      FitResult stopped;
      stopped.interrupted = true;
      return stopped;
    }
  }
  FitRun run(*model_, options_, run_directory_, data, codec_, callbacks);
  return run.go(resume);
}

}  // namespace deepbio::train
