// Everything is made of one operation, a sum over processes: a broadcast adds zeros, a question
// whether any process says yes adds ones, and gradients are added up as they are.
#include "deepbio/train/process_group.h"

namespace deepbio::train {

bool ProcessGroup::any(bool here) const {
  if (is_alone()) return here;
  // Float, as sums of floats are what every network offers.
  torch::Tensor count = torch::full({1}, here ? 1 : 0, torch::kFloat);
  all_reduce(count);
  return count.item<float>() > 0;
}

void ProcessGroup::broadcast(const std::vector<torch::Tensor>& tensors) const {
  if (is_alone()) return;
  const torch::NoGradGuard no_grad;
  for (torch::Tensor tensor : tensors) {
    // Sums of booleans are not what every network offers.
    const bool is_bool = tensor.scalar_type() == torch::kBool;
    torch::Tensor sent = tensor.to(is_bool ? torch::kByte : tensor.scalar_type()).clone();
    // x + 0 + 0 is x to the last bit, so that all go on with the same weights.
    sent = is_first() ? sent.contiguous() : torch::zeros_like(sent).contiguous();
    all_reduce(sent);
    tensor.copy_(sent);
  }
}

// One sum for all: how many processes have each gradient, then the gradients.
void ProcessGroup::sum_gradients(
    const std::vector<std::pair<std::string, torch::Tensor>>& parameters) const {
  if (is_alone()) return;
  const torch::NoGradGuard no_grad;
  const auto count = static_cast<int64_t>(parameters.size());
  // Type and device of the parameters: sums are taken where the gradients are.
  const torch::TensorOptions there = parameters.front().second.options();
  torch::Tensor owners = torch::zeros({count}, there);
  std::vector<torch::Tensor> parts{owners};
  for (int64_t i = 0; i < count; ++i) {
    const torch::Tensor& parameter = parameters[static_cast<size_t>(i)].second;
    const bool has = parameter.grad().defined();
    owners[i] = has ? 1 : 0;
    // Zeros where a process has none: every process must send as many numbers.
    parts.push_back(has ? parameter.grad().reshape({-1})
                        : torch::zeros({parameter.numel()}, there));
  }
  torch::Tensor all = torch::cat(parts);
  all_reduce(all);
  int64_t begin = count;
  for (int64_t i = 0; i < count; ++i) {
    torch::Tensor parameter = parameters[static_cast<size_t>(i)].second;
    const torch::Tensor sum = all.narrow(0, begin, parameter.numel()).view_as(parameter);
    begin += parameter.numel();
    // An optimizer passes over parameters without a gradient; one of zeros would still decay them.
    if (all[i].item<float>() == 0) continue;
    if (parameter.grad().defined()) {
      parameter.mutable_grad().copy_(sum);
    } else {
      parameter.mutable_grad() = sum.clone();
    }
  }
}

}  // namespace deepbio::train
