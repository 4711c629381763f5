#include "deepbio/train/passes.h"

#include <ATen/ATen.h>

#include <utility>
#include <vector>

#include "deepbio/base/error.h"

namespace deepbio::train {
namespace {

Json quantiles_of(const Predictions& predictions, int64_t row) {
  Json out = Json::object();
  for (size_t level = 0; level < predictions.levels.size(); ++level) {
    out.set(Json(predictions.levels[level]).dump(),
            predictions.quantiles[row][static_cast<int64_t>(level)].item<double>());
  }
  return out;
}

}  // namespace

void check_passes(const RunConfig& config, int64_t passes) {
  if (passes <= 1 || config.data.rarefy_depth_reads != 0) return;
  throw ArgumentError(
      "`passes`: this run uses counts as they are, so every pass would give the same answer");
}

Predictions predict_passes(model::AamModel& model, const RunConfig& config,
                           const PredictionData& data, int64_t passes,
                           const PredictOptions& options) {
  std::vector<at::Tensor> values, quantiles, means;
  Predictions predictions;
  for (int64_t pass = 0; pass < passes; ++pass) {
    PredictOptions of_pass = options;
    // The dataset draws reads by the epoch: each pass sees another rarefaction of the same samples.
    of_pass.epoch = static_cast<uint64_t>(pass);
    predictions = predict(model, config, *data.dataset, data.samples, of_pass);
    values.push_back(predictions.values);
    if (predictions.quantiles.defined()) quantiles.push_back(predictions.quantiles);
    if (predictions.means.defined()) means.push_back(predictions.means);
  }
  if (values.size() == 1) return predictions;
  // [passes, N, O or C].
  const at::Tensor all = at::stack(values);
  predictions.values = all.mean(0);
  if (!means.empty()) predictions.means = at::stack(means).mean(0);
  if (!quantiles.empty()) predictions.quantiles = at::stack(quantiles).mean(0);
  // By n, not n - 1: the passes are all there are, and one has a deviation of 0.
  at::Tensor deviation = all.std(0, /*unbiased=*/false);
  // The class of the mean probability, not the most frequent one: a close vote stays a close
  // answer.
  const at::Tensor best = predictions.class_ids.empty()
                              ? at::Tensor()
                              : model::class_scores(model, predictions.values.log()).argmax(1);
  if (!predictions.class_ids.empty()) {
    const at::Tensor chosen = best.contiguous();
    predictions.class_ids.assign(chosen.data_ptr<int64_t>(),
                                 chosen.data_ptr<int64_t>() + chosen.numel());
    predictions.deviation = deviation.gather(1, best.unsqueeze(1)).squeeze(1);
  } else {
    predictions.deviation = deviation.select(1, 0);
  }
  return predictions;
}

Json to_json(const Predictions& predictions, const RunConfig& config) {
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
    if (!predictions.levels.empty())
      each.set("quantiles", quantiles_of(predictions, static_cast<int64_t>(i)));
    if (predictions.deviation.defined())
      each.set("prediction_std", predictions.deviation[i].item<double>());
    rows.push_back(std::move(each));
  }
  return rows;
}

Json summary(const Predictions& predictions, const PredictionData& data, const RunConfig& config,
             const std::string& output) {
  Json out = Json::object();
  out.set("num_samples", static_cast<int64_t>(predictions.sample_ids.size()));
  out.set("left_out", Json::array_of(data.left_out));
  if (config.target) out.set("target", config.target->column());
  if (output == "-") {
    out.set("predictions", to_json(predictions, config));
  } else {
    out.set("output", output);
  }
  return out;
}

}  // namespace deepbio::train
