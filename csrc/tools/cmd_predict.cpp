#include "tools/command.h"
#include "tools/option_flags.h"
#include "tools/printing.h"
#include "tools/sample_data.h"

#include "deepbio/train/passes.h"

namespace deepbio::tools {
namespace {

struct PredictCommand {
  PredictionFiles files;
  std::string output = "-";
  train::PredictOptions options;
};

int run_predict(PredictCommand& command, const Shared& shared) {
  if (shared.group != nullptr) command.options.group = *shared.group;
  io::refuse_existing(command.output, shared.overwrite_mode());
  const train::RunConfig config = train::read_run_config(command.files.model);
  train::check_passes(config, command.files.passes);
  const auto model = train::load_model(command.files.model);
  const train::PredictionData data = read_prediction_data(
      command.files, config, shared.quiet || !command.options.group.is_first());
  const train::Predictions predictions =
      train::predict_passes(*model, config, data, command.files.passes, command.options);
  if (!command.options.group.is_first()) return 0;
  if (!shared.json || command.output != "-")
    train::write_predictions(command.output, predictions, config, shared.overwrite_mode());
  print_json(train::summary(predictions, data, config, command.output), shared);
  return 0;
}

}  // namespace

std::function<int()> setup_predict(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<PredictCommand>();
  command->files.add_options(app);
  add_maybe_path(app, "--metadata", command->files.metadata,
                 "Sample metadata (TSV), for a run with covariates");
  app.add_option("-o,--output", command->output, "Predictions (TSV), - for stdout")
      ->capture_default_str();
  add_options(app, command->options.rows());
  app.add_option("--passes", command->files.passes,
                 "Draws of reads to average; more than one adds prediction_std")
      ->check(above_zero())
      ->capture_default_str();
  return [command, &shared] { return run_predict(*command, shared); };
}

}  // namespace deepbio::tools
