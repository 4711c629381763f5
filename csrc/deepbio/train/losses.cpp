#include "deepbio/train/losses.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <set>

#include "deepbio/base/error.h"
#include "deepbio/train/fields.h"

namespace deepbio::train {
namespace {

template <class Visitor, class Options>
void fields(Visitor&& visit, Options& options) {
  visit("target_penalty", options.target_penalty);
  visit("count_penalty", options.count_penalty);
  visit("penalty", options.penalty);
  visit("nuc_penalty", options.nuc_penalty);
  visit("target_loss_type", options.target_loss_type);
  visit("quantiles", options.quantiles);
  visit("over_penalty", options.over_penalty);
  visit("under_penalty", options.under_penalty);
  visit("class_weights", options.class_weights);
  visit("loss_config", options.loss_config);
}

std::string shape_of(const Tensor& tensor) {
  std::string out = "[";
  for (int64_t axis = 0; axis < tensor.dim(); ++axis) out += (axis ? ", " : "") + std::to_string(tensor.size(axis));
  return out + "]";
}

void expect_shape(const Tensor& tensor, at::IntArrayRef expected, const char* what) {
  if (tensor.sizes() == expected) return;
  throw ShapeError(std::string(what) + ": expected shape " + shape_of(at::empty(expected)) + ", got " +
                   shape_of(tensor));
}

void expect_finite(const Tensor& tensor, const char* what) {
  if (!at::isfinite(tensor).all().item<bool>()) {
    throw ArgumentError(std::string(what) + ": expected finite numbers, got NaN or infinity");
  }
}

Tensor elementwise(const Tensor& prediction, const Tensor& target, const std::string& type) {
  if (type == "mse") return at::mse_loss(prediction, target, at::Reduction::None);
  if (type == "mae") return at::l1_loss(prediction, target, at::Reduction::None);
  return at::smooth_l1_loss(prediction, target, at::Reduction::None, /*beta=*/1.0);
}

// Pinball loss: prediction [B, O, Q], target [B, O] -> [B, O, Q]
Tensor pinball(const Tensor& prediction, const Tensor& target, const std::vector<double>& quantiles) {
  if (prediction.dim() != 3 || prediction.size(2) != static_cast<int64_t>(quantiles.size())) {
    throw ShapeError("quantile loss: expected predictions [B, O, " + std::to_string(quantiles.size()) + "], got " +
                     shape_of(prediction));
  }
  const Tensor levels = at::tensor(quantiles, prediction.options());
  const Tensor error = target.unsqueeze(-1) - prediction;
  return at::maximum(levels * error, (levels - 1) * error);
}

// Mean over outputs of each column's own loss; loss_config says which, target_loss_type is the default.
Tensor per_column(const Tensor& prediction, const Tensor& target, const LossOptions& options) {
  Tensor sum = at::zeros({}, prediction.options());
  for (int64_t column = 0; column < prediction.size(1); ++column) {
    const auto found = options.loss_config.find(std::to_string(column));
    const std::string& type = found == options.loss_config.end() ? options.target_loss_type : found->second;
    sum = sum + elementwise(prediction.select(1, column), target.select(1, column), type).mean();
  }
  return sum / prediction.size(1);
}

Tensor base_loss(const model::Outputs& outputs, const LossTargets& targets, const std::string& encoder_type) {
  if (!targets.base_target.defined()) return {};
  if (encoder_type == "unifrac") {
    return outputs.embeddings.defined() ? unifrac_loss(outputs.embeddings, targets.base_target) : Tensor();
  }
  if (encoder_type == "combined") {
    throw ConfigError("encoder_type \"combined\" has no training loss; use \"unifrac\", \"faith_pd\" or \"taxonomy\"");
  }
  if (!outputs.base_prediction.defined()) return {};
  expect_shape(targets.base_target, outputs.base_prediction.sizes(), "base target");
  expect_finite(targets.base_target, "base target");
  return at::mse_loss(outputs.base_prediction, targets.base_target);
}

Tensor any_defined(const model::Outputs& outputs) {
  for (const Tensor* tensor : {&outputs.target_prediction, &outputs.embeddings, &outputs.base_prediction,
                               &outputs.count_prediction, &outputs.nuc_predictions}) {
    if (tensor->defined()) return *tensor;
  }
  throw ArgumentError("multi_task_loss: expected at least one output of the model, got none");
}

}  // namespace

Json LossOptions::to_json() const {
  FieldWriter writer;
  fields(writer, *this);
  return writer.json;
}

LossOptions LossOptions::from_json(const Json& json) {
  LossOptions options;
  FieldReader reader(json, "loss options");
  fields(reader, options);
  reader.finish();
  options.check();
  return options;
}

void LossOptions::check() const {
  const std::vector<std::string> types{"huber", "mse", "mae", "quantile", "asymmetric"};
  if (std::find(types.begin(), types.end(), target_loss_type) == types.end()) {
    throw ConfigError("loss type: expected huber, mse, mae, quantile or asymmetric, got " + quoted(target_loss_type));
  }
  for (const double weight : {target_penalty, count_penalty, penalty, nuc_penalty}) {
    if (!(weight >= 0)) throw ConfigError("loss penalties: expected numbers >= 0, got " + Json(weight).dump());
  }
  for (const double level : quantiles) {
    if (!(level > 0 && level < 1)) throw ConfigError("quantiles: expected levels in (0, 1), got " + Json(level).dump());
  }
  if (std::set<double>(quantiles.begin(), quantiles.end()).size() != quantiles.size() ||
      !std::is_sorted(quantiles.begin(), quantiles.end())) {
    throw ConfigError("quantiles: expected rising levels, got " + Json::array_of(quantiles).dump());
  }
  if (!(over_penalty > 0) || !(under_penalty > 0)) {
    throw ConfigError("over and under penalty: expected numbers > 0, got " + Json(over_penalty).dump() + " and " +
                      Json(under_penalty).dump());
  }
  for (const auto& [column, type] : loss_config) {
    if (type != "huber" && type != "mse" && type != "mae") {
      throw ConfigError("loss config of output " + column + ": expected huber, mse or mae, got " + quoted(type));
    }
  }
  if (!loss_config.empty() && (target_loss_type == "quantile" || target_loss_type == "asymmetric")) {
    throw ConfigError("loss config does not go with loss type " + quoted(target_loss_type));
  }
}

Tensor regression_loss(const Tensor& prediction, const Tensor& target, const LossOptions& options,
                       const Tensor& sample_weights) {
  const bool is_quantile = options.target_loss_type == "quantile";
  expect_shape(target, is_quantile ? prediction.sizes().slice(0, 2) : prediction.sizes(), "target");
  if (!options.loss_config.empty() && !sample_weights.defined()) return per_column(prediction, target, options);
  Tensor loss;
  if (is_quantile) {
    loss = pinball(prediction, target, options.quantiles);
  } else if (options.target_loss_type == "asymmetric") {
    loss = options.over_penalty * at::relu(prediction - target) + options.under_penalty * at::relu(target - prediction);
  } else {
    loss = elementwise(prediction, target, options.target_loss_type);
  }
  if (!sample_weights.defined()) return loss.mean();
  return (sample_weights * loss.flatten(1).mean(1)).mean();
}

Tensor classification_loss(const Tensor& prediction, const Tensor& target, const Tensor& class_weights,
                           const Tensor& sample_weights) {
  if (target.scalar_type() != at::kLong) throw ArgumentError("class targets: expected int64, got another dtype");
  expect_shape(target, prediction.sizes().slice(0, 1), "class targets");
  if (!sample_weights.defined()) return at::nll_loss(prediction, target, class_weights);
  const Tensor loss = at::nll_loss(prediction, target, class_weights, at::Reduction::None);
  return (sample_weights * loss).mean();
}

Tensor count_loss(const Tensor& prediction, const Tensor& counts, const Tensor& mask) {
  expect_shape(counts, prediction.sizes(), "counts");
  const Tensor real = mask.to(prediction.scalar_type());
  return (at::square(prediction - counts) * real).sum() / real.sum().clamp_min(1);
}

Tensor embedding_distances(const Tensor& embeddings) {
  // The differences, not the Gram matrix: close samples would lose all digits there.
  const Tensor squared = at::square(embeddings.unsqueeze(1) - embeddings.unsqueeze(0)).sum(-1);
  const Tensor distances = at::tanh(at::sqrt(squared.clamp_min(1e-8)) / 10);
  return distances * (1 - at::eye(embeddings.size(0), embeddings.options()));
}

Tensor unifrac_loss(const Tensor& embeddings, const Tensor& distances) {
  const int64_t size = embeddings.size(0);
  expect_shape(distances, {size, size}, "distances");
  expect_finite(distances, "distances");
  if (size < 2) return at::zeros({}, embeddings.options());
  const Tensor pairs = at::triu_indices(size, size, /*offset=*/1, at::TensorOptions().device(embeddings.device()));
  const Tensor first = pairs[0], second = pairs[1];
  return at::mse_loss(embedding_distances(embeddings).index({first, second}), distances.index({first, second}));
}

Tensor nucleotide_loss(const Tensor& logits, const Tensor& tokens, const Tensor& where, const Tensor& weight) {
  expect_shape(tokens, logits.sizes().slice(0, 2), "nucleotides");
  Tensor chosen = tokens > 0;
  if (where.defined()) chosen = chosen.logical_and(where);
  const Tensor places = chosen.nonzero();
  if (places.size(0) == 0) return logits.sum() * 0;
  const Tensor row = places.select(1, 0), position = places.select(1, 1);
  const Tensor loss =
      at::cross_entropy_loss(logits.index({row, position}), tokens.index({row, position}), {}, at::Reduction::None);
  if (!weight.defined()) return loss.mean();
  const Tensor repeats = weight.index({row});
  return (loss * repeats).sum() / repeats.sum().clamp_min(1e-12);
}

LossTerms multi_task_loss(const model::Outputs& outputs, const LossTargets& targets, const LossOptions& options,
                          bool is_classifier, const std::string& encoder_type) {
  LossTerms terms;
  const Tensor zero = at::zeros({}, any_defined(outputs).options());
  terms.target_loss = terms.count_loss = terms.unifrac_loss = terms.nuc_loss = zero;
  if (outputs.target_prediction.defined() && targets.target.defined()) {
    const Tensor weights = options.class_weights.empty() ? Tensor() : at::tensor(options.class_weights, zero.options());
    terms.target_loss =
        is_classifier ? classification_loss(outputs.target_prediction, targets.target, weights, targets.sample_weights)
                      : regression_loss(outputs.target_prediction, targets.target, options, targets.sample_weights);
  }
  if (outputs.count_prediction.defined() && targets.counts.defined()) {
    terms.count_loss = count_loss(outputs.count_prediction, targets.counts, targets.mask);
  }
  if (const Tensor base = base_loss(outputs, targets, encoder_type); base.defined()) terms.unifrac_loss = base;
  if (outputs.nuc_predictions.defined() && targets.nucleotides.defined()) {
    terms.nuc_loss =
        nucleotide_loss(outputs.nuc_predictions, targets.nucleotides, outputs.mask_indices, targets.nucleotide_weight);
  }
  terms.total_loss = options.target_penalty * terms.target_loss + options.count_penalty * terms.count_loss +
                     options.penalty * terms.unifrac_loss + options.nuc_penalty * terms.nuc_loss;
  return terms;
}

}  // namespace deepbio::train
