#include "deepbio/train/scores.h"

#include <ATen/ATen.h>

#include "deepbio/train/metrics.h"

namespace deepbio::train {

void Means::add(const std::string& name, double value, int64_t weight) {
  sums_[name].first += value * static_cast<double>(weight);
  sums_[name].second += static_cast<double>(weight);
}

void Means::add(const LossTerms& terms, int64_t weight) {
  add("target_loss", terms.target_loss.item<double>(), weight);
  add("count_loss", terms.count_loss.item<double>(), weight);
  add("unifrac_loss", terms.unifrac_loss.item<double>(), weight);
  add("nuc_loss", terms.nuc_loss.item<double>(), weight);
  add("total_loss", terms.total_loss.item<double>(), weight);
}

std::map<std::string, double> Means::values() const {
  std::map<std::string, double> out;
  for (const auto& [name, sum] : sums_) out[name] = sum.second > 0 ? sum.first / sum.second : 0;
  return out;
}

void Scores::add(const Tensor& prediction, const Tensor& target) {
  if (config_.is_classifier) {
    const Tensor chosen = prediction.argmax(-1);
    for (int64_t i = 0; i < chosen.numel(); ++i) {
      predicted_class_.push_back(chosen[i].item<int64_t>());
      actual_class_.push_back(target[i].item<int64_t>());
    }
    return;
  }
  const Tensor middle = prediction.dim() == 3 ? prediction.select(2, prediction.size(2) / 2) : prediction;
  const Tensor values = middle.to(at::kDouble).reshape({-1}), truth = target.to(at::kDouble).reshape({-1});
  for (int64_t i = 0; i < values.numel(); ++i) {
    prediction_.push_back(in_units(values[i].item<double>()));
    actual_.push_back(in_units(truth[i].item<double>()));
  }
}

void Scores::write_metrics(std::map<std::string, double>& terms) const {
  if (config_.is_classifier) {
    const ClassificationMetrics metrics = classification_metrics(predicted_class_, actual_class_, config_.out_dim);
    terms["accuracy"] = metrics.accuracy;
    terms["balanced_accuracy"] = metrics.balanced_accuracy;
    terms["f1"] = metrics.f1;
  } else {
    const RegressionMetrics metrics = regression_metrics(prediction_, actual_);
    terms["mae"] = metrics.mae;
    terms["rmse"] = metrics.rmse;
    terms["r2"] = metrics.r2;
  }
}

}  // namespace deepbio::train
