#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <set>
#include <sstream>
#include <unordered_map>

#include "tools/allocator.h"
#include "tools/command.h"
#include "tools/sample_data.h"

#include "deepbio/base/error.h"
#include "deepbio/io/metadata.h"
#include "deepbio/train/metrics.h"
#include "deepbio/train/predictor.h"

namespace deepbio::tools {
namespace {

struct EvaluateCommand {
  PredictionFiles files;
  std::string column, samples;
  std::string missing_samples = "drop";
  std::vector<std::string> missing_values;
  train::PredictOptions options;
};

// Labelled samples of the prediction data that are also in --samples, when that was given.
data::LabelledSamples chosen_samples(const EvaluateCommand& command, const train::PredictionData& data,
                                     const std::string& column, bool is_classifier) {
  const data::LabelledSamples all = data::labelled_samples(
      data.table->sample_ids, io::read_metadata(command.files.metadata, {command.missing_values}), column,
      is_classifier, command.missing_samples == "drop" ? data::MissingSamples::kDrop : data::MissingSamples::kError);
  if (command.samples.empty()) return all;
  std::set<std::string> wanted;
  std::istringstream lines(io::read_all(command.samples));
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) wanted.insert(line);
  }
  data::LabelledSamples chosen;
  for (size_t i = 0; i < all.samples.size(); ++i) {
    if (wanted.erase(data.table->sample_ids[all.samples[i]]) == 0) continue;
    chosen.samples.push_back(all.samples[i]);
    if (is_classifier) {
      chosen.labels.push_back(all.labels[i]);
    } else {
      chosen.values.push_back(all.values[i]);
    }
  }
  if (!wanted.empty()) {
    throw ArgumentError(command.samples + ": " + std::to_string(wanted.size()) +
                        " of its samples have no reads or no value of " + quoted(column) + ", first " +
                        quoted(*wanted.begin()));
  }
  return chosen;
}

// Scores on samples that the run has learned from flatter it.
void say_trained_on(const EvaluateCommand& command, const train::PredictionData& data,
                    const data::LabelledSamples& chosen) {
  const std::string list = command.files.model + "/train_samples.txt";
  if (!std::filesystem::exists(list)) return;
  std::set<std::string> trained_on;
  std::istringstream lines(io::read_all(list));
  for (std::string line; std::getline(lines, line);) trained_on.insert(line);
  const auto count = std::count_if(chosen.samples.begin(), chosen.samples.end(), [&](int64_t sample) {
    return trained_on.count(data.table->sample_ids[sample]) > 0;
  });
  if (count == 0) return;
  std::cerr << count << " of " << chosen.samples.size()
            << " samples were trained on, which flatters the model; --samples " << command.files.model
            << "/val_samples.txt scores those held back\n";
}

struct Scored {
  Json model, baseline;  // metrics; baseline null when the run does not say what it knew
};

Scored score_regression(const train::Predictions& predictions, const std::vector<double>& actual, const Json* known) {
  const at::Tensor values = predictions.values.select(1, 0).contiguous();
  const double* first = values.data_ptr<double>();
  Scored scored;
  scored.model = train::metrics_json(train::NumberAnswers{{first, first + values.numel()}, actual});
  const Json* mean = known == nullptr ? nullptr : known->find("mean");
  if (mean != nullptr) {
    const std::vector<double> constant(actual.size(), mean->as_double());
    scored.baseline = train::metrics_json(train::NumberAnswers{constant, actual});
    scored.baseline.set("answer", "mean of the training samples, " + mean->dump());
  }
  return scored;
}

Scored score_classes(const train::Predictions& predictions, const std::vector<std::string>& labels,
                     const data::TargetCodec& codec, const Json* known) {
  train::ClassAnswers answers;
  for (const std::string& label : labels) answers.actual.push_back(codec.class_id(label));
  answers.predicted = predictions.class_ids;
  answers.num_classes = static_cast<int64_t>(codec.classes().size());
  const at::Tensor values = predictions.values.contiguous();
  answers.probabilities.assign(values.data_ptr<double>(), values.data_ptr<double>() + values.numel());
  Scored scored;
  scored.model = train::metrics_json(answers);
  scored.model.set("classes", Json::array_of(codec.classes()));
  const Json* counts = known == nullptr ? nullptr : known->find("class_counts");
  if (counts != nullptr) {
    const auto& entries = counts->as_object();
    const auto most = std::max_element(
        entries.begin(), entries.end(),
        [](const Json::Member& a, const Json::Member& b) { return a.second.as_int() < b.second.as_int(); });
    answers.predicted.assign(answers.actual.size(), codec.class_id(most->first));
    answers.probabilities.assign(answers.probabilities.size(), 1.0 / static_cast<double>(answers.num_classes));
    scored.baseline = train::metrics_json(answers);
    scored.baseline.set("answer", "most frequent class of the training samples, " + quoted(most->first));
  }
  return scored;
}

void print(const Scored& scored, const Shared& shared, const std::string& column) {
  if (shared.json) {
    Json out = scored.model;
    out.set("target", column);
    out.set("baseline", scored.baseline);
    std::cout << out.dump() << "\n";
    return;
  }
  std::cout << "metric\tmodel\tbaseline\n";
  for (const auto& [name, value] : scored.model.as_object()) {
    if (!value.is_number()) continue;
    const Json* base = scored.baseline.is_null() ? nullptr : scored.baseline.find(name);
    std::cout << name << "\t" << value.dump() << "\t" << (base == nullptr ? "" : base->dump()) << "\n";
  }
  if (!scored.baseline.is_null()) std::cout << "# baseline: " << scored.baseline.at("answer").as_string() << "\n";
}

int run_evaluate(const EvaluateCommand& command, const Shared& shared) {
  keep_freed_blocks();
  const train::RunConfig config = train::read_run_config(command.files.model);
  if (!config.target) {
    throw ArgumentError(command.files.model +
                        ": is a pretrained encoder without a target; evaluate needs a run of train");
  }
  const auto model = train::load_model(command.files.model);
  const std::string column = command.column.empty() ? config.target->column() : command.column;
  const train::PredictionData data = read_prediction_data(command.files, config, shared.quiet);
  const data::LabelledSamples chosen = chosen_samples(command, data, column, config.target->is_classifier());
  if (!shared.quiet) say_trained_on(command, data, chosen);
  const train::Predictions predictions = train::predict(*model, config, *data.dataset, chosen.samples, command.options);
  const Json* known = config.trained_on.is_object() ? config.trained_on.find("baseline") : nullptr;
  print(config.target->is_classifier() ? score_classes(predictions, chosen.labels, *config.target, known)
                                       : score_regression(predictions, chosen.values, known),
        shared, column);
  return 0;
}

}  // namespace

std::function<int()> setup_evaluate(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<EvaluateCommand>();
  command->files.add_options(app);
  app.add_option("--metadata", command->files.metadata, "Sample metadata (TSV)")->required()->option_text("FILE");
  app.add_option("--metadata-column", command->column,
                 "Column with the truth (default: the one the run was trained on)")
      ->option_text("NAME");
  app.add_option("--samples", command->samples, "Only these samples, an id per line, such as RUN/val_samples.txt")
      ->option_text("FILE");
  app.add_option("--missing-values", command->missing_values,
                 "Words of the metadata that stand for a missing value, beside the empty cell; INSDC: those of INSDC")
      ->option_text("WORD,...")
      ->delimiter(',');
  app.add_option("--missing-samples", command->missing_samples, "Samples absent from the metadata")
      ->check(CLI::IsMember({"error", "drop"}))
      ->capture_default_str();
  app.add_option("--batch-size", command->options.batch_size, "Samples at a time")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.footer(
      "Without --samples the samples the run was trained on count too; RUN/val_samples.txt lists those held back.");
  return [command, &shared] { return run_evaluate(*command, shared); };
}

}  // namespace deepbio::tools
