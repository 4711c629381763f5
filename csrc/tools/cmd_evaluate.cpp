#include <iostream>
#include <memory>

#include "tools/command.h"
#include "tools/option_flags.h"
#include "tools/printing.h"
#include "tools/sample_data.h"

#include "deepbio/train/evaluation.h"

namespace deepbio::tools {
namespace {

struct EvaluateCommand {
  PredictionFiles files;
  train::EvaluationRequest request;
  train::PredictOptions options;
};

void print(const train::Evaluation& scored, const Shared& shared) {
  if (shared.json) {
    Json out = scored.model;
    out.set("target", scored.column);
    out.set("baseline", scored.baseline);
    std::cout << out.dump() << "\n";
    return;
  }
  std::cout << "metric\tmodel\tbaseline\n";
  for (const auto& [name, value] : scored.model.as_object()) {
    if (!value.is_number()) continue;
    const Json* base = scored.baseline.is_null() ? nullptr : scored.baseline.find(name);
    std::cout << name << "\t" << value.dump() << "\t" << (base == nullptr ? "" : base->dump())
              << "\n";
  }
  if (!scored.baseline.is_null())
    std::cout << "# baseline: " << scored.baseline.at("answer").as_string() << "\n";
}

int run_evaluate(EvaluateCommand& command, const Shared& shared) {
  const std::string& run = command.files.model;
  command.files.metadata = command.request.metadata;  // of the run's covariates
  const train::RunConfig config = train::read_run_config(run);
  const auto model = train::load_model(run);
  const train::PredictionData data = read_prediction_data(command.files, config, shared.quiet);
  const train::Evaluation found =
      train::evaluate(*model, run, config, data, command.request, command.options);
  if (found.num_trained_on > 0) {
    say(shared, std::to_string(found.num_trained_on) + " of " + std::to_string(found.num_samples) +
                    " samples were trained on, which flatters the model; --samples " + run +
                    "/val_samples.txt scores those held back");
  }
  print(found, shared);
  return 0;
}

}  // namespace

std::function<int()> setup_evaluate(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<EvaluateCommand>();
  command->files.add_options(app);
  add_path(app, "--metadata", command->request.metadata, "Sample metadata (TSV)");
  app.add_option("--metadata-column", command->request.column,
                 "Column with the truth (default: the one the run was trained on)")
      ->option_text("NAME");
  add_maybe_path(app, "--samples", command->request.samples,
                 "Only these samples, an id per line, such as RUN/val_samples.txt");
  command->request.study.missing_samples = "drop";
  add_options(app, only(command->request.study.rows(), {"missing_values", "missing_samples"}));
  add_options(app, command->options.rows());
  app.footer(
      "Without --samples the samples the run was trained on count too; RUN/val_samples.txt lists "
      "those held back.");
  return [command, &shared] { return run_evaluate(*command, shared); };
}

}  // namespace deepbio::tools
