#include "deepbio/train/trainer.h"

#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <mutex>
#include <numeric>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/data/loader.h"
#include "deepbio/model/functional.h"
#include "deepbio/train/checks.h"
#include "deepbio/train/feed.h"
#include "deepbio/train/optim.h"
#include "deepbio/train/predictor.h"
#include "deepbio/train/resume.h"
#include "deepbio/train/scores.h"

namespace deepbio::train {
namespace {

using Clock = std::chrono::steady_clock;
using SampleLoader = data::Loader<data::SampleBatch>;
constexpr uint64_t kValidationEpoch = std::numeric_limits<uint64_t>::max();

// Seeds torch's default CPU generator for each step and puts it back as it was, also when training throws.
class StepGenerator {
 public:
  explicit StepGenerator(uint64_t seed) : seed_(seed), generator_(at::globalContext().defaultGenerator(at::kCPU)) {
    const std::lock_guard<std::mutex> lock(generator_.mutex());
    before_ = generator_.get_state();
  }
  ~StepGenerator() {
    const std::lock_guard<std::mutex> lock(generator_.mutex());
    generator_.set_state(before_);
  }
  StepGenerator(const StepGenerator&) = delete;
  StepGenerator& operator=(const StepGenerator&) = delete;
  void seed_step(uint64_t epoch, uint64_t step) {
    CounterRandom random(seed_, epoch, step, Purpose::kStep);
    const std::lock_guard<std::mutex> lock(generator_.mutex());
    generator_.set_current_seed(random.next_u64());
  }

 private:
  uint64_t seed_;
  at::Generator generator_;
  at::Tensor before_;
};

NamedTensors copy_of(const NamedTensors& tensors) {
  NamedTensors copies;
  for (const auto& [name, tensor] : tensors) copies.emplace_back(name, tensor.detach().clone());
  return copies;
}

NamedTensors trainable_parameters(const model::AamModel& model) {
  NamedTensors parameters;
  for (const auto& item : model.named_parameters()) {
    const bool is_frozen =
        model.is_predictor() && model.config().freeze_base && item.key().rfind("base_model.", 0) == 0;
    if (item.value().requires_grad() && !is_frozen) parameters.emplace_back(item.key(), item.value());
  }
  if (parameters.empty()) throw ArgumentError("trainer: expected parameters to train, got none (all are frozen)");
  return parameters;
}

// Everything one call of fit() needs; each epoch is train_epoch, then validate, then finish_epoch.
class FitRun {
 public:
  struct Sources {
    const data::SampleDataset& train;
    const data::SampleDataset& val;
    const Split& split;
  };
  FitRun(model::AamModel& model, const TrainingOptions& options, const std::string& run, const Sources& sources,
         const std::optional<data::TargetCodec>& codec, const Callbacks& callbacks)
      : model_(model),
        options_(options),
        run_(run),
        sources_(sources),
        codec_(codec),
        callbacks_(callbacks),
        generator_(options.seed),
        optimizer_(trainable_parameters(model), adamw_options(options)) {
    check_training(model_.config(), model_.is_predictor(), options_,
                   {sources_.train, sources_.val, sources_.split, codec_});
    counts_ = fit_count_target(options_.count_target, sources_.train, sources_.split.train);
    is_frozen_ = model_.is_predictor() && model_.config().freeze_base;
    with_nucleotides_ = model_.config().predict_nucleotides && options_.loss.nuc_penalty > 0 && !is_frozen_;
    with_counts_ = options_.loss.count_penalty > 0;
    if (is_frozen_) feature_embeddings_ = encode_features(model_, sources_.train);
  }

  FitResult go(bool resume) {
    if (resume) take_up();
    SampleLoader train = loader(sources_.train, sources_.split.train, /*shuffle=*/true);
    SampleLoader val = loader(sources_.val, sources_.split.val, /*shuffle=*/false);
    const int64_t groups =
        (train.num_batches() + options_.gradient_accumulation_steps - 1) / options_.gradient_accumulation_steps;
    total_updates_ = groups * options_.epochs;
    while (!state_.finished && state_.next_epoch < options_.epochs) {
      EpochReport report;
      report.epoch = state_.next_epoch;
      const auto start = Clock::now();
      if (!train_epoch(train, report)) {
        result_.interrupted = true;
        break;
      }
      report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
      report.samples_per_second = static_cast<double>(sources_.split.train.size()) / std::max(report.seconds, 1e-9);
      validate(val, report);
      if (!finish_epoch(report)) break;
    }
    return finish();
  }

 private:
  static AdamWOptions adamw_options(const TrainingOptions& options) {
    AdamWOptions out;
    out.lr = options.lr;
    out.weight_decay = options.weight_decay;
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
    best_weights_ = load_tensors((std::filesystem::path(run_) / "model.safetensors").string());
    if (is_frozen_) feature_embeddings_ = encode_features(model_, sources_.train);
  }

  // False when the callback asked to stop.
  bool train_epoch(SampleLoader& loader, EpochReport& report) {
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
        model_.forward(make_inputs(batch, feature_embeddings_),
                       {.return_nucleotides = with_nucleotides_, .skip_padding = true, .predict_counts = with_counts_});
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

  double update() {
    if (options_.max_grad_norm > 0) clip_gradients(optimizer_.parameters(), options_.max_grad_norm);
    const double lr = options_.scheduler == "constant"
                          ? options_.lr
                          : warmup_cosine(state_.updates, options_.lr, options_.warmup_steps, total_updates_);
    optimizer_.step(lr);
    optimizer_.zero_grad();
    ++state_.updates;
    return lr;
  }

  void validate(SampleLoader& loader, EpochReport& report) {
    const torch::NoGradGuard no_grad;
    model_.eval();
    Means means;
    Scores scores(model_.config(), codec_);
    loader.begin(0);
    for (int64_t step = 0; const std::optional<data::SampleBatch> batch = loader.next(); ++step) {
      const model::Inputs inputs = make_inputs(*batch, feature_embeddings_);
      const LossTargets targets = make_loss_targets(*batch, counts_);
      const model::Outputs outputs = model_.forward(inputs, {.skip_padding = true, .predict_counts = with_counts_});
      LossTerms terms =
          multi_task_loss(outputs, targets, options_.loss, model_.config().is_classifier, model_.config().encoder_type);
      if (with_nucleotides_) add_masked_nucleotides(inputs, targets, static_cast<uint64_t>(step), terms, means);
      means.add(terms, batch->mask.size(0));
      if (model_.is_predictor()) scores.add(outputs.target_prediction, targets.target);
    }
    report.val_terms = means.values();
    report.val_loss = report.val_terms["total_loss"];
    if (model_.is_predictor()) scores.write_metrics(report.val_terms);
  }

  // The model masks in training only; here a second pass with a mask of its own (the same in every epoch) measures what
  // it has learned about hidden bases, while the other terms see the sequences as they are.
  void add_masked_nucleotides(model::Inputs inputs, const LossTargets& targets, uint64_t step, LossTerms& terms,
                              Means& means) {
    generator_.seed_step(kValidationEpoch, step);
    const model::ModelConfig& config = model_.config();
    const torch::Tensor tokens = inputs.asv_tokens;
    const torch::Tensor which = config.nuc_mask_strategy == "span"
                                    ? model::functional::span_mask(tokens, config.nuc_mask_ratio)
                                    : model::functional::random_mask(tokens, config.nuc_mask_ratio);
    inputs.asv_tokens = model::functional::apply_mask_token(tokens, which);
    const torch::Tensor logits =
        model_.forward(inputs, {.return_nucleotides = true, .skip_padding = true}).nuc_predictions;
    terms.nuc_loss = nucleotide_loss(logits, tokens, which, targets.nucleotide_weight);
    terms.total_loss = terms.total_loss + options_.loss.nuc_penalty * terms.nuc_loss;
    const int64_t masked = which.sum().item<int64_t>();
    if (masked == 0) return;
    const int64_t hits = (logits.argmax(-1) == tokens).logical_and(which).sum().item<int64_t>();
    means.add("nuc_accuracy", static_cast<double>(hits) / static_cast<double>(masked), masked);
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
  bool finish_epoch(EpochReport& report) {
    const double value = value_of(report);
    if (!std::isfinite(report.val_loss) || !std::isfinite(value)) {
      throw Error("training: the validation loss became NaN or infinite in epoch " + std::to_string(report.epoch));
    }
    report.is_best = state_.best_epoch < 0 ||
                     (is_bigger_better(options_.best_metric) ? value > state_.best_value : value < state_.best_value);
    state_.epochs_without_gain = report.is_best ? 0 : state_.epochs_without_gain + 1;
    if (report.is_best) {
      state_.best_epoch = report.epoch;
      state_.best_value = value;
      best_weights_ = copy_of(state_dict(model_));
      if (!run_.empty()) save_tensors((std::filesystem::path(run_) / "model.safetensors").string(), best_weights_);
    }
    state_.history.push_back(report);
    ++state_.next_epoch;
    state_.finished = options_.patience > 0 && state_.epochs_without_gain >= options_.patience;
    if (!run_.empty()) save_training_state(run_, state_, model_, optimizer_, options_);
    if (callbacks_.on_epoch && callbacks_.on_epoch(report) == Control::kStop) {
      result_.interrupted = true;
      return false;
    }
    return true;
  }

  FitResult finish() {
    if (!best_weights_.empty()) load_state_dict(model_, best_weights_);
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
  Sources sources_;
  const std::optional<data::TargetCodec>& codec_;
  const Callbacks& callbacks_;
  StepGenerator generator_;
  AdamW optimizer_;
  CountTarget counts_;
  bool is_frozen_ = false, with_nucleotides_ = false, with_counts_ = true;
  torch::Tensor feature_embeddings_;
  int64_t total_updates_ = 1;
  TrainingState state_;
  NamedTensors best_weights_;
  FitResult result_;
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
  FitRun run(*model_, options_, run_directory_, {train_data, val_data, split}, codec_, callbacks);
  return run.go(resume);
}

}  // namespace deepbio::train
