#include "deepbio/train/scores.h"

#include <ATen/ATen.h>

namespace deepbio::train {

void Means::add(const std::string& name, double value, int64_t weight) {
  // A sum and its weight instead of a running mean: both can be kept in a state and added to.
  sums_[name].first += value * static_cast<double>(weight);
  sums_[name].second += static_cast<double>(weight);
}

void Means::add(const LossTerms& terms, int64_t weight) {
  for (const LossTerm& term : loss_terms())
    add(term.name, (terms.*term.value).item<double>(), weight);
  add("total_loss", terms.total_loss.item<double>(), weight);
}

std::map<std::string, double> Means::values() const {
  std::map<std::string, double> out;
  for (const auto& [name, sum] : sums_) out[name] = sum.second > 0 ? sum.first / sum.second : 0;
  return out;
}

Json Means::to_json() const {
  Json out = Json::object();
  for (const auto& [name, sum] : sums_)
    out.set(name, Json(Json::Array{Json(sum.first), Json(sum.second)}));
  return out;
}

Means Means::from_json(const Json& json) {
  Means means;
  for (const auto& [name, sum] : json.as_object()) {
    means.sums_[name] = {sum.as_array().at(0).as_double(), sum.as_array().at(1).as_double()};
  }
  return means;
}

void Scores::add(const Tensor& prediction, const Tensor& target) {
  const Tensor median = prediction.dim() == 3 ? prediction.select(2, median_) : prediction;
  // Back in the target's units before anything is measured: an error of scaled values means
  // nothing.
  const Tensor values = median.cpu().to(at::kDouble).reshape({-1}),
               truth = target.cpu().to(at::kDouble).reshape({-1});
  for (int64_t i = 0; i < values.numel(); ++i) {
    numbers_.prediction.push_back(in_units(values[i].item<double>()));
    numbers_.actual.push_back(in_units(truth[i].item<double>()));
  }
}

void Scores::add_classes(const Tensor& log_probabilities, const Tensor& chosen,
                         const Tensor& target) {
  const Tensor predicted = chosen.cpu(), truth = target.cpu(),
               probabilities = log_probabilities.cpu().to(at::kDouble).exp().contiguous();
  classes_.num_classes = log_probabilities.size(-1);
  for (int64_t i = 0; i < predicted.numel(); ++i) {
    classes_.predicted.push_back(predicted[i].item<int64_t>());
    classes_.actual.push_back(truth[i].item<int64_t>());
  }
  const double* const first = probabilities.const_data_ptr<double>();
  classes_.probabilities.insert(classes_.probabilities.end(), first, first + probabilities.numel());
}

void Scores::write_metrics(std::map<std::string, double>& terms) const {
  for (const MetricValue& each : config_.is_classifier ? measure(classes_) : measure(numbers_)) {
    terms[each.metric->name] = each.value;
  }
}

}  // namespace deepbio::train
