#include "tools/training_run.h"

#include <ATen/Version.h>

#include <filesystem>
#include <iostream>
#include <optional>

#include "tools/allocator.h"
#include "tools/community_input.h"
#include "tools/config_option.h"
#include "tools/progress.h"
#include "tools/sample_data.h"
#include "tools/training_options.h"

#include "deepbio/base/error.h"
#include "deepbio/base/spelling.h"
#include "deepbio/train/calibrate.h"
#include "deepbio/train/checks.h"
#include "deepbio/train/cost.h"
#include "deepbio/train/predictor.h"
#include "deepbio/train/resume.h"
#include "deepbio/train/run.h"
#include "deepbio/train/start.h"
#include "deepbio/train/trainer.h"

namespace deepbio::tools {
namespace {

namespace fs = std::filesystem;

struct TrainingCommand {
  train::StudyFiles files;
  train::StudyOptions split;  // what add_split_options fills
  std::string output_dir, pretrained;
  bool resume = false, dry_run = false, is_predictor = false;
  std::unique_ptr<TrainingFlags> flags;
};

train::RunMode run_mode(const TrainingCommand& command, const Shared& shared) {
  if (command.resume) return train::RunMode::kResume;
  return shared.overwrite ? train::RunMode::kOverwrite : train::RunMode::kNew;
}

train::StudyOptions study_options(const TrainingCommand& command, const TrainingSetup& setup) {
  train::StudyOptions options = command.split;
  options.is_classifier = setup.model.is_classifier;
  options.target_transform = setup.target_transform;
  options.categorical_columns = setup.categorical_columns;
  options.missing_features = setup.missing_features;
  options.missing_samples = setup.missing_samples;
  options.data = {setup.model.max_bp, setup.model.token_limit, setup.rarefy_depth_reads, setup.asv_sampling,
                  setup.unifrac_metric, setup.missing_sequences};
  options.learns_distances = setup.training.loss.penalty > 0;
  options.test_size = setup.test_size;
  options.least_thinning = setup.least_thinning;
  options.seed = setup.training.seed;
  return options;
}

// A resumed run keeps its split, also where a newer version would split in another way.
void keep_split(const std::string& run, train::StudyOptions& options) {
  const fs::path folder = run, train = folder / "train_samples.txt", val = folder / "val_samples.txt";
  if (!fs::exists(train) || !fs::exists(val)) return;
  options.train_samples = train.string();
  options.val_samples = val.string();
}

std::vector<std::string> ids_of(const train::Study& study, const std::vector<int64_t>& samples) {
  std::vector<std::string> ids;
  for (const int64_t sample : samples) ids.push_back(study.table->sample_ids[sample]);
  return ids;
}

// What was typed, with files by their whole path: a resumed run may be started in another folder.
Json typed_options(const CLI::App& app) {
  Json options = given_options(app);
  for (const char* name :
       {"table", "sequences", "tree", "distances", "metadata", "pretrained", "train-samples", "val-samples"}) {
    const Json* path = options.find(name);
    if (path != nullptr) options.set(name, fs::absolute(path->as_string()).lexically_normal().string());
  }
  return options;
}

train::RunStart run_start(const TrainingCommand& command, const CLI::App& app, const TrainingSetup& setup,
                          const train::Study& study) {
  train::RunStart start;
  train::RunConfig& config = start.config;
  config.kind = command.is_predictor ? "train" : "pretrain";
  config.preset = setup.preset;
  config.model = setup.model;
  config.data = {setup.model.max_bp, setup.model.token_limit, study.rarefy_depth_reads, setup.asv_sampling,
                 setup.unifrac_metric, setup.missing_sequences};
  config.target = study.codec;
  config.categories = study.categories;
  config.training = Json(Json::Object{
      {"options", typed_options(app)}, {"setup", setup.to_json()}, {"resolved", setup.training.to_json()}});
  config.trained_on = study.trained_on;
  config.versions = Json(Json::Object{{"deepbio", DEEPBIO_VERSION}, {"torch", TORCH_VERSION}});
  start.train_samples = ids_of(study, study.split.train);
  start.val_samples = ids_of(study, study.split.val);
  start.train_asvs = train::asvs_of(*study.train, study.split.train);
  return start;
}

void write_val_predictions(const train::Run& run, const train::RunConfig& config, const train::Study& study,
                           model::AamModel& model) {
  train::Truth actual;
  for (const int64_t sample : study.split.val) {
    if (!study.labels.empty()) actual.labels.push_back(study.labels[sample]);
    if (!study.values.empty()) actual.values.push_back(study.values[sample]);
  }
  train::write_validation(run.file("val_predictions.tsv"), train::predict(model, config, *study.val, study.split.val),
                          config, actual);
}

// What a new predictor knows of its training samples before the first step.
void start_predictor(model::AamModel& model, const TrainingSetup& setup, const train::Study& study,
                     train::FeatureTensors& features) {
  const std::vector<int64_t>& samples = study.split.train;
  const torch::Tensor computed = features.embeddings;
  if (setup.model.freeze_base && !computed.defined()) features = train::frozen_features(model, *study.train);
  train::calibrate_abundance_pooling(model, *study.train, samples, features.embeddings);
  train::start_predictor(model, *study.train, samples, setup.training.known_min_samples, features.embeddings);
  if (!setup.model.freeze_base) {
    features = {};  // of an encoder that will move
  } else if (setup.model.num_known_asvs > 0) {
    features.identity = train::feature_identities(*study.train);
  }
}

// is_fresh: training starts at the first epoch; otherwise the weights come from the checkpoint. features: what was
// computed of the table's ASVs on the way, over a frozen base.
std::shared_ptr<model::AamModel> build_model(const TrainingCommand& command, const TrainingSetup& setup,
                                             const train::Study& study, TrainingProgress& progress, bool is_fresh,
                                             train::FeatureTensors& features) {
  auto model = model::make_model(setup.model, command.is_predictor, setup.training.seed);
  const bool reads_sequences = !command.is_predictor || setup.model.transformer_branch || setup.model.sequence_branch;
  if (!command.pretrained.empty() && is_fresh) {
    const train::LoadReport report = train::load_pretrained(*model, command.pretrained);
    progress.line("took " + std::to_string(report.loaded.size()) + " tensors from " + command.pretrained);
  } else if (setup.preset == "default" && is_fresh && reads_sequences) {
    features.embeddings = train::calibrate_asv_embeddings(*model, *study.train);
  }
  if (is_fresh && command.is_predictor) start_predictor(*model, setup, study, features);
  if (!command.is_predictor) features = {};  // of an encoder that will move
  int64_t parameters = 0;
  for (const auto& parameter : model->parameters()) parameters += parameter.numel();
  progress.line("model with " + std::to_string(parameters) + " parameters, preset " + setup.preset);
  return model;
}

// The encoder's architecture comes from the run to go on with or the pretrained one, unless options say otherwise.
TrainingSetup resolve_setup(TrainingCommand& command, const Shared& shared) {
  const std::string& source = command.resume ? command.output_dir : command.pretrained;
  if (!source.empty()) {
    const train::RunConfig base = train::read_run_config(source);
    return command.flags->resolve(shared, &base.model, !command.pretrained.empty());
  }
  TrainingSetup setup = command.flags->resolve(shared);
  if (command.is_predictor && setup.model.freeze_base && setup.model.transformer_branch) {
    throw ConfigError("`freeze_base` trains the heads only, so it needs `pretrained`");
  }
  return setup;
}

void say_result(const train::FitResult& result, const TrainingCommand& command, const Shared& shared) {
  if (result.best_epoch < 0) return;
  Json best = result.history[static_cast<size_t>(result.best_epoch)].to_json();
  if (shared.json) {
    best.set("run", command.output_dir);
    best.set("stopped_early", result.stopped_early);
    std::cout << best.dump() << "\n";
    return;
  }
  std::cout << "run\t" << command.output_dir << "\nbest_epoch\t" << result.best_epoch + 1 << "\n";
  for (const auto& [name, value] : best.at("val").as_object()) std::cout << name << "\t" << value.dump() << "\n";
}

void say_study(const train::Study& study, TrainingProgress& progress) {
  const int64_t depth = study.rarefy_depth_reads;
  progress.line(std::to_string(study.split.train.size()) + " samples to train on, " +
                std::to_string(study.split.val.size()) + " held back, " + std::to_string(study.table->num_features()) +
                " features, " + (depth > 0 ? "depth " + std::to_string(depth) + " reads" : "counts as they are"));
}

train::Callbacks callbacks_for(TrainingProgress& progress, const TrainingSetup& setup) {
  const auto go_on = [] { return interrupted() ? train::Control::kStop : train::Control::kContinue; };
  train::Callbacks callbacks;
  callbacks.on_step = [&progress, &setup, go_on](const train::StepReport& report) {
    progress.step(report, setup.training.batch_size);
    return go_on();
  };
  callbacks.on_epoch = [&progress, go_on](const train::EpochReport& report) {
    progress.epoch(report);
    return go_on();
  };
  return callbacks;
}

// What the run would take, from the shapes of its batches and a few steps of training; nothing is written.
int say_cost(const TrainingCommand& command, const TrainingSetup& setup, const train::Study& study,
             const Shared& shared) {
  const auto model = model::make_model(setup.model, command.is_predictor, setup.training.seed);
  const train::RunCost cost = train::run_cost(*model, setup.training, *study.train, *study.val, study.split);
  const double rate = train::measure_rate(model, setup.training, *study.train, *study.val, study.split);
  const Json out = train::to_json(cost, rate);
  if (shared.json) {
    std::cout << out.dump() << "\n";
    return 0;
  }
  for (const auto& [name, value] : out.as_object()) std::cout << name << "\t" << value.dump() << "\n";
  return 0;
}

void check_before_start(const TrainingCommand& command, const TrainingSetup& setup, const train::Study& study) {
  setup.model.check();
  train::check_training(setup.model, command.is_predictor, setup.training,
                        {*study.train, *study.val, study.split, study.codec});
}

int run_training(TrainingCommand& command, const CLI::App& app, const Shared& shared) {
  keep_freed_blocks();
  TrainingSetup setup = resolve_setup(command, shared);
  if (!command.is_predictor && command.files.tree.empty() && command.files.distances.empty()) {
    throw ArgumentError("pretrain: expected distances to learn: give `tree` or `distances`");
  }
  std::optional<train::Run> run;
  if (!command.dry_run) run.emplace(command.output_dir, run_mode(command, shared));
  train::StudyOptions options = study_options(command, setup);
  if (command.resume) {
    train::expect_resumable(command.output_dir, setup.training);
    keep_split(command.output_dir, options);
  }
  const train::Study study = train::prepare_study(command.files, options);
  if (setup.model.is_classifier) setup.model.out_dim = static_cast<int64_t>(study.codec->classes().size());
  if (command.is_predictor) {
    setup.model = train::fit_config(setup.model, *study.train, study.split.train, setup.training.known_min_samples);
    // Samples that share no ASV leave nothing to know: sequences are what is left to predict from.
    if (setup.model.num_known_asvs == 0 && !setup.model.transformer_branch) setup.model.sequence_branch = true;
  }
  setup.model.categorical_cardinalities = study.categories.cardinalities();
  check_before_start(command, setup, study);
  if (command.dry_run) {
    for (const std::string& note : study.notes) say(shared, spelled_for_shell(note));
    return say_cost(command, setup, study, shared);
  }
  const train::RunStart start = run_start(command, app, setup, study);
  run->start(start);
  const int64_t epochs = train::budget_epochs(setup.training, static_cast<int64_t>(study.split.train.size()));
  TrainingProgress progress(run->file("training.log"), shared.quiet, epochs, command.resume);
  for (const std::string& note : study.notes) progress.line(spelled_for_shell(note));
  say_study(study, progress);
  train::FeatureTensors features;
  auto model = build_model(command, setup, study, progress, run->is_fresh(), features);
  (void)interrupted();  // from here on a signal is answered at the next step
  train::Trainer trainer(model, setup.training, command.output_dir, study.codec);
  trainer.set_features(features);
  const train::FitResult result =
      trainer.fit(*study.train, *study.val, study.split, callbacks_for(progress, setup), command.resume);
  if (result.interrupted) {
    progress.line(result.saved_epochs == 0
                      ? "interrupted in the first epoch; --resume starts with it again"
                      : "interrupted; --resume goes on after epoch " + std::to_string(result.saved_epochs));
    return 128 + interrupt_signal();
  }
  if (command.is_predictor && !study.split.val.empty()) write_val_predictions(*run, start.config, study, *model);
  if (result.stopped_early)
    progress.line("no better epoch for " + std::to_string(setup.training.patience) + ": stopped");
  say_result(result, command, shared);
  return 0;
}

}  // namespace

std::function<int()> setup_training(CLI::App& app, Shared& shared, bool is_predictor) {
  auto command = std::make_shared<TrainingCommand>();
  command->is_predictor = is_predictor;
  // First, so that they fill in other options before those are looked at.
  add_config_option(app);
  add_resume_option(app, command->resume);
  app.add_flag("--dry-run", command->dry_run,
               "Only estimate what the run would take, from its batches and a few steps; writes nothing");
  app.add_option("--output-dir", command->output_dir, "Folder of the run")->required()->option_text("RUN");
  add_study_options(app, command->files, is_predictor);
  if (is_predictor) add_split_options(app, command->split);
  app.add_option("--pretrained", command->pretrained, "Start from the encoder of this run")->option_text("RUN");
  command->flags = std::make_unique<TrainingFlags>(app, is_predictor);
  return [command, &app, &shared] { return run_training(*command, app, shared); };
}

}  // namespace deepbio::tools
