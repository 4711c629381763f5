#include "deepbio/train/metrics.h"

#include <cmath>
#include <string>

#include "deepbio/base/error.h"

namespace deepbio::train {
namespace {

void expect_pairs(size_t predictions, size_t actuals) {
  if (predictions == actuals && predictions > 0) return;
  throw ArgumentError("metrics: expected as many predictions as actual values and at least one, got " +
                      std::to_string(predictions) + " and " + std::to_string(actuals));
}

double ratio(double numerator, double denominator) { return denominator == 0 ? 0 : numerator / denominator; }

}  // namespace

Json RegressionMetrics::to_json() const {
  return Json(Json::Object{{"num_samples", num_samples}, {"mae", mae}, {"rmse", rmse}, {"mse", mse}, {"r2", r2}});
}

RegressionMetrics regression_metrics(const std::vector<double>& prediction, const std::vector<double>& actual) {
  expect_pairs(prediction.size(), actual.size());
  const auto count = static_cast<double>(actual.size());
  double mean = 0, absolute = 0, squared = 0, spread = 0;
  for (const double value : actual) mean += value / count;
  for (size_t i = 0; i < actual.size(); ++i) {
    const double error = prediction[i] - actual[i];
    absolute += std::abs(error);
    squared += error * error;
    spread += (actual[i] - mean) * (actual[i] - mean);
  }
  RegressionMetrics metrics;
  metrics.num_samples = static_cast<int64_t>(actual.size());
  metrics.mae = absolute / count;
  metrics.mse = squared / count;
  metrics.rmse = std::sqrt(metrics.mse);
  metrics.r2 = spread == 0 ? 0 : 1 - squared / spread;
  return metrics;
}

Json ClassificationMetrics::to_json() const {
  Json table = Json::array();
  for (const auto& row : confusion) table.push_back(Json::array_of(row));
  return Json(Json::Object{{"num_samples", num_samples},
                           {"accuracy", accuracy},
                           {"balanced_accuracy", balanced_accuracy},
                           {"precision", precision},
                           {"recall", recall},
                           {"f1", f1},
                           {"confusion", std::move(table)}});
}

ClassificationMetrics classification_metrics(const std::vector<int64_t>& prediction, const std::vector<int64_t>& actual,
                                             int64_t num_classes) {
  expect_pairs(prediction.size(), actual.size());
  ClassificationMetrics metrics;
  metrics.num_samples = static_cast<int64_t>(actual.size());
  metrics.confusion.assign(num_classes, std::vector<int64_t>(num_classes, 0));
  for (size_t i = 0; i < actual.size(); ++i) {
    for (const int64_t label : {prediction[i], actual[i]}) {
      if (label >= 0 && label < num_classes) continue;
      throw ArgumentError("metrics: expected classes 0.." + std::to_string(num_classes - 1) + ", got " +
                          std::to_string(label));
    }
    ++metrics.confusion[actual[i]][prediction[i]];
  }
  const auto total = static_cast<double>(actual.size());
  int64_t present = 0;
  for (int64_t label = 0; label < num_classes; ++label) {
    double support = 0, predicted = 0;
    for (int64_t other = 0; other < num_classes; ++other) {
      support += static_cast<double>(metrics.confusion[label][other]);
      predicted += static_cast<double>(metrics.confusion[other][label]);
    }
    if (support == 0) continue;
    ++present;
    const auto hits = static_cast<double>(metrics.confusion[label][label]);
    const double precision = ratio(hits, predicted), recall = hits / support;
    metrics.accuracy += hits / total;
    metrics.balanced_accuracy += recall;
    metrics.precision += precision * support / total;
    metrics.recall += recall * support / total;
    metrics.f1 += ratio(2 * precision * recall, precision + recall) * support / total;
  }
  metrics.balanced_accuracy /= static_cast<double>(present);
  return metrics;
}

}  // namespace deepbio::train
