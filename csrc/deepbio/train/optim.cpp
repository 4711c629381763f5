#include "deepbio/train/optim.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "deepbio/base/error.h"

namespace deepbio::train {

AdamW::AdamW(std::vector<std::pair<std::string, torch::Tensor>> parameters, AdamWOptions options)
    : parameters_(std::move(parameters)), options_(options) {
  for (const auto& [name, parameter] : parameters_) {
    exp_avg_.push_back(torch::zeros_like(parameter));
    exp_avg_sq_.push_back(torch::zeros_like(parameter));
    step_.push_back(torch::zeros({}, torch::kFloat32));
  }
}

bool AdamW::is_slow(size_t parameter) const {
  return !options_.slow_prefix.empty() && parameters_[parameter].first.starts_with(options_.slow_prefix);
}

void AdamW::step(double lr) {
  step_group(/*slow=*/false, lr);
  if (!options_.slow_prefix.empty()) step_group(/*slow=*/true, lr * options_.slow_factor);
}

void AdamW::forget_slow_gradients() {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (is_slow(i)) parameters_[i].second.mutable_grad().reset();
  }
}

void AdamW::step_group(bool slow, double lr) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> parameters, gradients, averages, squares, steps;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const torch::Tensor& parameter = parameters_[i].second;
    torch::Tensor gradient = parameter.grad();
    if (!gradient.defined() || is_slow(i) != slow) continue;
    // All tensors of a parameter are walked through side by side, as they lie in memory.
    if (gradient.strides() != parameter.strides()) gradient = torch::empty_like(parameter).copy_(gradient);
    step_[i] += 1;
    parameters.push_back(parameter), gradients.push_back(gradient);
    averages.push_back(exp_avg_[i]), squares.push_back(exp_avg_sq_[i]), steps.push_back(step_[i]);
  }
  if (parameters.empty()) return;
  at::_fused_adamw_(parameters, gradients, averages, squares, /*max_exp_avg_sqs=*/{}, steps, lr, options_.beta1,
                    options_.beta2, options_.weight_decay, options_.eps, /*amsgrad=*/false, /*maximize=*/false);
}

void AdamW::zero_grad() {
  for (auto& [name, parameter] : parameters_) parameter.mutable_grad().reset();
}

std::vector<std::pair<std::string, torch::Tensor>> AdamW::state() const {
  std::vector<std::pair<std::string, torch::Tensor>> state;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const std::string& name = parameters_[i].first;
    state.emplace_back("exp_avg/" + name, exp_avg_[i]);
    state.emplace_back("exp_avg_sq/" + name, exp_avg_sq_[i]);
    state.emplace_back("step/" + name, step_[i]);
  }
  return state;
}

void AdamW::load_state(const std::vector<std::pair<std::string, torch::Tensor>>& state) {
  const torch::NoGradGuard no_grad;
  std::unordered_map<std::string, torch::Tensor> by_name(state.begin(), state.end());
  const auto own = this->state();
  if (by_name.size() != own.size()) {
    throw ConfigError("optimizer state: expected " + std::to_string(own.size()) + " tensors, got " +
                      std::to_string(by_name.size()));
  }
  for (const auto& [name, tensor] : own) {
    const auto found = by_name.find(name);
    if (found == by_name.end()) throw ConfigError("optimizer state: " + quoted(name, 200) + " is missing");
    if (found->second.sizes() != tensor.sizes()) {
      throw ConfigError("optimizer state: " + quoted(name, 200) + " has another shape than its parameter");
    }
    torch::Tensor destination = tensor;
    destination.copy_(found->second);
  }
}

double clip_gradients(const std::vector<std::pair<std::string, torch::Tensor>>& parameters, double max_norm) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> norms;
  for (const auto& [name, parameter] : parameters) {
    if (parameter.grad().defined()) norms.push_back(parameter.grad().norm());
  }
  if (norms.empty()) return 0;
  const double total = torch::stack(norms).norm().item<double>();
  const double factor = max_norm / (total + 1e-6);
  if (factor < 1) {
    for (const auto& [name, parameter] : parameters) {
      if (parameter.grad().defined()) parameter.grad().mul_(factor);
    }
  }
  return total;
}

double warmup_cosine(int64_t step, double lr, int64_t warmup_steps, int64_t total_steps) {
  const int64_t warmup = std::min(warmup_steps, total_steps / 10);
  if (step < warmup) return lr * static_cast<double>(step + 1) / static_cast<double>(warmup);
  const int64_t rest = std::max<int64_t>(total_steps - warmup, 1);
  const double progress = std::min(1.0, static_cast<double>(step - warmup) / static_cast<double>(rest));
  return lr * 0.5 * (1 + std::cos(M_PI * progress));
}

}  // namespace deepbio::train
