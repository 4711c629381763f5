// What one epoch adds up: means of the loss terms, and predictions against truth in the units of
// the target.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deepbio/base/json.h"
#include "deepbio/data/targets.h"
#include "deepbio/model/config.h"
#include "deepbio/train/losses.h"
#include "deepbio/train/metrics.h"

namespace deepbio::train {

// Means over batches, each weighted by its number of samples, so that a small last batch counts for
// what it is.
class Means {
 public:
  void add(const std::string& name, double value, int64_t weight);
  void add(const LossTerms& terms, int64_t weight);
  std::map<std::string, double> values() const;
  bool is_empty() const { return sums_.empty(); }
  // {name: [sum, weight]}, so that an epoch can go on from where it was left.
  Json to_json() const;
  static Means from_json(const Json& json);

 private:
  std::map<std::string, std::pair<double, double>> sums_;  // sum, weight
};

// Predictions of a validation pass. Without a codec the unit is the model's own.
class Scores {
 public:
  Scores(const model::ModelConfig& config, const std::optional<data::TargetCodec>& codec,
         const LossOptions& loss)
      : config_(config), codec_(codec), median_(nearest_to_median(loss.quantiles)) {}
  // prediction [B, O] or [B, O, Q], of which the level nearest 0.5 counts; target [B, O]
  void add(const Tensor& prediction, const Tensor& target);
  // log_probabilities [B, C]; chosen, target int64 [B]. The chosen class need not be the likeliest:
  // where classes are weighted it is what class_scores of the model says.
  void add_classes(const Tensor& log_probabilities, const Tensor& chosen, const Tensor& target);
  // Every metric that has a meaning here, by name.
  void write_metrics(std::map<std::string, double>& terms) const;

 private:
  double in_units(double value) const { return codec_ ? codec_->restore(value) : value; }
  const model::ModelConfig& config_;
  const std::optional<data::TargetCodec>& codec_;
  int64_t median_;  // of Q levels
  NumberAnswers numbers_;
  ClassAnswers classes_;
};

}  // namespace deepbio::train
