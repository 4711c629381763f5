// torch's own fused kernels do the arithmetic: one call for all parameters, the same numbers as
// torch.optim with fused=True. What is here is which parameters are asked, and the state by name.
#include "deepbio/train/optim.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "deepbio/base/error.h"
#include "deepbio/model/aam.h"

namespace deepbio::train {
namespace {

// What the fused kernels walk through side by side.
struct Walked {
  std::vector<torch::Tensor>&parameters, &gradients, &averages, &squares, &steps;
};

void fused_adamw(const Walked& all, double lr, double beta1, const OptimizerOptions& options) {
  at::_fused_adamw_(all.parameters, all.gradients, all.averages, all.squares,
                    /*max_exp_avg_sqs=*/{}, all.steps, lr, beta1, options.beta2,
                    options.weight_decay, options.eps, /*amsgrad=*/false, /*maximize=*/false);
}

void fused_adam(const Walked& all, double lr, double beta1, const OptimizerOptions& options) {
  at::_fused_adam_(all.parameters, all.gradients, all.averages, all.squares, /*max_exp_avg_sqs=*/{},
                   all.steps, lr, beta1, options.beta2, options.weight_decay, options.eps,
                   /*amsgrad=*/false, /*maximize=*/false);
}

}  // namespace

Optimizer::Optimizer(std::vector<std::pair<std::string, torch::Tensor>> parameters,
                     OptimizerOptions options)
    : parameters_(std::move(parameters)), options_(std::move(options)) {
  for (const auto& [name, parameter] : parameters_) {
    // With the strides of the parameter, which the kernels walk through side by side.
    average_.push_back(torch::zeros_like(parameter));
    if (!is_sgd()) square_.push_back(torch::zeros_like(parameter));
    // The fused kernels of torch count steps in a float of each parameter.
    step_.push_back(torch::zeros({}, parameter.options().dtype(torch::kFloat32)));
  }
}

bool Optimizer::is_slow(size_t parameter) const {
  return !options_.slow_prefix.empty() &&
         parameters_[parameter].first.starts_with(options_.slow_prefix);
}

void Optimizer::step(const Rate& rate) {
  step_group(/*slow=*/false, rate);
  if (!options_.slow_prefix.empty())
    step_group(/*slow=*/true, {rate.lr * options_.slow_factor, rate.momentum});
}

void Optimizer::forget_slow_gradients() {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    // Undefined, not zero: a gradient of zeros would still move weights by decay and momentum.
    if (is_slow(i)) parameters_[i].second.mutable_grad().reset();
  }
}

void Optimizer::step_group(bool slow, const Rate& rate) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> parameters, gradients, averages, squares, steps;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const torch::Tensor& parameter = parameters_[i].second;
    torch::Tensor gradient = parameter.grad();
    if (!gradient.defined() || is_slow(i) != slow) continue;
    // All tensors of a parameter are walked through side by side, as they lie in memory.
    if (gradient.strides() != parameter.strides())
      gradient = torch::empty_like(parameter).copy_(gradient);
    step_[i] += 1;
    parameters.push_back(parameter), gradients.push_back(gradient);
    averages.push_back(average_[i]), steps.push_back(step_[i]);
    if (!is_sgd()) squares.push_back(square_[i]);
  }
  if (parameters.empty()) return;
  const double decay = options_.weight_decay;
  if (is_sgd()) {
    // A buffer of zeros becomes the gradient in the first step, as torch's does.
    at::_fused_sgd_(
        parameters, gradients, averages, decay, rate.momentum.value_or(options_.momentum), rate.lr,
        /*dampening=*/0, /*nesterov=*/false, /*maximize=*/false, /*is_first_step=*/false);
    return;
  }
  const auto fused = options_.kind == "adam" ? &fused_adam : &fused_adamw;
  fused({parameters, gradients, averages, squares, steps}, rate.lr,
        rate.momentum.value_or(options_.beta1), options_);
}

void Optimizer::zero_grad() {
  for (auto& [name, parameter] : parameters_) parameter.mutable_grad().reset();
}

std::vector<std::pair<std::string, torch::Tensor>> Optimizer::state() const {
  std::vector<std::pair<std::string, torch::Tensor>> state;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const std::string& name = parameters_[i].first;
    state.emplace_back((is_sgd() ? "momentum_buffer/" : "exp_avg/") + name, average_[i]);
    if (!is_sgd()) state.emplace_back("exp_avg_sq/" + name, square_[i]);
    state.emplace_back("step/" + name, step_[i]);
  }
  return state;
}

void Optimizer::load_state(const std::vector<std::pair<std::string, torch::Tensor>>& state) {
  const torch::NoGradGuard no_grad;
  // By name, not by place: parameters may be registered in another order than when the state was
  // written.
  std::unordered_map<std::string, torch::Tensor> by_name(state.begin(), state.end());
  const auto own = this->state();
  if (by_name.size() != own.size()) {
    throw ConfigError("optimizer state: expected " + std::to_string(own.size()) + " tensors, got " +
                      std::to_string(by_name.size()));
  }
  for (const auto& [name, tensor] : own) {
    const auto found = by_name.find(name);
    if (found == by_name.end())
      throw ConfigError("optimizer state: " + quoted(name, 200) + " is missing");
    if (found->second.sizes() != tensor.sizes()) {
      throw ConfigError("optimizer state: " + quoted(name, 200) +
                        " has another shape than its parameter");
    }
    // Into the tensor that is there, which keeps its device and memory format.
    torch::Tensor destination = tensor;
    destination.copy_(found->second);
  }
}

void LossScale::see(bool is_finite) {
  constexpr int64_t kUpdatesToGrow = 2000;
  if (!is_finite) {
    factor /= 2;
    updates = 0;
  } else if (++updates == kUpdatesToGrow) {
    factor *= 2;
    updates = 0;
  }
}

void unscale_gradients(const std::vector<std::pair<std::string, torch::Tensor>>& parameters,
                       double factor) {
  std::vector<torch::Tensor> gradients;
  for (const auto& [name, parameter] : parameters)
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  if (!gradients.empty()) torch::_foreach_mul_(gradients, 1 / factor);
}

std::vector<std::pair<std::string, torch::Tensor>> trainable_parameters(
    const model::AamModel& model) {
  std::vector<std::pair<std::string, torch::Tensor>> parameters;
  for (const auto& item : model.named_parameters()) {
    const bool is_frozen = model.is_predictor() && model.config().freeze_base &&
                           item.key().rfind("base_model.", 0) == 0;
    if (item.value().requires_grad() && !is_frozen)
      parameters.emplace_back(item.key(), item.value());
  }
  if (parameters.empty())
    throw ArgumentError("trainer: expected parameters to train, got none (all are frozen)");
  return parameters;
}

double gradient_norm(const std::vector<std::pair<std::string, torch::Tensor>>& parameters) {
  const torch::NoGradGuard no_grad;
  // The norm of the norms is that of all gradients as one vector, as torch.nn.utils.clip_grad_norm_
  // takes it.
  std::vector<torch::Tensor> norms;
  for (const auto& [name, parameter] : parameters) {
    if (parameter.grad().defined()) norms.push_back(parameter.grad().norm());
  }
  return norms.empty() ? 0 : torch::stack(norms).norm().item<double>();
}

double clip_gradients(const std::vector<std::pair<std::string, torch::Tensor>>& parameters,
                      double max_norm) {
  const torch::NoGradGuard no_grad;
  const double total = gradient_norm(parameters);
  // torch's own epsilon, so that the same run clips the same.
  const double factor = max_norm / (total + 1e-6);
  if (factor < 1 && std::isfinite(total)) {
    for (const auto& [name, parameter] : parameters) {
      if (parameter.grad().defined()) parameter.grad().mul_(factor);
    }
  }
  return total;
}

double clip_apart(const std::vector<std::pair<std::string, torch::Tensor>>& parameters,
                  const std::string& prefix, double max_norm) {
  // By one norm heads hardly learn beside an encoder that is trained along: its gradients are the
  // larger ones.
  std::vector<std::pair<std::string, torch::Tensor>> with_prefix, others;
  for (const auto& each : parameters)
    (each.first.starts_with(prefix) ? with_prefix : others).push_back(each);
  return std::hypot(clip_gradients(with_prefix, max_norm), clip_gradients(others, max_norm));
}

}  // namespace deepbio::train
