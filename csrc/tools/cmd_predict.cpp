#include <ATen/ATen.h>

#include <iostream>

#include "tools/allocator.h"
#include "tools/command.h"
#include "tools/sample_data.h"

#include "deepbio/base/error.h"
#include "deepbio/train/predictor.h"

namespace deepbio::tools {
namespace {

struct PredictCommand {
  PredictionFiles files;
  std::string output = "-";
  train::PredictOptions options;
};

// Mean over passes, each with its own draw of reads; the spread is that of the prediction (of the answer's
// probability).
train::Predictions predict_passes(model::AamModel& model, const train::RunConfig& config,
                                  const train::PredictionData& data, const PredictCommand& command) {
  std::vector<at::Tensor> values, quantiles, means;
  train::Predictions predictions;
  for (int64_t pass = 0; pass < command.files.passes; ++pass) {
    train::PredictOptions options = command.options;
    options.epoch = static_cast<uint64_t>(pass);
    predictions = train::predict(model, config, *data.dataset, data.samples, options);
    values.push_back(predictions.values);
    if (predictions.quantiles.defined()) quantiles.push_back(predictions.quantiles);
    if (predictions.means.defined()) means.push_back(predictions.means);
  }
  if (values.size() == 1) return predictions;
  const at::Tensor all = at::stack(values);
  predictions.values = all.mean(0);
  if (!means.empty()) predictions.means = at::stack(means).mean(0);
  if (!quantiles.empty()) predictions.quantiles = at::stack(quantiles).mean(0);
  at::Tensor deviation = all.std(0, /*unbiased=*/false);
  const at::Tensor best =
      predictions.class_ids.empty() ? at::Tensor() : model::class_scores(model, predictions.values.log()).argmax(1);
  if (!predictions.class_ids.empty()) {
    const at::Tensor chosen = best.contiguous();
    predictions.class_ids.assign(chosen.data_ptr<int64_t>(), chosen.data_ptr<int64_t>() + chosen.numel());
    predictions.deviation = deviation.gather(1, best.unsqueeze(1)).squeeze(1);
  } else {
    predictions.deviation = deviation.select(1, 0);
  }
  return predictions;
}

Json quantiles_of(const train::Predictions& predictions, int64_t row) {
  Json out = Json::object();
  for (size_t level = 0; level < predictions.levels.size(); ++level) {
    out.set(Json(predictions.levels[level]).dump(),
            predictions.quantiles[row][static_cast<int64_t>(level)].item<double>());
  }
  return out;
}

// What --json says; the predictions themselves only where they do not go to a file.
Json summary(const PredictCommand& command, const train::Predictions& predictions, const train::PredictionData& data,
             const train::RunConfig& config) {
  Json out = Json::object();
  out.set("num_samples", static_cast<int64_t>(predictions.sample_ids.size()));
  out.set("left_out", Json::array_of(data.left_out));
  if (config.target) out.set("target", config.target->column());
  if (command.output != "-") {
    out.set("output", command.output);
    return out;
  }
  const bool is_classifier = config.target && config.target->is_classifier();
  const at::Tensor values = predictions.values.contiguous();
  Json rows = Json::array();
  for (size_t i = 0; i < predictions.sample_ids.size(); ++i) {
    const double* row = values.data_ptr<double>() + static_cast<int64_t>(i) * values.size(1);
    Json each = Json::object();
    each.set("sample_id", predictions.sample_ids[i]);
    const std::vector<double> numbers(row, row + values.size(1));
    if (is_classifier) each.set("prediction", config.target->classes()[predictions.class_ids[i]]);
    each.set(is_classifier ? "probabilities" : "prediction",
             !is_classifier && numbers.size() == 1 ? Json(numbers[0]) : Json::array_of(numbers));
    if (!predictions.levels.empty()) each.set("quantiles", quantiles_of(predictions, static_cast<int64_t>(i)));
    if (predictions.deviation.defined()) each.set("prediction_std", predictions.deviation[i].item<double>());
    rows.push_back(std::move(each));
  }
  out.set("predictions", std::move(rows));
  return out;
}

int run_predict(const PredictCommand& command, const Shared& shared) {
  keep_freed_blocks();
  io::refuse_existing(command.output, command.output == "-" ? io::Overwrite::kAllow : shared.overwrite_mode());
  const train::RunConfig config = train::read_run_config(command.files.model);
  if (command.files.passes > 1 && config.data.rarefy_depth_reads == 0) {
    throw ArgumentError("--passes: this run uses counts as they are, so every pass would give the same answer");
  }
  const auto model = train::load_model(command.files.model);
  const train::PredictionData data = read_prediction_data(command.files, config, shared.quiet);
  const train::Predictions predictions = predict_passes(*model, config, data, command);
  if (!shared.json || command.output != "-") {
    train::write_predictions(command.output, predictions, config, shared.overwrite_mode());
  }
  if (shared.json) std::cout << summary(command, predictions, data, config).dump() << "\n";
  return 0;
}

}  // namespace

std::function<int()> setup_predict(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<PredictCommand>();
  command->files.add_options(app);
  app.add_option("--metadata", command->files.metadata, "Sample metadata (TSV), for a run with covariates")
      ->option_text("FILE");
  app.add_option("-o,--output", command->output, "Predictions (TSV), - for stdout")->capture_default_str();
  app.add_option("--batch-size", command->options.batch_size, "Samples at a time")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--passes", command->files.passes, "Draws of reads to average; more than one adds prediction_std")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  return [command, &shared] { return run_predict(*command, shared); };
}

}  // namespace deepbio::tools
