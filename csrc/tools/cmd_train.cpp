// What `pretrain` and `train` do alike: options -> study -> model -> run directory.
#include <csignal>
#include <iostream>

#include "tools/command.h"
#include "tools/config_option.h"
#include "tools/option_flags.h"
#include "tools/printing.h"
#include "tools/progress.h"
#include "tools/sample_data.h"

#include "deepbio/base/spelling.h"
#include "deepbio/train/progress_text.h"
#include "deepbio/train/training_run.h"

namespace deepbio::tools {
namespace {

struct TrainingCommand {
  train::TrainingRequest
      request;  // options that are typed, or taken from --config, go into its setup
  bool resume = false;
};

void say_result(const train::FitResult& result, const std::string& run, const Shared& shared) {
  if (result.best_epoch < 0) return;
  Json best = result.history[static_cast<size_t>(result.best_epoch)].to_json();
  if (shared.json) {
    best.set("run", run);
    best.set("stopped_early", result.stopped_early);
    std::cout << best.dump() << "\n";
    return;
  }
  std::cout << "run\t" << run << "\nbest_epoch\t" << result.best_epoch + 1 << "\n";
  for (const auto& [name, value] : best.at("val").as_object())
    std::cout << name << "\t" << value.dump() << "\n";
}

train::Callbacks callbacks_for(TrainingProgress& progress, int64_t batch_size) {
  const auto go_on = [] {
    return interrupted() ? train::Control::kStop : train::Control::kContinue;
  };
  return {[&progress, batch_size, go_on](const train::StepReport& report) {
            progress.step(report, batch_size);
            return go_on();
          },
          [&progress, go_on](const train::EpochReport& report) {
            progress.epoch(report);
            return go_on();
          }};
}

// What the run would take; nothing is written.
int say_cost(const train::TrainingRun& run, const Shared& shared) {
  for (const std::string& note : run.study().notes) say(shared, spelled_for_shell(note));
  print_facts(run.cost(), shared);
  return 0;
}

int run_training(const TrainingCommand& command, const CLI::App& app, const Shared& shared) {
  train::TrainingRequest request = command.request;
  request.mode = command.resume     ? train::RunMode::kResume
                 : shared.overwrite ? train::RunMode::kOverwrite
                                    : train::RunMode::kNew;
  request.setup.seed = shared.seed;
  request.typed = train::with_whole_paths(given_options(app));
  if (shared.group != nullptr) request.group = *shared.group;
  if (request.is_dry && !request.group.is_first()) return 0;
  train::TrainingRun run(request);
  if (request.is_dry) return say_cost(run, shared);

  run.start();
  const bool tells = request.group.is_first();  // the other processes train along
  TrainingProgress progress(tells ? run.file("training.log") : "", shared.quiet || !tells,
                            run.epochs(), command.resume);
  for (const std::string& note : run.notes()) progress.line(spelled_for_shell(note));
  for (const std::string& line : run.prepare_model()) progress.line(line);
  (void)interrupted();  // from here on a signal is answered at the next step
  const train::TrainingOptions& options = run.setup().training;
  const train::FitResult result = run.train(callbacks_for(progress, options.batch_size));
  if (result.interrupted) {
    progress.line("interrupted; --resume goes on " + train::place_of(result));
    return 128 + (interrupt_signal() != 0 ? interrupt_signal() : SIGTERM);
  }
  if (result.stopped_early)
    progress.line("no better epoch for " + std::to_string(options.patience) + ": stopped");
  if (tells) say_result(result, request.output_dir, shared);
  return 0;
}

// The options of both presets, for the defaults that the help shows.
void add_setup_options(CLI::App& app, train::SetupRequest& request) {
  add_choice(app, "--preset", request.preset,
             "default: small, fast, sees abundances; aam: AAM's architecture and losses",
             {"default", "aam"});
  train::TrainingSetup ours = train::preset_setup("default", request.is_predictor);
  train::TrainingSetup theirs = train::preset_setup("aam", request.is_predictor);
  const std::vector<train::OptionGroup> groups = ours.groups(), compared = theirs.groups();
  for (size_t i = 0; i < groups.size(); ++i) {
    add_options(app, {groups[i].title, groups[i].rows, compared[i].rows, request.is_predictor},
                [&request](const OptionRow& row, const Json& value) {
                  request.given.set(row.name, value);
                });
  }
}

std::function<int()> setup_training(CLI::App& app, Shared& shared, bool is_predictor) {
  auto command = std::make_shared<TrainingCommand>();
  train::TrainingRequest& request = command->request;
  request.setup.is_predictor = is_predictor;
  // First, so that they fill in other options before those are looked at.
  add_config_option(app);
  add_resume_option(app, command->resume);
  app.add_flag(
      "--dry-run", request.is_dry,
      "Only estimate what the run would take, from its batches and a few steps; writes nothing");
  add_path(app, "--output-dir", request.output_dir, "Folder of the run", "RUN");
  add_study_options(app, request.files, is_predictor);
  if (is_predictor) {
    add_maybe_path(app, "--train-samples", request.train_samples,
                   "Train on these samples, an id per line in FILE");
    add_maybe_path(app, "--val-samples", request.val_samples,
                   "Hold these samples back, an id per line in FILE");
  }
  add_maybe_path(app, "--pretrained,--pretrained-encoder", request.pretrained,
                 "Start from the encoder of this run", "RUN");
  add_setup_options(app, request.setup);
  return [command, &app, &shared] { return run_training(*command, app, shared); };
}

}  // namespace

std::function<int()> setup_pretrain(CLI::App& app, Shared& shared) {
  app.footer(
      "Learns UniFrac distances between samples and masked nucleotides; RUN then serves `train "
      "--pretrained RUN`.\n"
      "Example: deepbio pretrain --table table.biom --tree tree.nwk --output-dir pretrained");
  return setup_training(app, shared, /*is_predictor=*/false);
}

std::function<int()> setup_train(CLI::App& app, Shared& shared) {
  app.footer(
      "Example: deepbio train --table table.biom --metadata metadata.tsv --metadata-column age "
      "--output-dir run");
  return setup_training(app, shared, /*is_predictor=*/true);
}

}  // namespace deepbio::tools
