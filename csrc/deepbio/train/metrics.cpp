#include "deepbio/train/metrics.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "deepbio/base/error.h"

namespace deepbio::train {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kValidationLoss = "val_loss";
// Nothing is chosen: a fixed budget, and the last epoch counts.
constexpr const char* kLastEpoch = "last";

double ratio(double numerator, double denominator) {
  return denominator == 0 ? 0 : numerator / denominator;
}

std::vector<double> absolute_errors(const NumberAnswers& answers) {
  std::vector<double> errors(answers.actual.size());
  for (size_t i = 0; i < errors.size(); ++i)
    errors[i] = std::abs(answers.prediction[i] - answers.actual[i]);
  return errors;
}

double mean_of(const std::vector<double>& values) {
  double mean = 0;
  // Each divided first: a sum of large numbers stays in range.
  for (const double value : values) mean += value / static_cast<double>(values.size());
  return mean;
}

double mae(const NumberAnswers& answers) { return mean_of(absolute_errors(answers)); }

double mse(const NumberAnswers& answers) {
  std::vector<double> squares = absolute_errors(answers);
  for (double& value : squares) value *= value;
  return mean_of(squares);
}

double rmse(const NumberAnswers& answers) { return std::sqrt(mse(answers)); }

double median_ae(const NumberAnswers& answers) {
  std::vector<double> errors = absolute_errors(answers);
  const size_t middle = errors.size() / 2;
  // Half of a sort; below the middle are the smaller ones, whose largest is the other of an even
  // pair.
  std::nth_element(errors.begin(), errors.begin() + static_cast<std::ptrdiff_t>(middle),
                   errors.end());
  if (errors.size() % 2 == 1) return errors[middle];
  return (errors[middle] +
          *std::max_element(errors.begin(), errors.begin() + static_cast<std::ptrdiff_t>(middle))) /
         2;
}

// 1 - SSE / SST; 0 when the truth is constant.
double r2(const NumberAnswers& answers) {
  const double mean = mean_of(answers.actual);
  double spread = 0;
  for (const double value : answers.actual) spread += (value - mean) * (value - mean);
  return spread == 0 ? 0 : 1 - mse(answers) * static_cast<double>(answers.actual.size()) / spread;
}

// Of one class: samples that are of it, that are called so, and both.
struct ClassCounts {
  double support = 0, predicted = 0, hits = 0;
  double precision() const { return ratio(hits, predicted); }
  double recall() const { return ratio(hits, support); }
  double f1() const { return ratio(2 * precision() * recall(), precision() + recall()); }
};

// Of the classes that samples have.
std::vector<ClassCounts> counts_of(const ClassAnswers& answers) {
  std::vector<ClassCounts> counts(static_cast<size_t>(answers.num_classes));
  for (size_t i = 0; i < answers.actual.size(); ++i) {
    const auto actual = static_cast<size_t>(answers.actual[i]),
               predicted = static_cast<size_t>(answers.predicted[i]);
    ++counts[actual].support;
    ++counts[predicted].predicted;
    counts[actual].hits += actual == predicted ? 1 : 0;
  }
  // A class without samples has no recall, and would pull a mean of classes down.
  std::erase_if(counts, [](const ClassCounts& each) { return each.support == 0; });
  return counts;
}

// Mean over classes, each weighted by its samples.
double weighted(const ClassAnswers& answers, double (ClassCounts::*value)() const) {
  double sum = 0;
  for (const ClassCounts& each : counts_of(answers)) sum += each.support * (each.*value)();
  return sum / static_cast<double>(answers.actual.size());
}

// The recall of all classes weighted by their samples is the share of samples that are right.
double accuracy(const ClassAnswers& answers) { return weighted(answers, &ClassCounts::recall); }
double precision(const ClassAnswers& answers) { return weighted(answers, &ClassCounts::precision); }
double f1(const ClassAnswers& answers) { return weighted(answers, &ClassCounts::f1); }

double balanced_accuracy(const ClassAnswers& answers) {
  const std::vector<ClassCounts> counts = counts_of(answers);
  double sum = 0;
  for (const ClassCounts& each : counts) sum += each.recall();
  return sum / static_cast<double>(counts.size());
}

// Chance that a sample of the class has the higher probability than one of another; ties count half
// (Mann & Whitney 1947). NaN without samples of both sorts.
double auc_of(const ClassAnswers& answers, int64_t class_id) {
  std::vector<size_t> order(answers.actual.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto value = [&](size_t sample) { return answers.probability(sample, class_id); };
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return value(a) < value(b); });
  double positives = 0, rank_sum = 0;
  for (size_t from = 0; from < order.size();) {
    size_t to = from;
    while (to < order.size() && value(order[to]) == value(order[from])) ++to;
    // Mean of the ranks from + 1 ... to.
    const double rank = (static_cast<double>(from + to) + 1) / 2;
    for (; from < to; ++from) {
      if (answers.actual[order[from]] != class_id) continue;
      ++positives;
      rank_sum += rank;
    }
  }
  const double negatives = static_cast<double>(order.size()) - positives;
  if (positives == 0 || negatives == 0) return kUndefined;
  return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives);
}

// Two classes: of the second one. More: each against the rest, the plain mean over the classes that
// samples have.
double auc(const ClassAnswers& answers) {
  if (answers.probabilities.empty()) return kUndefined;
  if (answers.num_classes == 2) return auc_of(answers, 1);
  double sum = 0;
  int64_t known = 0;
  for (int64_t class_id = 0; class_id < answers.num_classes; ++class_id) {
    const double value = auc_of(answers, class_id);
    if (std::isnan(value)) continue;
    sum += value;
    ++known;
  }
  return known == 0 ? kUndefined : sum / static_cast<double>(known);
}

// Mean of -ln of what the class that happened was given; a probability of 0 counts as 1e-7.
double log_loss(const ClassAnswers& answers) {
  if (answers.probabilities.empty()) return kUndefined;
  constexpr double kLeast = 1e-7;  // 0 would cost without end
  double sum = 0;
  for (size_t i = 0; i < answers.actual.size(); ++i) {
    sum -= std::log(std::max(answers.probability(i, answers.actual[i]), kLeast));
  }
  return sum / static_cast<double>(answers.actual.size());
}

// Reports and docs list them in this order.
constexpr Metric kMetrics[] = {
    {"mae", "mean absolute error, in the target's unit", false, true, &mae, nullptr},
    {"rmse", "root of the mean square error, in the target's unit", false, false, &rmse, nullptr},
    {"mse", "mean square error", false, false, &mse, nullptr},
    {"median_ae", "median absolute error, in the target's unit", false, false, &median_ae, nullptr},
    {"r2", "share of the variance that is explained; 0: no better than the mean", true, true, &r2,
     nullptr},
    {"accuracy", "share of samples whose class is right", true, true, nullptr, &accuracy},
    {"balanced_accuracy", "mean over classes of the share that is right", true, true, nullptr,
     &balanced_accuracy},
    {"precision", "share of the samples called a class that are of it, weighted by support", true,
     false, nullptr, &precision},
    {"recall", "share of a class that is found, weighted by support", true, false, nullptr,
     &accuracy},
    {"f1", "harmonic mean of precision and recall, weighted by support", true, true, nullptr, &f1},
    {"auc", "area under the ROC curve; more than two classes: each against the rest, plain mean",
     true, true, nullptr, &auc},
    {"log_loss", "mean cost of the probability that the right class was given, -ln p", false, false,
     nullptr, &log_loss},
    {"nuc_accuracy", "share of hidden bases that are guessed right", true, true, nullptr, nullptr},
};

void expect_pairs(size_t predictions, size_t actuals) {
  if (predictions == actuals && predictions > 0) return;
  throw ArgumentError(
      "metrics: expected as many predictions as actual values and at least one, got " +
      std::to_string(predictions) + " and " + std::to_string(actuals));
}

void check(const NumberAnswers& answers) {
  expect_pairs(answers.prediction.size(), answers.actual.size());
}

void check(const ClassAnswers& answers) {
  expect_pairs(answers.predicted.size(), answers.actual.size());
  for (const std::vector<int64_t>* labels : {&answers.predicted, &answers.actual}) {
    for (const int64_t label : *labels) {
      if (label >= 0 && label < answers.num_classes) continue;
      throw ArgumentError("metrics: expected classes 0.." +
                          std::to_string(answers.num_classes - 1) + ", got " +
                          std::to_string(label));
    }
  }
  const size_t wanted = answers.actual.size() * static_cast<size_t>(answers.num_classes);
  if (answers.probabilities.empty() || answers.probabilities.size() == wanted) return;
  throw ArgumentError("metrics: expected " + std::to_string(wanted) +
                      " probabilities (samples times classes), got " +
                      std::to_string(answers.probabilities.size()));
}

template <class Answers, class Compute>
std::vector<MetricValue> measured(const Answers& answers, Compute compute) {
  check(answers);
  std::vector<MetricValue> values;
  for (const Metric& metric : kMetrics) {
    if (metric.*compute == nullptr) continue;
    const double value = (metric.*compute)(answers);
    if (!std::isnan(value)) values.push_back({&metric, value});
  }
  return values;
}

Json to_json(const std::vector<MetricValue>& values, size_t num_samples) {
  Json out = Json::object();
  out.set("num_samples", static_cast<int64_t>(num_samples));
  for (const MetricValue& each : values) out.set(each.metric->name, each.value);
  return out;
}

}  // namespace

std::vector<std::vector<int64_t>> ClassAnswers::confusion() const {
  std::vector<std::vector<int64_t>> table(
      static_cast<size_t>(num_classes), std::vector<int64_t>(static_cast<size_t>(num_classes), 0));
  for (size_t i = 0; i < actual.size(); ++i)
    ++table[static_cast<size_t>(actual[i])][static_cast<size_t>(predicted[i])];
  return table;
}

double ClassAnswers::probability(size_t sample, int64_t class_id) const {
  return probabilities[sample * static_cast<size_t>(num_classes) + static_cast<size_t>(class_id)];
}

std::span<const Metric> metrics() { return kMetrics; }

const Metric* find_metric(std::string_view name) {
  const auto found = std::find_if(std::begin(kMetrics), std::end(kMetrics),
                                  [&](const Metric& metric) { return metric.name == name; });
  return found == std::end(kMetrics) ? nullptr : found;
}

std::vector<std::string> best_metric_names() {
  std::vector<std::string> names{kValidationLoss, kLastEpoch};
  for (const Metric& metric : kMetrics) names.emplace_back(metric.name);
  return names;
}

bool is_bigger_better(std::string_view best_metric) {
  const Metric* const metric = find_metric(best_metric);
  return metric != nullptr && metric->is_bigger_better;
}

std::vector<MetricValue> measure(const NumberAnswers& answers) {
  return measured(answers, &Metric::of_numbers);
}
std::vector<MetricValue> measure(const ClassAnswers& answers) {
  return measured(answers, &Metric::of_classes);
}

double value_of(const std::vector<MetricValue>& values, std::string_view name) {
  for (const MetricValue& each : values) {
    if (each.metric->name == name) return each.value;
  }
  throw ArgumentError("metrics: " + quoted(name) + " was not measured");
}

Json metrics_json(const NumberAnswers& answers) {
  return to_json(measure(answers), answers.actual.size());
}

Json metrics_json(const ClassAnswers& answers) {
  Json out = to_json(measure(answers), answers.actual.size());
  Json table = Json::array();
  for (const auto& row : answers.confusion()) table.push_back(Json::array_of(row));
  out.set("confusion", std::move(table));
  return out;
}

}  // namespace deepbio::train
