// Metrics of predictions against truth, in the units of the target: a table of rows, one for each.
//
// A row says its name, which way is better and how it is computed. What an epoch reports,
// --best-metric, `evaluate`, db.metrics and the report take names and directions from the table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/base/json.h"

namespace deepbio::train {

// Answers of a regression, in the units of the target.
struct NumberAnswers {
  std::vector<double> prediction, actual;  // of the same length
};

// Answers of a classifier.
struct ClassAnswers {
  std::vector<int64_t> predicted, actual;  // class ids
  int64_t num_classes = 0;
  std::vector<double> probabilities;  // [N, num_classes] row after row; empty: not known
  std::vector<std::vector<int64_t>> confusion() const;  // [actual][predicted]
  double probability(size_t sample, int64_t class_id) const;
};

struct Metric {
  const char* name;
  const char* help;
  bool is_bigger_better;
  bool is_shown;  // in the line that a command prints for an epoch
  // What computes it; NaN where it has no meaning, such as the AUC of one class. Both null: the
  // trainer measures it.
  double (*of_numbers)(const NumberAnswers& answers);
  double (*of_classes)(const ClassAnswers& answers);
};

std::span<const Metric> metrics();
// null when there is none of that name.
const Metric* find_metric(std::string_view name);
// What may be chosen to make an epoch the best one: the validation loss, then every metric.
std::vector<std::string> best_metric_names();
bool is_bigger_better(std::string_view best_metric);  // false for the validation loss

struct MetricValue {
  const Metric* metric;
  double value;
};
// Every metric of such answers that has a meaning, in the order of the table.
//   throws ArgumentError: no answers, unequal lengths, class ids out of range
std::vector<MetricValue> measure(const NumberAnswers& answers);
std::vector<MetricValue> measure(const ClassAnswers& answers);
double value_of(const std::vector<MetricValue>& values,
                std::string_view name);  // throws ArgumentError
// num_samples, then name -> value; of classes also `confusion`.
Json metrics_json(const NumberAnswers& answers);
Json metrics_json(const ClassAnswers& answers);

}  // namespace deepbio::train
