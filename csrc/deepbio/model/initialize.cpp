#include "deepbio/model/initialize.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <torch/utils.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <initializer_list>
#include <string_view>

#include "deepbio/base/random.h"

namespace deepbio::model {
namespace {

constexpr double kLatentDeviation = 0.02;

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// Whether one of the dotted parts of a name is `part`.
bool has_part(std::string_view name, std::string_view part) {
  for (size_t at = name.find(part); at != name.npos; at = name.find(part, at + 1)) {
    const size_t end = at + part.size();
    if ((at == 0 || name[at - 1] == '.') && (end == name.size() || name[end] == '.')) return true;
  }
  return false;
}

bool has_any_part(std::string_view name, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return has_part(name, part); });
}

// "x.layers.3.linear1.weight" -> "x.layers.linear1.weight"
std::string without_layer_number(const std::string& name) {
  // AAM copies one layer to make a stack, so that all its layers start the same.
  const size_t at = name.find("layers.");
  if (at == std::string::npos) return name;
  size_t end = at + 7;
  while (end < name.size() && std::isdigit(static_cast<unsigned char>(name[end]))) ++end;
  return end < name.size() && name[end] == '.' ? name.substr(0, at + 6) + name.substr(end) : name;
}

template <class Draw>
torch::Tensor filled(at::IntArrayRef shape, Draw&& draw) {
  torch::Tensor out = at::empty(shape, at::kFloat);
  float* values = out.mutable_data_ptr<float>();
  // In the order of memory, one stream for each parameter.
  for (int64_t i = 0; i < out.numel(); ++i) values[i] = static_cast<float>(draw());
  return out;
}

torch::Tensor uniform(at::IntArrayRef shape, double bound, CounterRandom& random) {
  return filled(shape, [&] { return (2 * random.uniform() - 1) * bound; });
}

// Layers that start Xavier-uniform with zero bias (uni_ff: another bias).
bool is_xavier(std::string_view name) {
  return has_any_part(name, {"target_head", "count_head", "categorical_projection", "gmu", "uni_ff",
                             "seq_projection", "cat_projection", "output_projection"});
}

// Values that need no chance; undefined for a parameter that is drawn.
torch::Tensor constant(const std::string& name, at::IntArrayRef shape) {
  const bool is_bias = ends_with(name, "bias");
  if (has_any_part(name, {"norm", "norm1", "norm2", "target_norm", "cross_norm"})) {
    return at::full(shape, is_bias ? 0.0 : 1.0, at::kFloat);
  }
  if (has_any_part(name, {"output_scale", "output_scales"}))
    return at::full(shape, 1.0, at::kFloat);
  if (ends_with(name, "abundance_pooling.scale")) return at::full(shape, 1.0, at::kFloat);
  if (ends_with(name, "abundance_pooling.shift")) return at::zeros(shape, at::kFloat);
  if (ends_with(name, ".norm_weight")) return at::full(shape, 1.0, at::kFloat);
  if (ends_with(name, ".norm_bias")) return at::zeros(shape, at::kFloat);
  if (has_any_part(name, {"head_weight", "head_bias"})) return at::zeros(shape, at::kFloat);
  if (has_any_part(name, {"output_bias", "output_biases"})) return at::zeros(shape, at::kFloat);
  if (!is_bias) return {};
  if (has_part(name, "uni_ff")) return at::full(shape, 0.85, at::kFloat);
  const bool zero =
      ends_with(name, "in_proj_bias") || is_xavier(name) || has_part(name, "out_proj");
  return zero ? at::zeros(shape, at::kFloat) : torch::Tensor();
}

}  // namespace

torch::Tensor initial_parameter(const std::string& name, at::IntArrayRef shape, int64_t fan_in,
                                uint64_t seed) {
  // Order matters: a norm inside of a Xavier layer is a norm.
  if (torch::Tensor fixed = constant(name, shape); fixed.defined()) return fixed;
  CounterRandom random(seed, 0, hash_bytes(without_layer_number(name)), Purpose::kInit);
  if (has_any_part(name, {"token_embedding", "position_embedding", "categorical_embedder"})) {
    torch::Tensor out = filled(shape, [&] { return random.normal(); });
    if (has_part(name, "categorical_embedder")) out.select(0, 0).zero_();
    return out;
  }
  if (ends_with(name, "perceiver_fusion.latents")) {
    return filled(shape, [&] { return kLatentDeviation * random.normal(); });
  }
  if (ends_with(name, "in_proj_weight") || is_xavier(name)) {
    // Glorot & Bengio (2010): bound sqrt(6 / (fan_in + fan_out)).
    return uniform(shape, std::sqrt(6.0 / static_cast<double>(shape[0] + fan_in)), random);
  }
  return uniform(shape, 1 / std::sqrt(static_cast<double>(fan_in)), random);
}

uint64_t seed_of_default_generator() {
  return static_cast<uint64_t>(at::randint(int64_t{1} << 62, {1}, at::kLong).item<int64_t>());
}

void init_parameters(torch::nn::Module& module, uint64_t seed) {
  torch::NoGradGuard no_grad;
  const auto parameters = module.named_parameters();
  for (const auto& item : parameters) {
    const std::string& name = item.key();
    // torch draws a bias by the fan-in of the weight beside it, as x W' + b has both at one scale.
    const torch::Tensor* weight = &item.value();
    if (ends_with(name, "bias")) {
      const auto* beside = parameters.find(name.substr(0, name.size() - 4) + "weight");
      if (beside != nullptr) weight = beside;
    }
    const int64_t fan_in = weight->dim() > 1 ? weight->size(1) : weight->numel();
    item.value().copy_(initial_parameter(name, item.value().sizes(), fan_in, seed));
  }
}

}  // namespace deepbio::model
