#include "deepbio/train/updates.h"

#include <cmath>

#include "deepbio/model/aam.h"
#include "deepbio/train/faults.h"
#include "deepbio/train/schedule.h"
#include "deepbio/train/weight_mean.h"

namespace deepbio::train {
namespace {

OptimizerOptions optimizer_options(const TrainingOptions& options, bool is_predictor) {
  OptimizerOptions out;
  out.kind = options.optimizer;
  out.weight_decay = options.weight_decay;
  out.beta2 = options.beta2;
  if (is_predictor) out.slow_prefix = "base_model.";
  out.slow_factor = options.base_lr_factor;
  return out;
}

NamedTensors gradients_of(const NamedTensors& parameters) {
  NamedTensors gradients;
  for (const auto& [name, parameter] : parameters) gradients.emplace_back(name, parameter.grad());
  return gradients;
}

}  // namespace

Updates::Updates(model::AamModel& model, const TrainingOptions& options, TrainingState& state,
                 const ProcessGroup& group)
    : options_(options),
      state_(state),
      group_(group),
      optimizer_(trainable_parameters(model), optimizer_options(options, model.is_predictor())),
      is_frozen_(model.is_predictor() && model.config().freeze_base),
      scales_loss_(options.mixed_precision == "fp16") {
  const auto* predictor = dynamic_cast<const model::SequencePredictorImpl*>(&model);
  if (predictor != nullptr && !predictor->mixture().is_empty()) {
    member_share_ = 1 / std::sqrt(static_cast<double>(predictor->mixture()->weight.size(0)));
  }
}

bool Updates::base_moves() const {
  return !is_frozen_ && static_cast<double>(state_.updates) >=
                            options_.unfreeze_from * static_cast<double>(total_);
}

std::string Updates::step() {
  // Before the sum and the norm: a base that stays must not count in either.
  if (!base_moves()) optimizer_.forget_slow_gradients();
  const auto& parameters = optimizer_.parameters();
  // Before the check: a gradient that is not finite in one process is not finite in all.
  group_.sum_gradients(parameters);
  if (scales_loss_) unscale_gradients(parameters, state_.loss_scale.factor);
  // Groups with rates of their own are clipped by norms of their own.
  const std::string prefix = options_.base_lr_factor == 1 ? "" : "base_model.";
  const double norm = options_.max_grad_norm > 0
                          ? clip_apart(parameters, prefix, options_.max_grad_norm * member_share_)
                          : gradient_norm(parameters);
  // One number tells whether all are finite; which one is not is looked for only then.
  const bool is_finite = std::isfinite(norm);
  if (scales_loss_ && (is_finite || state_.loss_scale.factor > 1)) {
    state_.loss_scale.see(is_finite);
    if (!is_finite) {  // too large for float16 as scaled, which says nothing about the batch
      skip();
      return "";
    }
  }
  if (!is_finite) {
    const std::string bad = first_not_finite(gradients_of(parameters));
    skip();
    return bad.empty() ? "norm of all gradients" : "gradient of " + bad;
  }
  Rate rate = scheduled_rate({options_.scheduler, options_.lr, options_.warmup_steps, total_},
                             state_.updates);
  rate.lr *= state_.plateau.factor;
  optimizer_.step(rate);
  optimizer_.zero_grad();
  state_.lr = rate.lr;
  ++state_.updates;
  average();
  return "";
}

void Updates::skip() {
  optimizer_.zero_grad();
  // The schedule counts the update nevertheless, so that its end is the end of the run.
  ++state_.updates;
}

NamedTensors Updates::swap_in(const NamedTensors& weights) {
  return train::swap_in(weights, optimizer_.parameters());
}

// Every few updates are enough for the mean, and cost little beside the optimizer.
void Updates::average() {
  constexpr int64_t kEvery = 4;
  // Counted back from the end, so that the last update is always in the mean.
  const auto first = static_cast<int64_t>(options_.average_from * static_cast<double>(total_));
  if (options_.average_from >= 1 || state_.updates < first ||
      (total_ - state_.updates) % kEvery != 0)
    return;
  add_to_mean(optimizer_.parameters(), ++state_.averaged, state_.average);
}

}  // namespace deepbio::train
