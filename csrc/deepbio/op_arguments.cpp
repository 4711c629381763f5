#include "deepbio/op_arguments.h"

#include <ATen/ops/empty_like.h>

#include "deepbio/model/encoder_stack.h"
#include "deepbio/model/functional.h"
#include "deepbio/model/fusion.h"
#include "deepbio/model/initialize.h"
#include "deepbio/model/members.h"
#include "deepbio/train/losses.h"

namespace deepbio::op {

namespace fn = deepbio::model::functional;

Tensor encoder_layer(const Tensor& x, const std::optional<Tensor>& key_mask, at::TensorList weights,
                     int64_t num_heads, int64_t activation, double dropout, bool training) {
  return fn::encoder_layer(x, key_mask.value_or(Tensor()), fn::layer_weights(weights), num_heads,
                           static_cast<fn::Activation>(activation), dropout, training);
}

Tensor encoder_stack(const Tensor& x, const std::optional<Tensor>& key_mask, at::TensorList weights,
                     int64_t num_heads, int64_t activation, double dropout, bool training,
                     const std::optional<Tensor>& seed, bool skip_padding) {
  constexpr size_t kEach = fn::kNumLayerWeights;
  TORCH_CHECK_VALUE(weights.size() % kEach == 0, "encoder_stack: expected ", kEach,
                    " weights for each layer, got ", weights.size());
  std::vector<fn::EncoderLayerWeights> layers;
  for (size_t i = 0; i < weights.size(); i += kEach)
    layers.push_back(fn::layer_weights(weights.slice(i, kEach)));
  return fn::encoder_stack(
      x, key_mask.value_or(Tensor()), layers,
      {num_heads, static_cast<fn::Activation>(activation), dropout, training, skip_padding},
      // Through the dispatcher: torch.compile sees the two leaves instead of a function it cannot
      // enter.
      seed.value_or(Tensor()), fn::FusedPath::kDispatched);
}

Tensor fuse_concat(const Tensor& x, const Tensor& categories, const Tensor& weight,
                   const Tensor& bias) {
  return fn::fuse_concat(x, categories, {weight, bias});
}

Tensor fuse_add(const Tensor& x, const Tensor& categories, const Tensor& weight,
                const Tensor& bias) {
  return fn::fuse_add(x, categories, {weight, bias});
}

std::tuple<Tensor, Tensor> fuse_gmu(const Tensor& pooled, const Tensor& categories,
                                    const Tensor& transform_weight, const Tensor& transform_bias,
                                    const Tensor& gate_weight, const Tensor& gate_bias) {
  auto [fused, gate] = fn::fuse_gmu(pooled, categories, {transform_weight, transform_bias},
                                    {gate_weight, gate_bias});
  return {fused, gate};
}

std::tuple<Tensor, Tensor> fuse_cross_attention(const Tensor& x, const Tensor& categories,
                                                at::TensorList weights, int64_t num_heads,
                                                double dropout, bool training) {
  auto [values, attention] = fn::fuse_cross_attention(
      x, categories, fn::cross_attention_weights(weights), {num_heads, dropout, training});
  return {values, attention};
}

std::tuple<Tensor, Tensor> attend_latents(const Tensor& x, const Tensor& mask,
                                          const Tensor& categories, at::TensorList weights,
                                          int64_t num_heads, double dropout, bool training) {
  auto [values, attention] = fn::attend_latents(
      x, mask, categories, fn::latent_attention_weights(weights), {num_heads, dropout, training});
  return {values, attention};
}

Tensor span_mask_meta(const Tensor& tokens, double) { return at::empty_like(tokens, at::kBool); }

Tensor histogram_loss(const Tensor& log_probabilities, const Tensor& target,
                      const Tensor& bin_edges, const std::optional<Tensor>& sample_weights) {
  return deepbio::train::histogram_loss(log_probabilities, target, bin_edges,
                                        sample_weights.value_or(Tensor()));
}

Tensor member_nets(const Tensor& x, const Tensor& weight, const Tensor& bias,
                   const Tensor& norm_weight, const Tensor& norm_bias, const Tensor& head_weight,
                   const Tensor& head_bias, double input_dropout, double dropout, bool training) {
  return fn::member_nets(x, {weight, bias, norm_weight, norm_bias, head_weight, head_bias},
                         {input_dropout, dropout, training});
}

Tensor init_parameter(const std::string& name, at::IntArrayRef shape, int64_t fan_in,
                      int64_t seed) {
  return deepbio::model::initial_parameter(name, shape, fan_in, static_cast<uint64_t>(seed));
}

Tensor regression_loss(const Tensor& prediction, const Tensor& target, std::string loss_type,
                       std::vector<double> quantiles, double over_penalty, double under_penalty,
                       const c10::Dict<std::string, std::string>& loss_config,
                       const std::optional<Tensor>& sample_weights) {
  deepbio::train::LossOptions options;
  options.target_loss_type = std::move(loss_type);
  options.quantiles = std::move(quantiles);
  options.over_penalty = over_penalty;
  options.under_penalty = under_penalty;
  for (const auto& item : loss_config) options.loss_config[item.key()] = item.value();
  // An operator takes any string: an unknown loss is refused here.
  options.check();
  return deepbio::train::regression_loss(prediction, target, options,
                                         sample_weights.value_or(Tensor()));
}

Tensor classification_loss(const Tensor& prediction, const Tensor& target,
                           const std::optional<Tensor>& class_weights,
                           const std::optional<Tensor>& sample_weights) {
  return deepbio::train::classification_loss(prediction, target, class_weights.value_or(Tensor()),
                                             sample_weights.value_or(Tensor()));
}

Tensor nucleotide_loss(const Tensor& logits, const Tensor& tokens,
                       const std::optional<Tensor>& where, const std::optional<Tensor>& weight) {
  return deepbio::train::nucleotide_loss(logits, tokens, where.value_or(Tensor()),
                                         weight.value_or(Tensor()));
}

}  // namespace deepbio::op
