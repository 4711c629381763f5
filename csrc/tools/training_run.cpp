#include "tools/training_run.h"

#include <ATen/Version.h>

#include <filesystem>
#include <iostream>

#include "tools/allocator.h"
#include "tools/community_input.h"
#include "tools/config_option.h"
#include "tools/progress.h"
#include "tools/sample_data.h"
#include "tools/training_options.h"

#include "deepbio/base/error.h"
#include "deepbio/train/calibrate.h"
#include "deepbio/train/checkpoint.h"
#include "deepbio/train/cost.h"
#include "deepbio/train/predictor.h"
#include "deepbio/train/resume.h"
#include "deepbio/train/trainer.h"

namespace deepbio::tools {
namespace {

namespace fs = std::filesystem;

struct TrainingCommand {
  StudyFiles files;
  std::string output_dir, pretrained;
  bool resume = false, dry_run = false, is_predictor = false;
  std::unique_ptr<TrainingFlags> flags;
  std::string in_run(const std::string& name) const { return (fs::path(output_dir) / name).string(); }
};

// Files this command writes; --overwrite removes these and nothing else.
constexpr const char* kRunFiles[] = {
    "config.json",         "model.safetensors", "metrics.jsonl", "train_samples.txt", "val_samples.txt",
    "val_predictions.tsv", "training.log",      "last",          "last.new",          "last.old"};

// Refuses what must not be written to, before anything is read or written.
void check_output(const TrainingCommand& command, const TrainingSetup& setup, const Shared& shared) {
  const fs::path run = command.output_dir;
  if (command.resume) {
    (void)train::read_run_config(command.output_dir);
    train::expect_resumable(command.output_dir, setup.training);
    return;
  }
  if (!fs::exists(run) || (fs::is_directory(run) && fs::is_empty(run))) return;
  if (!shared.overwrite) {
    throw WriteError(run.string() + ": exists and is not empty; --overwrite starts the run anew, --resume goes on");
  }
  if (!fs::exists(run / "config.json")) {
    throw WriteError(run.string() + ": not overwritten, because it is not a run directory (no config.json in it)");
  }
}

void open_run(const TrainingCommand& command) {
  if (command.resume) return;
  for (const char* name : kRunFiles) fs::remove_all(fs::path(command.output_dir) / name);
  std::error_code error;
  fs::create_directories(command.output_dir, error);
  if (error) throw WriteError(command.output_dir + ": cannot be created: " + error.message());
}

std::string sample_lines(const Study& study, const std::vector<int64_t>& samples) {
  std::string text;
  for (const int64_t sample : samples) text += study.table->sample_ids[sample] + "\n";
  return text;
}

train::RunConfig run_config(const TrainingCommand& command, const CLI::App& app, const TrainingSetup& setup,
                            const Study& study) {
  train::RunConfig config;
  config.kind = command.is_predictor ? "train" : "pretrain";
  config.preset = setup.preset;
  config.model = setup.model;
  config.data = {setup.model.max_bp, setup.model.token_limit, study.rarefy_depth_reads, setup.asv_sampling,
                 setup.unifrac_metric};
  config.target = study.codec;
  config.categories = study.categories;
  config.training = Json(Json::Object{
      {"options", given_options(app)}, {"setup", setup.to_json()}, {"resolved", setup.training.to_json()}});
  config.trained_on = study.trained_on;
  config.versions = Json(Json::Object{{"deepbio", DEEPBIO_VERSION}, {"torch", TORCH_VERSION}});
  return config;
}

// A resumed run must be the same run: same model, data and split.
void expect_same_run(const TrainingCommand& command, const train::RunConfig& now) {
  const train::RunConfig before = train::read_run_config(command.output_dir);
  const auto differs = [&](const std::string& what) {
    throw ConfigError(command.output_dir + ": cannot resume: the " + what + " is another one than before");
  };
  if (before.kind != now.kind) differs("command");
  if (!(before.model.to_json() == now.model.to_json())) differs("model");
  if (!(before.data.to_json() == now.data.to_json())) differs("way of reading the table (depth, limits, order)");
  if (!(before.trained_on == now.trained_on)) differs("data");
  if (before.target.has_value() != now.target.has_value() ||
      (now.target && !(before.target->to_json() == now.target->to_json()))) {
    differs("target");
  }
  if (!(before.categories.to_json() == now.categories.to_json())) differs("set of covariates");
}

void write_val_predictions(const TrainingCommand& command, const train::RunConfig& config, const Study& study,
                           model::AamModel& model) {
  const train::Predictions predictions = train::predict(model, config, *study.val, study.split.val);
  std::string text = "sample_id\tprediction\tactual\n";
  for (size_t row = 0; row < predictions.sample_ids.size(); ++row) {
    const int64_t sample = study.split.val[row];
    text += predictions.sample_ids[row] + "\t";
    if (config.target->is_classifier()) {
      text += config.target->classes()[predictions.class_ids[row]] + "\t" + study.labels[sample] + "\n";
    } else {
      char numbers[64];
      std::snprintf(numbers, sizeof numbers, "%.9g\t%.9g\n", predictions.values[row][0].item<double>(),
                    study.values[sample]);
      text += numbers;
    }
  }
  io::write_file(command.in_run("val_predictions.tsv"), text);
}

std::shared_ptr<model::AamModel> build_model(const TrainingCommand& command, const TrainingSetup& setup,
                                             const Study& study, TrainingProgress& progress) {
  auto model = model::make_model(setup.model, command.is_predictor, setup.training.seed);
  torch::Tensor embeddings;  // of all ASVs, when they have just been computed
  if (!command.pretrained.empty() && !command.resume) {
    const train::LoadReport report = train::load_pretrained(*model, command.pretrained);
    progress.line("took " + std::to_string(report.loaded.size()) + " tensors from " + command.pretrained);
  } else if (setup.preset == "default" && !command.resume) {
    embeddings = train::calibrate_asv_embeddings(*model, *study.train);
  }
  if (!command.resume) train::calibrate_abundance_pooling(*model, *study.train, study.split.train, embeddings);
  int64_t parameters = 0;
  for (const auto& parameter : model->parameters()) parameters += parameter.numel();
  progress.line("model with " + std::to_string(parameters) + " parameters, preset " + setup.preset);
  return model;
}

// The encoder's architecture comes from the pretrained run, unless options say otherwise.
TrainingSetup resolve_setup(TrainingCommand& command, const Shared& shared) {
  if (command.pretrained.empty()) {
    TrainingSetup setup = command.flags->resolve(shared);
    if (command.is_predictor && setup.model.freeze_base) {
      throw ConfigError("--freeze-base trains the heads only, so it needs --pretrained RUN");
    }
    return setup;
  }
  const train::RunConfig base = train::read_run_config(command.pretrained);
  return command.flags->resolve(shared, &base.model);
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

void start_or_check(const TrainingCommand& command, const train::RunConfig& config, const Study& study) {
  if (command.resume) return expect_same_run(command, config);
  train::write_run_config(command.output_dir, config);
  io::write_file(command.in_run("train_samples.txt"), sample_lines(study, study.split.train));
  io::write_file(command.in_run("val_samples.txt"), sample_lines(study, study.split.val));
}

void say_study(const Study& study, TrainingProgress& progress) {
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
int say_cost(const TrainingCommand& command, const TrainingSetup& setup, const Study& study, const Shared& shared) {
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

int run_training(TrainingCommand& command, const CLI::App& app, const Shared& shared) {
  keep_freed_blocks();
  TrainingSetup setup = resolve_setup(command, shared);
  if (!command.is_predictor && command.files.tree.empty() && command.files.distances.empty()) {
    throw ArgumentError("pretrain: expected distances to learn: give --tree FILE or --distances FILE");
  }
  if (!command.dry_run) check_output(command, setup, shared);
  std::vector<std::string> notes;  // the run directory is made only when the data are good
  const Study study = prepare_study(command.files, setup, command.is_predictor,
                                    [&](const std::string& text) { notes.push_back(text); });
  if (setup.model.is_classifier) setup.model.out_dim = static_cast<int64_t>(study.codec->classes().size());
  setup.model.categorical_cardinalities = study.categories.cardinalities();
  if (command.dry_run) {
    for (const std::string& note : notes) say(shared, note);
    return say_cost(command, setup, study, shared);
  }
  open_run(command);
  TrainingProgress progress(command.in_run("training.log"), shared.quiet, setup.training.epochs, command.resume);
  for (const std::string& note : notes) progress.line(note);
  const train::RunConfig config = run_config(command, app, setup, study);
  start_or_check(command, config, study);
  say_study(study, progress);
  auto model = build_model(command, setup, study, progress);
  (void)interrupted();  // from here on a signal is answered at the next step
  train::Trainer trainer(model, setup.training, command.output_dir, study.codec);
  const train::FitResult result =
      trainer.fit(*study.train, *study.val, study.split, callbacks_for(progress, setup), command.resume);
  if (result.interrupted) {
    progress.line("interrupted; --resume goes on after epoch " + std::to_string(result.history.size()));
    return 128 + interrupt_signal();
  }
  if (command.is_predictor) write_val_predictions(command, config, study, *model);
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
  command->files.add_options(app, is_predictor);
  app.add_option("--pretrained", command->pretrained, "Start from the encoder of this run")->option_text("RUN");
  command->flags = std::make_unique<TrainingFlags>(app, is_predictor);
  return [command, &app, &shared] { return run_training(*command, app, shared); };
}

}  // namespace deepbio::tools
