#include "deepbio/train/weight_mean.h"

#include <torch/utils.h>

namespace deepbio::train {

NamedTensors copy_of(const NamedTensors& tensors) {
  NamedTensors copies;
  for (const auto& [name, tensor] : tensors) copies.emplace_back(name, tensor.detach().clone());
  return copies;
}

NamedTensors swap_in(const NamedTensors& weights, const NamedTensors& parameters) {
  NamedTensors before;
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < weights.size(); ++i) {
    torch::Tensor parameter = parameters[i].second;
    before.emplace_back(weights[i].first, parameter.clone());
    parameter.copy_(weights[i].second);
  }
  return before;
}

void add_to_mean(const NamedTensors& parameters, int64_t count, NamedTensors& mean) {
  const torch::NoGradGuard no_grad;
  if (count == 1) {
    mean = copy_of(parameters);
    return;
  }
  for (size_t i = 0; i < mean.size(); ++i) {
    // m + (w - m) / n: the mean of n from that of n - 1, without a sum that grows.
    mean[i].second.lerp_(parameters[i].second, 1.0 / static_cast<double>(count));
  }
}

}  // namespace deepbio::train
