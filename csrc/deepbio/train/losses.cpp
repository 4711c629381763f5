// A loss of numbers is a row of kRegressionLosses; what else has to know something of it (how many
// outputs it wants, which options are its own) asks the row. Each gives its value element by
// element, and regression_loss takes the mean, weighed by samples where weights are given.
#include "deepbio/train/losses.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "deepbio/base/error.h"
#include "deepbio/model/distribution.h"

namespace deepbio::train {
namespace {

std::string shape_of(const Tensor& tensor) {
  std::string out = "[";
  for (int64_t axis = 0; axis < tensor.dim(); ++axis)
    out += (axis ? ", " : "") + std::to_string(tensor.size(axis));
  return out + "]";
}

// Broadcasting would turn [B] against [B, 1] into [B, B] without a word.
void expect_shape(const Tensor& tensor, at::IntArrayRef expected, const char* what) {
  if (tensor.sizes() == expected) return;
  throw ShapeError(std::string(what) + ": expected shape " + shape_of(at::empty(expected)) +
                   ", got " + shape_of(tensor));
}

void expect_finite(const Tensor& tensor, const char* what) {
  if (!at::isfinite(tensor).all().item<bool>()) {
    throw ArgumentError(std::string(what) + ": expected finite numbers, got NaN or infinity");
  }
}

Tensor huber(const Tensor& prediction, const Tensor& target, const LossOptions&) {
  return at::smooth_l1_loss(prediction, target, at::Reduction::None, /*beta=*/1.0);
}

Tensor square(const Tensor& prediction, const Tensor& target, const LossOptions&) {
  return at::mse_loss(prediction, target, at::Reduction::None);
}

Tensor absolute(const Tensor& prediction, const Tensor& target, const LossOptions&) {
  return at::l1_loss(prediction, target, at::Reduction::None);
}

// Pinball loss: prediction [B, O, Q], target [B, O] -> [B, O, Q]
Tensor pinball(const Tensor& prediction, const Tensor& target, const LossOptions& options) {
  if (prediction.dim() != 3 || prediction.size(2) != options.num_quantiles()) {
    throw ShapeError("quantile loss: expected predictions [B, O, " +
                     std::to_string(options.num_quantiles()) + "], got " + shape_of(prediction));
  }
  const Tensor levels = at::tensor(options.quantiles, prediction.options());
  // Koenker & Bassett (1978): max(q e, (q - 1) e), its minimum over answers is the quantile of
  // level q.
  const Tensor error = target.unsqueeze(-1) - prediction;
  return at::maximum(levels * error, (levels - 1) * error);
}

Tensor asymmetric(const Tensor& prediction, const Tensor& target, const LossOptions& options) {
  return options.over_penalty * at::relu(prediction - target) +
         options.under_penalty * at::relu(target - prediction);
}

// Where it acts, target_loss() takes histogram_loss instead.
Tensor of_bins(const Tensor&, const Tensor&, const LossOptions& options) {
  throw ConfigError("`loss_type=" + options.target_loss_type +
                    "`: needs a model with `num_bins`, whose answer is a distribution");
}

// In the order in which they are added: resumed runs give the same bits.
constexpr LossTerm kLossTerms[] = {
    {"target_loss", &LossTerms::target_loss, &LossOptions::target_penalty},
    {"count_loss", &LossTerms::count_loss, &LossOptions::count_penalty},
    {"unifrac_loss", &LossTerms::unifrac_loss, &LossOptions::penalty},
    {"nuc_loss", &LossTerms::nuc_loss, &LossOptions::nuc_penalty}};

constexpr RegressionLoss kRegressionLosses[] = {
    {"huber", &huber, LossAnswer::kNumber, true},
    {"mse", &square, LossAnswer::kNumber, true},
    {"mae", &absolute, LossAnswer::kNumber, true},
    {"quantile", &pinball, LossAnswer::kQuantiles, false, {"quantiles"}},
    {"asymmetric", &asymmetric, LossAnswer::kNumber, false, {"over_penalty", "under_penalty"}},
    {"histogram", &of_bins, LossAnswer::kBins, false}};

const RegressionLoss& regression_loss_named(const std::string& name) {
  const auto found = std::find_if(std::begin(kRegressionLosses), std::end(kRegressionLosses),
                                  [&](const RegressionLoss& loss) { return loss.name == name; });
  if (found == std::end(kRegressionLosses)) throw ConfigError("unknown loss " + quoted(name));
  return *found;
}

std::vector<std::string> loss_names(bool only_per_column) {
  std::vector<std::string> names;
  for (const RegressionLoss& loss : kRegressionLosses) {
    if (loss.is_per_column || !only_per_column) names.emplace_back(loss.name);
  }
  return names;
}

// Mean over outputs of each column's own loss; loss_config says which, target_loss_type is the
// default.
Tensor per_column(const Tensor& prediction, const Tensor& target, const LossOptions& options) {
  // Columns one by one, as each may have a loss of its own; their mean weighs all outputs alike.
  Tensor sum = at::zeros({}, prediction.options());
  for (int64_t column = 0; column < prediction.size(1); ++column) {
    const auto found = options.loss_config.find(std::to_string(column));
    const std::string& type =
        found == options.loss_config.end() ? options.target_loss_type : found->second;
    const RegressionLoss& loss = regression_loss_named(type);
    sum = sum + loss.of(prediction.select(1, column), target.select(1, column), options).mean();
  }
  return sum / prediction.size(1);
}

Tensor base_term(const model::Outputs& outputs, const LossTargets& targets,
                 const std::string& encoder_type) {
  if (!targets.base_target.defined()) return {};
  if (encoder_type == "unifrac") {
    return outputs.embeddings.defined() ? unifrac_loss(outputs.embeddings, targets.base_target)
                                        : Tensor();
  }
  if (encoder_type == "combined") {
    throw ConfigError(
        "encoder_type \"combined\" has no training loss; use \"unifrac\", \"faith_pd\" or "
        "\"taxonomy\"");
  }
  return outputs.base_prediction.defined() ? base_loss(outputs.base_prediction, targets.base_target)
                                           : Tensor();
}

// The target's term; every member of a model in training is measured by itself.
Tensor target_loss(const model::Outputs& outputs, const LossTargets& targets,
                   const LossOptions& options, bool is_classifier) {
  Tensor prediction =
      outputs.bin_edges.defined() ? outputs.target_distribution : outputs.target_prediction;
  Tensor target = targets.target, sample_weights = targets.sample_weights;
  if (outputs.member_predictions.defined()) {
    const int64_t members = outputs.member_predictions.size(0);
    // [M, B, ...] to [M B, ...]: the mean over all is the mean of the members' losses.
    prediction = outputs.member_predictions.flatten(0, 1);
    target = target.dim() == 1 ? target.repeat({members}) : target.repeat({members, 1});
    if (sample_weights.defined()) sample_weights = sample_weights.repeat({members});
  }
  if (is_classifier) {
    const Tensor weights = options.class_weights.empty()
                               ? Tensor()
                               : at::tensor(options.class_weights, prediction.options());
    return classification_loss(prediction, target, weights, sample_weights);
  }
  if (outputs.bin_edges.defined())
    return histogram_loss(prediction, target, outputs.bin_edges, sample_weights);
  return regression_loss(prediction, target, options, sample_weights);
}

Tensor any_defined(const model::Outputs& outputs) {
  for (const Tensor* tensor :
       {&outputs.target_prediction, &outputs.embeddings, &outputs.base_prediction,
        &outputs.count_prediction, &outputs.nuc_predictions}) {
    if (tensor->defined()) return *tensor;
  }
  throw ArgumentError("multi_task_loss: expected at least one output of the model, got none");
}

}  // namespace

OptionRows LossOptions::rows() {
  return {
      OptionRow{"target_penalty", &target_penalty, "Weight of the target loss", at_least(0)}
          .for_predictor(),
      OptionRow{"count_penalty", &count_penalty, "Weight of the count loss", at_least(0)}
          .for_predictor(),
      {"penalty", &penalty, "Weight of the distance loss", at_least(0)},
      {"nuc_penalty", &nuc_penalty, "Weight of the nucleotide loss; 0: no such head", at_least(0)},
      OptionRow{"loss_type", &target_loss_type,
                "Loss of a number; huber is smooth L1 with beta 1 in the model's unit",
                one_of(loss_names(/*only_per_column=*/false))}
          .also("target_loss_type")
          .for_predictor(),
      OptionRow{"quantiles", &quantiles,
                "Rising levels of the quantile loss; the one nearest 0.5 is the prediction",
                inside_unit()}
          .for_predictor(),
      OptionRow{"over_penalty", &over_penalty,
                "Of the asymmetric loss: weight of answers above the truth", above(0)}
          .for_predictor(),
      OptionRow{"under_penalty", &under_penalty,
                "Of the asymmetric loss: weight of answers below the truth", above(0)}
          .for_predictor(),
      OptionRow{"class_weights", &class_weights,
                "Weight of each class, in the order of the sorted labels", at_least(0)}
          .for_predictor(),
      OptionRow{"loss_config", &loss_config,
                "Losses of single outputs, by their number from 0; not with sample weights",
                one_of(loss_names(/*only_per_column=*/true))}
          .for_predictor(),
  };
}

const RegressionLoss& LossOptions::regression_loss() const {
  return regression_loss_named(target_loss_type);
}

int64_t nearest_to_median(const std::vector<double>& levels) {
  const auto nearest = std::min_element(levels.begin(), levels.end(), [](double a, double b) {
    return std::abs(a - 0.5) < std::abs(b - 0.5);
  });
  return nearest - levels.begin();
}

int64_t LossOptions::num_quantiles() const {
  return regression_loss().answer == LossAnswer::kQuantiles ? static_cast<int64_t>(quantiles.size())
                                                            : 0;
}

Json LossOptions::to_json() const {
  LossOptions copy = *this;
  return deepbio::to_json(copy.rows());
}

LossOptions LossOptions::from_json(const Json& json) {
  LossOptions options;
  deepbio::from_json(options.rows(), json);
  options.check();
  return options;
}

void LossOptions::check() const {
  LossOptions copy = *this;
  const OptionRows rows = copy.rows();
  check_values(rows);
  const auto falls = [](double level, double next) { return level >= next; };
  // Rising, as predictions and files name them by their place.
  if (quantiles.empty() ||
      std::adjacent_find(quantiles.begin(), quantiles.end(), falls) != quantiles.end()) {
    throw ConfigError(mention(rows, &copy.quantiles) + ": expected rising levels, got " +
                      Json::array_of(quantiles).dump());
  }
  if (!loss_config.empty() && !regression_loss().is_per_column) {
    throw ConfigError(mention(rows, &copy.loss_config) + ": does not go with " +
                      mention(rows, &copy.target_loss_type, target_loss_type));
  }
}

Tensor regression_loss(const Tensor& prediction, const Tensor& target, const LossOptions& options,
                       const Tensor& sample_weights) {
  const RegressionLoss& kind = options.regression_loss();
  expect_shape(
      target,
      kind.answer == LossAnswer::kQuantiles ? prediction.sizes().slice(0, 2) : prediction.sizes(),
      "target");
  if (!options.loss_config.empty() && !sample_weights.defined())
    return per_column(prediction, target, options);
  const Tensor loss = kind.of(prediction, target, options);
  if (!sample_weights.defined()) return loss.mean();
  return (sample_weights * loss.flatten(1).mean(1)).mean();
}

std::vector<double> balanced_class_weights(const Tensor& classes, int64_t num_classes) {
  const Tensor counts = at::bincount(classes, {}, num_classes).to(at::kDouble);
  const Tensor share =
      static_cast<double>(classes.numel()) / (counts.gt(0).sum() * counts.clamp_min(1));
  const Tensor weights = at::where(counts.gt(0), share, at::zeros_like(share)).contiguous();
  return {weights.const_data_ptr<double>(), weights.const_data_ptr<double>() + num_classes};
}

Tensor classification_loss(const Tensor& prediction, const Tensor& target,
                           const Tensor& class_weights, const Tensor& sample_weights) {
  if (target.scalar_type() != at::kLong)
    throw ArgumentError("class targets: expected int64, got another dtype");
  expect_shape(target, prediction.sizes().slice(0, 1), "class targets");
  // With class weights torch divides by the sum of those of the batch, not by its samples.
  if (!sample_weights.defined()) return at::nll_loss(prediction, target, class_weights);
  const Tensor loss = at::nll_loss(prediction, target, class_weights, at::Reduction::None);
  return (sample_weights * loss).mean();
}

Tensor histogram_loss(const Tensor& log_probabilities, const Tensor& target,
                      const Tensor& bin_edges, const Tensor& sample_weights) {
  expect_shape(target, {log_probabilities.size(0), 1}, "target");
  const Tensor shares = model::functional::soft_targets(target.squeeze(1), bin_edges);
  const Tensor loss = -(shares * log_probabilities).sum(-1);
  return sample_weights.defined() ? (sample_weights * loss).mean() : loss.mean();
}

Tensor count_loss(const Tensor& prediction, const Tensor& counts, const Tensor& mask) {
  expect_shape(counts, prediction.sizes(), "counts");
  // Over the ASVs that are there: padding would make a batch of small samples look good.
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
  // No pair: a zero that still has a gradient, so that backward finds its way.
  if (size < 2) return embeddings.sum() * 0;
  // Each pair once; the diagonal is 0 on both sides and would only make the mean smaller.
  const Tensor pairs =
      at::triu_indices(size, size, /*offset=*/1, at::TensorOptions().device(embeddings.device()));
  const Tensor first = pairs[0], second = pairs[1];
  return at::mse_loss(embedding_distances(embeddings).index({first, second}),
                      distances.index({first, second}));
}

Tensor base_loss(const Tensor& prediction, const Tensor& target) {
  expect_shape(target, prediction.sizes(), "base target");
  expect_finite(target, "base target");
  return at::mse_loss(prediction, target);
}

Tensor nucleotide_loss(const Tensor& logits, const Tensor& tokens, const Tensor& where,
                       const Tensor& weight) {
  expect_shape(tokens, logits.sizes().slice(0, logits.dim() - 1), "nucleotides");
  Tensor chosen = tokens > 0;
  if (where.defined()) chosen = chosen.logical_and(where);
  const Tensor places = chosen.flatten().nonzero().squeeze(1);
  if (places.size(0) == 0) return logits.sum() * 0;
  // [places, V]: only positions that count go through the softmax.
  const Tensor rows = logits.flatten(0, -2).index({places}),
               truth = tokens.flatten().index({places});
  const Tensor loss = at::cross_entropy_loss(rows, truth, {}, at::Reduction::None);
  if (!weight.defined()) return loss.mean();
  const Tensor repeats = weight.unsqueeze(-1).expand(tokens.sizes()).flatten().index({places});
  return (loss * repeats).sum() / repeats.sum().clamp_min(1e-12);
}

std::span<const RegressionLoss> regression_losses() { return kRegressionLosses; }

const RegressionLoss& loss_with_answer(LossAnswer answer) {
  return *std::find_if(std::begin(kRegressionLosses), std::end(kRegressionLosses),
                       [&](const RegressionLoss& loss) { return loss.answer == answer; });
}

std::span<const LossTerm> loss_terms() { return kLossTerms; }

Tensor total_loss(const LossTerms& terms, const LossOptions& options) {
  Tensor sum;
  for (const LossTerm& term : kLossTerms) {
    const Tensor part = options.*term.weight * (terms.*term.value);
    sum = sum.defined() ? sum + part : part;
  }
  return sum;
}

LossTerms multi_task_loss(const model::Outputs& outputs, const LossTargets& targets,
                          const LossOptions& options, bool is_classifier,
                          const std::string& encoder_type) {
  LossTerms terms;
  // On the device and in the type of the outputs: a term that is not there is a number of them,
  // too.
  const Tensor zero = at::zeros({}, any_defined(outputs).options());
  terms.target_loss = terms.count_loss = terms.unifrac_loss = terms.nuc_loss = zero;
  if (outputs.target_prediction.defined() && targets.target.defined()) {
    terms.target_loss = target_loss(outputs, targets, options, is_classifier);
  }
  if (outputs.count_prediction.defined() && targets.counts.defined()) {
    terms.count_loss = count_loss(outputs.count_prediction, targets.counts, targets.mask);
  }
  // The distance term carries the loss of whatever the encoder is trained to tell, as in AAM.
  if (const Tensor base = base_term(outputs, targets, encoder_type); base.defined())
    terms.unifrac_loss = base;
  if (outputs.nuc_predictions.defined() && targets.nucleotides.defined()) {
    terms.nuc_loss = nucleotide_loss(outputs.nuc_predictions, targets.nucleotides,
                                     outputs.mask_indices, targets.nucleotide_weight);
  }
  terms.total_loss = total_loss(terms, options);
  return terms;
}

}  // namespace deepbio::train
