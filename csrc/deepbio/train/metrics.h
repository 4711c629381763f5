// Metrics of predictions against truth, in the units of the target.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "deepbio/base/json.h"

namespace deepbio::train {

struct RegressionMetrics {
  int64_t num_samples = 0;
  double mae = 0, rmse = 0, mse = 0, r2 = 0;  // r2 = 1 - SSE/SST; 0 when SST is 0
  Json to_json() const;
};
RegressionMetrics regression_metrics(const std::vector<double>& prediction, const std::vector<double>& actual);

struct ClassificationMetrics {
  int64_t num_samples = 0;
  double accuracy = 0, balanced_accuracy = 0;
  double precision = 0, recall = 0, f1 = 0;     // support-weighted, 0 on division by zero
  std::vector<std::vector<int64_t>> confusion;  // [actual][predicted]
  Json to_json() const;
};
ClassificationMetrics classification_metrics(const std::vector<int64_t>& prediction, const std::vector<int64_t>& actual,
                                             int64_t num_classes);

}  // namespace deepbio::train
