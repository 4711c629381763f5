#include "deepbio/train/evaluation.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "deepbio/base/error.h"
#include "deepbio/io/tables/ids.h"
#include "deepbio/io/tables/metadata.h"
#include "deepbio/train/metrics.h"

namespace deepbio::train {
namespace {

// Labelled samples that are also in the list, when there is one.
data::LabelledSamples chosen_samples(const PredictionData& data, const EvaluationRequest& request,
                                     const std::string& column, bool is_classifier) {
  const bool drops = request.study.missing_samples == "drop";
  const data::LabelledSamples all = data::labelled_samples(
      data.table->sample_ids, io::read_metadata(request.metadata, {request.study.missing_values}),
      column, is_classifier, drops ? data::MissingSamples::kDrop : data::MissingSamples::kError);
  if (request.samples.empty()) return all;
  const std::vector<std::string> listed = io::read_id_list(request.samples);
  std::set<std::string> wanted(listed.begin(), listed.end());
  data::LabelledSamples chosen;
  for (size_t i = 0; i < all.samples.size(); ++i) {
    // What is left in `wanted` at the end is listed and not there.
    if (wanted.erase(data.table->sample_ids[all.samples[i]]) == 0) continue;
    chosen.samples.push_back(all.samples[i]);
    is_classifier ? chosen.labels.push_back(all.labels[i]) : chosen.values.push_back(all.values[i]);
  }
  if (!wanted.empty()) {
    throw ArgumentError(request.samples + ": " + std::to_string(wanted.size()) +
                        " of its samples have no reads or no value of " + quoted(column) +
                        ", first " + quoted(*wanted.begin()));
  }
  return chosen;
}

// Told, not refused: a table may hold the training samples on purpose.
int64_t count_trained_on(const std::string& run, const PredictionData& data,
                         const std::vector<int64_t>& samples) {
  const std::string list = (std::filesystem::path(run) / "train_samples.txt").string();
  // A run of an older version does not say.
  if (!std::filesystem::exists(list)) return 0;
  const std::vector<std::string> ids = io::read_id_list(list);
  const std::set<std::string> trained_on(ids.begin(), ids.end());
  return std::count_if(samples.begin(), samples.end(), [&](int64_t sample) {
    return trained_on.count(data.table->sample_ids[sample]) > 0;
  });
}

Evaluation score_regression(const Predictions& predictions, const std::vector<double>& actual,
                            const Json* known) {
  const at::Tensor values = predictions.values.select(1, 0).contiguous();
  const double* first = values.data_ptr<double>();
  Evaluation scored;
  scored.model = metrics_json(NumberAnswers{{first, first + values.numel()}, actual});
  const Json* mean = known == nullptr ? nullptr : known->find("mean");
  if (mean != nullptr) {
    const std::vector<double> constant(actual.size(), mean->as_double());
    scored.baseline = metrics_json(NumberAnswers{constant, actual});
    scored.baseline.set("answer", "mean of the training samples, " + mean->dump());
  }
  return scored;
}

Evaluation score_classes(const Predictions& predictions, const std::vector<std::string>& labels,
                         const data::TargetCodec& codec, const Json* known) {
  ClassAnswers answers;
  for (const std::string& label : labels) answers.actual.push_back(codec.class_id(label));
  answers.predicted = predictions.class_ids;
  answers.num_classes = static_cast<int64_t>(codec.classes().size());
  const at::Tensor values = predictions.values.contiguous();
  answers.probabilities.assign(values.data_ptr<double>(),
                               values.data_ptr<double>() + values.numel());
  Evaluation scored;
  scored.model = metrics_json(answers);
  // Rows and columns of the confusion are in this order.
  scored.model.set("classes", Json::array_of(codec.classes()));
  const Json* counts = known == nullptr ? nullptr : known->find("class_counts");
  if (counts != nullptr) {
    const auto& entries = counts->as_object();
    // Of equal counts the first: classes are in sorted order, so that the answer is always the same
    // one.
    const auto most = std::max_element(entries.begin(), entries.end(),
                                       [](const Json::Member& a, const Json::Member& b) {
                                         return a.second.as_int() < b.second.as_int();
                                       });
    answers.predicted.assign(answers.actual.size(), codec.class_id(most->first));
    // The baseline knows no probabilities: even ones give it an AUC of 0.5.
    answers.probabilities.assign(answers.probabilities.size(),
                                 1.0 / static_cast<double>(answers.num_classes));
    scored.baseline = metrics_json(answers);
    scored.baseline.set("answer",
                        "most frequent class of the training samples, " + quoted(most->first));
  }
  return scored;
}

}  // namespace

Evaluation evaluate(model::AamModel& model, const std::string& run, const RunConfig& config,
                    const PredictionData& data, const EvaluationRequest& request,
                    const PredictOptions& options) {
  if (!config.target) {
    throw ArgumentError(
        run + ": is a pretrained encoder without a target; evaluate needs a run of train");
  }
  const bool is_classifier = config.target->is_classifier();
  const std::string column = request.column.empty() ? config.target->column() : request.column;
  // Before the model runs: a sample that is missing is told at once.
  const data::LabelledSamples chosen = chosen_samples(data, request, column, is_classifier);
  const Predictions predictions = predict(model, config, *data.dataset, chosen.samples, options);
  const Json* known = config.trained_on.is_object() ? config.trained_on.find("baseline") : nullptr;

  Evaluation out = is_classifier ? score_classes(predictions, chosen.labels, *config.target, known)
                                 : score_regression(predictions, chosen.values, known);
  out.column = column;
  out.num_samples = static_cast<int64_t>(chosen.samples.size());
  out.num_trained_on = count_trained_on(run, data, chosen.samples);
  return out;
}

}  // namespace deepbio::train
