#include "deepbio/train/training_run.h"

#include <torch/headeronly/version.h>

#include <filesystem>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/base/version.h"
#include "deepbio/data/feature_sequences.h"
#include "deepbio/model/device.h"
#include "deepbio/train/calibrate.h"
#include "deepbio/train/checks.h"
#include "deepbio/train/cost.h"
#include "deepbio/train/predictor.h"
#include "deepbio/train/resume.h"
#include "deepbio/train/start.h"

namespace deepbio::train {
namespace {

// A resumed run keeps its split, also where a newer version would split in another way.
void keep_split(const std::string& run, StudyOptions& options) {
  const std::filesystem::path folder = run, train = folder / "train_samples.txt",
                              val = folder / "val_samples.txt";
  if (!std::filesystem::exists(train) || !std::filesystem::exists(val)) return;
  options.train_samples = train.string();
  options.val_samples = val.string();
}

// What a run was started with stands for what is not given now: presets may have changed since, and
// what follows from an option that is given (epochs, patience) was decided then.
void keep_options(const Json& training, const SetupRequest& request, Json& given) {
  const Json* kept = training.is_object() ? training.find("setup") : nullptr;
  if (kept == nullptr) return;
  TrainingSetup any = preset_setup(request.preset, request.is_predictor);
  const OptionRows rows = any.rows();
  for (const auto& [name, value] : kept->as_object()) {
    // An option that this version does not have any more is passed over.
    const OptionRow* row = find_option(rows, name);
    if (row == nullptr || !row->on_command || given.find(row->name) != nullptr) continue;
    given.set(row->name, value);
  }
}

std::vector<std::string> ids_of(const Study& study, const std::vector<int64_t>& samples) {
  std::vector<std::string> ids;
  for (const int64_t sample : samples)
    ids.push_back(study.table->sample_ids[static_cast<size_t>(sample)]);
  return ids;
}

int64_t num_parameters(const model::AamModel& model) {
  int64_t count = 0;
  for (const auto& parameter : model.parameters()) count += parameter.numel();
  return count;
}

}  // namespace

Json with_whole_paths(Json options) {
  for (const char* name : {"table", "sequences", "tree", "distances", "metadata", "pretrained",
                           "train-samples", "val-samples"}) {
    const Json* path = options.find(name);
    if (path == nullptr) continue;
    options.set(name, std::filesystem::absolute(path->as_string()).lexically_normal().string());
  }
  return options;
}

Json typed_options_of(const std::string& config_path) {
  const Json config = Json::parse(io::read_all(config_path), config_path);
  const Json* training = config.find("training");
  const Json* options =
      training != nullptr && training->is_object() ? training->find("options") : nullptr;
  if (options != nullptr) return *options;
  throw ConfigError(config_path +
                    ": this run was not started by the command; resume it in Python (Trainer.fit)");
}

TrainingRun::TrainingRun(TrainingRequest request)
    : request_(std::move(request)), setup_(resolved_setup()) {
  const bool is_predictor = request_.setup.is_predictor;
  if (!is_predictor && request_.files.tree.empty() && request_.files.distances.empty()) {
    throw ArgumentError("pretrain: expected distances to learn: give `tree` or `distances`");
  }
  (void)model::find_device(setup_.training.device);  // before anything is read
  // The folder is refused before a table of gigabytes is read.
  if (!request_.is_dry && request_.group.is_first())
    run_.emplace(request_.output_dir, request_.mode);
  study_ = prepared_study();
  fit_model_config();
  setup_.model.check();
  check_training(setup_.model, is_predictor, setup_.training,
                 {*study_.train, *study_.val, study_.split, study_.codec});
}

// The encoder's architecture comes from the run to go on with or the pretrained one, unless options
// say otherwise.
TrainingSetup TrainingRun::resolved_setup() const {
  SetupRequest request = request_.setup;
  // A run that is resumed has its encoder already; `pretrained` was taken when it began.
  const std::string& source =
      request_.mode == RunMode::kResume ? request_.output_dir : request_.pretrained;
  if (!source.empty()) {
    const RunConfig base = read_run_config(source);
    request.base = &base.model;
    request.is_pretrained = !request_.pretrained.empty();
    if (request_.mode == RunMode::kResume) keep_options(base.training, request, request.given);
    return resolve_setup(request);
  }
  TrainingSetup setup = resolve_setup(request);
  if (request.is_predictor && setup.model.freeze_base && setup.model.transformer_branch) {
    throw ConfigError("`freeze_base` trains the heads only, so it needs `pretrained`");
  }
  return setup;
}

Study TrainingRun::prepared_study() const {
  StudyOptions options = setup_.study_options();
  options.train_samples = request_.train_samples;
  options.val_samples = request_.val_samples;
  if (request_.mode == RunMode::kResume) {
    expect_resumable(request_.output_dir, setup_.training);
    keep_split(request_.output_dir, options);
  }
  return prepare_study(request_.files, options);
}

// What the model takes from the study: classes, covariates, known ASVs.
void TrainingRun::fit_model_config() {
  model::ModelConfig& model = setup_.model;
  if (model.is_classifier) model.out_dim = static_cast<int64_t>(study_.codec->classes().size());
  if (request_.setup.is_predictor) {
    model = fit_config(model, *study_.train, study_.split.train, setup_.training.known_min_samples);
    // Samples that share no ASV leave nothing to know: sequences are what is left to predict from.
    if (model.num_known_asvs == 0 && !model.transformer_branch) read_sequences_instead();
  }
  model.categorical_cardinalities = study_.categories.cardinalities();
}

void TrainingRun::read_sequences_instead() {
  setup_.model.sequence_branch = true;
  const std::string without =
      data::without_sequence(study_.table->feature_ids, study_.train->sequences());
  if (without.empty()) return;
  throw ArgumentError("no feature is in `known_min_samples` (" +
                      std::to_string(setup_.training.known_min_samples) +
                      ") training samples, and " + without + " that could be read instead");
}

int64_t TrainingRun::epochs() const {
  return budget_epochs(setup_.training, static_cast<int64_t>(study_.split.train.size()));
}

std::vector<std::string> TrainingRun::notes() const {
  std::vector<std::string> lines = study_.notes;
  const int64_t depth = study_.rarefy_depth_reads;
  lines.push_back(std::to_string(study_.split.train.size()) + " samples to train on, " +
                  std::to_string(study_.split.val.size()) + " held back, " +
                  std::to_string(study_.table->num_features()) + " features, " +
                  (depth > 0 ? "depth " + std::to_string(depth) + " reads" : "counts as they are"));
  return lines;
}

Json TrainingRun::cost() const {
  // A model of its own: measuring trains it, and the run begins with fresh weights.
  const auto model =
      model::make_model(setup_.model, request_.setup.is_predictor, setup_.training.seed);
  const RunCost cost = run_cost(*model, setup_.training, *study_.train, *study_.val, study_.split);
  return to_json(cost,
                 measure_rate(model, setup_.training, *study_.train, *study_.val, study_.split));
}

RunStart TrainingRun::run_start() const {
  RunStart start;
  RunConfig& config = start.config;
  config.kind = request_.setup.is_predictor ? "train" : "pretrain";
  config.preset = setup_.preset;
  config.model = setup_.model;
  config.data = setup_.data_config(study_.rarefy_depth_reads);
  config.target = study_.codec;
  config.categories = study_.categories;
  // As typed, as set up, and as the trainer takes them: prediction and resuming need different
  // ones.
  config.training = Json(Json::Object{{"options", request_.typed},
                                      {"setup", setup_.to_json()},
                                      {"resolved", setup_.training.to_json()}});
  config.trained_on = study_.trained_on;
  config.versions =
      Json(Json::Object{{"deepbio", std::string(version())}, {"torch", TORCH_VERSION}});
  start.train_samples = ids_of(study_, study_.split.train);
  start.val_samples = ids_of(study_, study_.split.val);
  start.train_asvs = asvs_of(*study_.train, study_.split.train);
  return start;
}

void TrainingRun::start() {
  start_ = run_start();
  request_.group.wait();  // until all have read what is written now
  if (run_) run_->start(start_);
}

bool TrainingRun::is_fresh() const {
  return run_ ? run_->is_fresh()
              : request_.mode != RunMode::kResume || !has_training_state(request_.output_dir);
}

// What a new predictor knows of its training samples before the first step.
void TrainingRun::start_predictor() {
  const std::vector<int64_t>& samples = study_.split.train;
  const torch::Tensor computed = features_.embeddings;
  if (setup_.model.freeze_base && !computed.defined())
    features_ = frozen_features(*model_, *study_.train);
  // Before the heads start: their inputs are what these scales make of them.
  calibrate_abundance_pooling(*model_, *study_.train, samples, features_.embeddings);
  train::start_predictor(*model_, *study_.train, samples, setup_.training.known_min_samples,
                         features_.embeddings);
  if (!setup_.model.freeze_base) {
    features_ = {};  // of an encoder that will move
  } else if (setup_.model.num_known_asvs > 0) {
    features_.identity = feature_identities(*study_.train);
  }
}

// Training that goes on takes its weights from the checkpoint.
std::vector<std::string> TrainingRun::prepare_model() {
  const bool is_predictor = request_.setup.is_predictor, is_new = is_fresh();
  model_ = model::make_model(setup_.model, is_predictor, setup_.training.seed);
  model_->to(model::find_device(setup_.training.device));
  std::vector<std::string> lines;
  const bool reads_sequences =
      !is_predictor || setup_.model.transformer_branch || setup_.model.sequence_branch;
  if (!request_.pretrained.empty() && is_new) {
    const LoadReport report = load_pretrained(*model_, request_.pretrained);
    lines.push_back("took " + std::to_string(report.loaded.size()) + " tensors from " +
                    request_.pretrained);
    // The preset `aam` starts as AAM does.
  } else if (setup_.preset == "default" && is_new && reads_sequences) {
    features_.embeddings = calibrate_asv_embeddings(*model_, *study_.train);
  }
  if (is_new && is_predictor) start_predictor();
  if (!is_predictor) features_ = {};  // of an encoder that will move
  lines.push_back("model with " + std::to_string(num_parameters(*model_)) + " parameters, preset " +
                  setup_.preset);
  return lines;
}

void TrainingRun::write_val_predictions() const {
  Truth actual;
  for (const int64_t sample : study_.split.val) {
    if (!study_.labels.empty()) actual.labels.push_back(study_.labels[static_cast<size_t>(sample)]);
    if (!study_.values.empty()) actual.values.push_back(study_.values[static_cast<size_t>(sample)]);
  }
  const Predictions predictions = predict(*model_, start_.config, *study_.val, study_.split.val);
  write_validation(run_->file("val_predictions.tsv"), predictions, start_.config, actual);
}

FitResult TrainingRun::train(const Callbacks& callbacks) {
  Trainer trainer(model_, setup_.training, request_.output_dir, study_.codec);
  trainer.set_features(features_);
  trainer.set_group(request_.group);
  const FitResult result = trainer.fit(*study_.train, *study_.val, study_.split, callbacks,
                                       request_.mode == RunMode::kResume);
  const bool has_val = request_.setup.is_predictor && !study_.split.val.empty();
  // The best weights are in the model now; an interrupted run writes them when it is resumed and
  // ends.
  if (!result.interrupted && has_val && run_) write_val_predictions();
  return result;
}

}  // namespace deepbio::train
