// Every torch.ops.deepbio schema on one screen. All are composites of aten operators over model/functional: autograd,
// torch.compile, torch.export and ONNX look inside them. Leaves are span_mask, which walks over rows, and both halves
// of the fused encoder stack. Errors that cross the dispatcher arrive in Python as RuntimeError; argument checks belong
// to the two shells.
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/library.h>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "deepbio/model/config.h"
#include "deepbio/model/distribution.h"
#include "deepbio/model/encoder_fused.h"
#include "deepbio/model/encoder_stack.h"
#include "deepbio/model/functional.h"
#include "deepbio/model/fusion.h"
#include "deepbio/model/initialize.h"
#include "deepbio/model/known_asvs.h"
#include "deepbio/model/members.h"
#include "deepbio/train/losses.h"

namespace {

using at::Tensor;
namespace fn = deepbio::model::functional;
namespace enc = deepbio::model::encoder;

Tensor encoder_layer(const Tensor& x, const std::optional<Tensor>& key_mask, const Tensor& in_proj_weight,
                     const Tensor& in_proj_bias, const Tensor& out_proj_weight, const Tensor& out_proj_bias,
                     const Tensor& linear1_weight, const Tensor& linear1_bias, const Tensor& linear2_weight,
                     const Tensor& linear2_bias, const Tensor& norm1_weight, const Tensor& norm1_bias,
                     const Tensor& norm2_weight, const Tensor& norm2_bias, int64_t num_heads, int64_t activation,
                     double dropout, bool training) {
  const fn::EncoderLayerWeights weights{in_proj_weight, in_proj_bias, out_proj_weight, out_proj_bias,
                                        linear1_weight, linear1_bias, linear2_weight,  linear2_bias,
                                        norm1_weight,   norm1_bias,   norm2_weight,    norm2_bias};
  return fn::encoder_layer(x, key_mask.value_or(Tensor()), weights, num_heads, static_cast<fn::Activation>(activation),
                           dropout, training);
}

// The fused stack below autograd, as operators: torch.compile records these two.
std::tuple<Tensor, Tensor> stack_forward(const Tensor& x, const std::optional<Tensor>& key_mask, const Tensor& weights,
                                         const Tensor& seed, int64_t num_layers, int64_t width, int64_t num_heads,
                                         int64_t activation, double dropout, bool save, bool skip_padding) {
  return enc::fused_forward(x, key_mask.value_or(Tensor()), weights, seed,
                            {num_layers, width, num_heads, activation, dropout, skip_padding}, save);
}

std::tuple<Tensor, Tensor> stack_backward(const Tensor& grad, const std::optional<Tensor>& key_mask,
                                          const Tensor& weights, const Tensor& seed, const Tensor& saved,
                                          int64_t num_layers, int64_t width, int64_t num_heads, int64_t activation,
                                          double dropout, bool weight_gradients, bool skip_padding) {
  return enc::fused_backward(grad, key_mask.value_or(Tensor()), weights, seed, saved,
                             {num_layers, width, num_heads, activation, dropout, skip_padding}, weight_gradients);
}

std::tuple<Tensor, Tensor> stack_forward_meta(const Tensor& x, const std::optional<Tensor>&, const Tensor&,
                                              const Tensor&, int64_t num_layers, int64_t width, int64_t num_heads,
                                              int64_t activation, double dropout, bool save, bool) {
  const int64_t floats = enc::saved_floats(x.sym_size(2).guard_int(__FILE__, __LINE__),
                                           {num_layers, width, num_heads, activation, dropout});
  const Tensor saved =
      save ? at::empty_symint({x.sym_size(0), x.sym_size(1), floats}, x.options()) : at::empty({0}, x.options());
  return {at::empty_symint(x.sym_sizes(), x.options()), saved};
}

std::tuple<Tensor, Tensor> stack_backward_meta(const Tensor& grad, const std::optional<Tensor>&, const Tensor& weights,
                                               const Tensor&, const Tensor&, int64_t, int64_t, int64_t, int64_t, double,
                                               bool weight_gradients, bool) {
  return {
      at::empty_symint(grad.sym_sizes(), grad.options()),
      weight_gradients ? at::empty_symint(weights.sym_sizes(), weights.options()) : at::empty({0}, weights.options())};
}

std::tuple<Tensor, Tensor> call_stack_forward(const Tensor& x, const Tensor& key_mask, const Tensor& weights,
                                              const Tensor& seed, const enc::FusedOptions& o, bool save) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("deepbio::encoder_stack_forward", "")
                             .typed<decltype(stack_forward)>();
  return op.call(x, key_mask.defined() ? std::optional(key_mask) : std::nullopt, weights, seed, o.num_layers, o.width,
                 o.num_heads, o.activation, o.dropout, save, o.skip_padding);
}

std::tuple<Tensor, Tensor> call_stack_backward(const Tensor& grad, const Tensor& key_mask, const Tensor& weights,
                                               const Tensor& seed, const Tensor& saved, const enc::FusedOptions& o,
                                               bool weight_gradients) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("deepbio::encoder_stack_backward", "")
                             .typed<decltype(stack_backward)>();
  return op.call(grad, key_mask.defined() ? std::optional(key_mask) : std::nullopt, weights, seed, saved, o.num_layers,
                 o.width, o.num_heads, o.activation, o.dropout, weight_gradients, o.skip_padding);
}

Tensor encoder_stack(const Tensor& x, const std::optional<Tensor>& key_mask, at::TensorList weights, int64_t num_heads,
                     int64_t activation, double dropout, bool training, const std::optional<Tensor>& seed,
                     bool skip_padding) {
  constexpr size_t kEach = 12;
  TORCH_CHECK_VALUE(weights.size() % kEach == 0, "encoder_stack: expected 12 weights for each layer, got ",
                    weights.size());
  std::vector<fn::EncoderLayerWeights> layers;
  for (size_t i = 0; i < weights.size(); i += kEach) {
    const auto w = weights.slice(i, kEach);
    layers.push_back({w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9], w[10], w[11]});
  }
  return fn::encoder_stack(x, key_mask.value_or(Tensor()), layers,
                           {num_heads, static_cast<fn::Activation>(activation), dropout, training, skip_padding},
                           seed.value_or(Tensor()), {&call_stack_forward, &call_stack_backward});
}

Tensor fuse_concat(const Tensor& x, const Tensor& categories, const Tensor& weight, const Tensor& bias) {
  return fn::fuse_concat(x, categories, {weight, bias});
}

Tensor fuse_add(const Tensor& x, const Tensor& categories, const Tensor& weight, const Tensor& bias) {
  return fn::fuse_add(x, categories, {weight, bias});
}

std::tuple<Tensor, Tensor> fuse_gmu(const Tensor& pooled, const Tensor& categories, const Tensor& transform_weight,
                                    const Tensor& transform_bias, const Tensor& gate_weight, const Tensor& gate_bias) {
  auto [fused, gate] = fn::fuse_gmu(pooled, categories, {transform_weight, transform_bias}, {gate_weight, gate_bias});
  return {fused, gate};
}

std::tuple<Tensor, Tensor> fuse_cross_attention(const Tensor& x, const Tensor& categories, const Tensor& proj_weight,
                                                const Tensor& proj_bias, const Tensor& in_proj_weight,
                                                const Tensor& in_proj_bias, const Tensor& out_proj_weight,
                                                const Tensor& out_proj_bias, const Tensor& norm_weight,
                                                const Tensor& norm_bias, int64_t num_heads, double dropout,
                                                bool training) {
  auto [values, attention] = fn::fuse_cross_attention(
      x, categories, {proj_weight, proj_bias}, {{in_proj_weight, in_proj_bias}, {out_proj_weight, out_proj_bias}},
      {norm_weight, norm_bias}, num_heads, dropout, training);
  return {values, attention};
}

std::tuple<Tensor, Tensor> attend_latents(const Tensor& x, const Tensor& mask, const Tensor& categories,
                                          const Tensor& latents, const Tensor& slot_weight, const Tensor& slot_bias,
                                          const Tensor& category_weight, const Tensor& category_bias,
                                          const Tensor& in_proj_weight, const Tensor& in_proj_bias,
                                          const Tensor& out_proj_weight, const Tensor& out_proj_bias,
                                          const Tensor& norm_weight, const Tensor& norm_bias, int64_t num_heads,
                                          double dropout, bool training) {
  auto [values, attention] =
      fn::attend_latents(x, mask, categories, latents, {slot_weight, slot_bias}, {category_weight, category_bias},
                         {{in_proj_weight, in_proj_bias}, {out_proj_weight, out_proj_bias}}, {norm_weight, norm_bias},
                         num_heads, dropout, training);
  return {values, attention};
}

Tensor span_mask_meta(const Tensor& tokens, double) { return at::empty_like(tokens, at::kBool); }

Tensor histogram_loss(const Tensor& log_probabilities, const Tensor& target, const Tensor& bin_edges,
                      const std::optional<Tensor>& sample_weights) {
  return deepbio::train::histogram_loss(log_probabilities, target, bin_edges, sample_weights.value_or(Tensor()));
}

Tensor member_nets(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& norm_weight,
                   const Tensor& norm_bias, const Tensor& head_weight, const Tensor& head_bias, double input_dropout,
                   double dropout, bool training) {
  return fn::member_nets(x, {weight, bias, norm_weight, norm_bias, head_weight, head_bias},
                         {input_dropout, dropout, training});
}

Tensor init_parameter(const std::string& name, at::IntArrayRef shape, int64_t fan_in, int64_t seed) {
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
  options.check();
  return deepbio::train::regression_loss(prediction, target, options, sample_weights.value_or(Tensor()));
}

Tensor classification_loss(const Tensor& prediction, const Tensor& target, const std::optional<Tensor>& class_weights,
                           const std::optional<Tensor>& sample_weights) {
  return deepbio::train::classification_loss(prediction, target, class_weights.value_or(Tensor()),
                                             sample_weights.value_or(Tensor()));
}

Tensor nucleotide_loss(const Tensor& logits, const Tensor& tokens, const std::optional<Tensor>& where,
                       const std::optional<Tensor>& weight) {
  return deepbio::train::nucleotide_loss(logits, tokens, where.value_or(Tensor()), weight.value_or(Tensor()));
}

}  // namespace

TORCH_LIBRARY(deepbio, m) {
  // x [R, T, D], key_mask bool [R, T], True = real; activation 0 gelu, 1 gelu_tanh, 2 relu -> [R, T, D]
  m.def(
      "encoder_layer(Tensor x, Tensor? key_mask, Tensor in_proj_weight, Tensor in_proj_bias, Tensor out_proj_weight, "
      "Tensor out_proj_bias, Tensor linear1_weight, Tensor linear1_bias, Tensor linear2_weight, Tensor linear2_bias, "
      "Tensor norm1_weight, Tensor norm1_bias, Tensor norm2_weight, Tensor norm2_bias, int num_heads, int activation, "
      "float dropout, bool training) -> Tensor",
      &encoder_layer);
  // Layers one after the other, 12 weights each in the order of encoder_layer; seed int64 [] of the fused dropout;
  // with skip_padding rows where key_mask is False are zero in the result and cost nothing at the end of a sequence.
  m.def(
      "encoder_stack(Tensor x, Tensor? key_mask, Tensor[] weights, int num_heads, int activation, float dropout, "
      "bool training, Tensor? seed=None, bool skip_padding=False) -> Tensor",
      &encoder_stack);
  // Leaves for float32 on the CPU; weights flat in one tensor, `saved` is what backward needs.
  m.def(
      "encoder_stack_forward(Tensor x, Tensor? key_mask, Tensor weights, Tensor seed, int num_layers, int width, "
      "int num_heads, int activation, float dropout, bool save, bool skip_padding=False) -> (Tensor y, Tensor saved)");
  m.def(
      "encoder_stack_backward(Tensor grad, Tensor? key_mask, Tensor weights, Tensor seed, Tensor saved, "
      "int num_layers, int width, int num_heads, int activation, float dropout, bool weight_gradients, bool "
      "skip_padding=False) "
      "-> (Tensor grad_x, Tensor grad_weights)");
  m.def("embed_tokens(Tensor tokens, Tensor token_weight, Tensor position_weight) -> Tensor", &fn::embed_tokens);
  m.def("add_positions(Tensor x, Tensor position_weight) -> Tensor", &fn::add_positions);
  m.def("attention_pool(Tensor x, Tensor mask, Tensor query, Tensor norm_weight, Tensor norm_bias) -> Tensor",
        &fn::attention_pool);
  m.def("gather_asvs(Tensor asv_embeddings, Tensor asv_index, Tensor mask) -> Tensor", &fn::gather_asvs);
  m.def("nucleotide_logits(Tensor states, Tensor tokens, Tensor weight, Tensor bias) -> Tensor",
        &fn::nucleotide_logits);
  m.def("pool_by_abundance(Tensor asv_embeddings, Tensor asv_index, Tensor mask, Tensor counts) -> Tensor",
        &fn::pool_by_abundance);
  m.def("count_embed_add(Tensor x, Tensor counts, Tensor weight, Tensor bias) -> Tensor", &fn::count_embed_add);
  m.def(
      "count_embed_concat(Tensor x, Tensor counts, Tensor weight, Tensor bias, Tensor proj_weight, "
      "Tensor proj_bias) -> Tensor",
      &fn::count_embed_concat);
  m.def("count_embed_film(Tensor x, Tensor counts, Tensor weight, Tensor bias) -> Tensor", &fn::count_embed_film);
  m.def("fuse_concat(Tensor x, Tensor categories, Tensor weight, Tensor bias) -> Tensor", &fuse_concat);
  m.def("fuse_add(Tensor x, Tensor categories, Tensor weight, Tensor bias) -> Tensor", &fuse_add);
  m.def(
      "fuse_gmu(Tensor pooled, Tensor categories, Tensor transform_weight, Tensor transform_bias, "
      "Tensor gate_weight, Tensor gate_bias) -> (Tensor fused, Tensor gate)",
      &fuse_gmu);
  m.def(
      "fuse_cross_attention(Tensor x, Tensor categories, Tensor proj_weight, Tensor proj_bias, Tensor in_proj_weight, "
      "Tensor in_proj_bias, Tensor out_proj_weight, Tensor out_proj_bias, Tensor norm_weight, Tensor norm_bias, "
      "int num_heads, float dropout, bool training) -> (Tensor values, Tensor attention)",
      &fuse_cross_attention);
  m.def(
      "attend_latents(Tensor x, Tensor mask, Tensor categories, Tensor latents, Tensor slot_weight, Tensor slot_bias, "
      "Tensor category_weight, Tensor category_bias, Tensor in_proj_weight, Tensor in_proj_bias, "
      "Tensor out_proj_weight, Tensor out_proj_bias, Tensor norm_weight, Tensor norm_bias, int num_heads, "
      "float dropout, bool training) -> (Tensor values, Tensor attention)",
      &attend_latents);
  m.def("conditional_scale(Tensor y, Tensor ids, Tensor scale, Tensor bias) -> Tensor", &fn::conditional_scale);
  // Members side by side on x [B, I] -> [E, B, O]; their answers [M, B, C] as one; a histogram's target and answers.
  m.def(
      "member_nets(Tensor x, Tensor weight, Tensor bias, Tensor norm_weight, Tensor norm_bias, Tensor head_weight, "
      "Tensor head_bias, float input_dropout, float dropout, bool training) -> Tensor",
      &member_nets);
  m.def("mix_members(Tensor logits, Tensor weight, Tensor temperature) -> Tensor", &fn::mix_members);
  m.def("soft_targets(Tensor target, Tensor bin_edges) -> Tensor", &fn::soft_targets);
  m.def("distribution_quantile(Tensor log_probabilities, Tensor bin_edges, float level) -> Tensor",
        &fn::distribution_quantile);
  m.def("distribution_mean(Tensor log_probabilities, Tensor bin_edges) -> Tensor", &fn::distribution_mean);
  m.def("asv_identity(Tensor asv_tokens, Tensor keys) -> Tensor", &fn::asv_identity);
  m.def("known_columns(Tensor identity, Tensor known) -> Tensor", &fn::known_columns);
  m.def(
      "known_asv_inputs(Tensor columns, Tensor asv_index, Tensor mask, Tensor counts, Tensor known, "
      "bool log_abundance, float[] levels=[0.0]) -> Tensor",
      &fn::known_asv_inputs);
  m.def(
      "pool_sequences(Tensor asv_embeddings, Tensor asv_index, Tensor mask, Tensor counts, bool log_abundance) "
      "-> Tensor",
      &fn::pool_sequences);
  m.def("asv_mask(Tensor tokens) -> Tensor", &fn::asv_mask);
  m.def("slot_index(Tensor mask) -> Tensor", &fn::slot_index);
  m.def("random_mask(Tensor tokens, float ratio) -> Tensor", &fn::random_mask);
  m.def("span_mask(Tensor tokens, float ratio) -> Tensor");
  m.def("apply_mask_token(Tensor tokens, Tensor which) -> Tensor", &fn::apply_mask_token);
  // Losses: what each is measured against and its axes stand in train/losses.h.
  m.def(
      "regression_loss(Tensor prediction, Tensor target, str loss_type, float[] quantiles, float over_penalty, "
      "float under_penalty, Dict(str, str) loss_config, Tensor? sample_weights=None) -> Tensor",
      &regression_loss);
  m.def(
      "classification_loss(Tensor prediction, Tensor target, Tensor? class_weights=None, Tensor? sample_weights=None) "
      "-> Tensor",
      &classification_loss);
  m.def(
      "histogram_loss(Tensor log_probabilities, Tensor target, Tensor bin_edges, Tensor? sample_weights=None) "
      "-> Tensor",
      &histogram_loss);
  m.def("count_loss(Tensor prediction, Tensor counts, Tensor mask) -> Tensor", &deepbio::train::count_loss);
  m.def("embedding_distances(Tensor embeddings) -> Tensor", &deepbio::train::embedding_distances);
  m.def("unifrac_loss(Tensor embeddings, Tensor distances) -> Tensor", &deepbio::train::unifrac_loss);
  m.def("base_loss(Tensor prediction, Tensor target) -> Tensor", &deepbio::train::base_loss);
  m.def("nucleotide_loss(Tensor logits, Tensor tokens, Tensor? where=None, Tensor? weight=None) -> Tensor",
        &nucleotide_loss);
  // Not of tensors: the bits of one parameter.
  m.def("asv_keys(int length) -> Tensor", &fn::asv_keys);
  m.def("init_parameter(str name, int[] shape, int fan_in, int seed) -> Tensor", &init_parameter);
}

TORCH_LIBRARY_IMPL(deepbio, CompositeExplicitAutograd, m) { m.impl("span_mask", &fn::span_mask); }
// vmap has no rule for a list of tensors; it sees the layers' aten operators instead.
TORCH_LIBRARY_IMPL(deepbio, FuncTorchBatchedDecomposition, m) { m.impl("encoder_stack", &encoder_stack); }
TORCH_LIBRARY_IMPL(deepbio, CPU, m) {
  m.impl("encoder_stack_forward", &stack_forward);
  m.impl("encoder_stack_backward", &stack_backward);
}
TORCH_LIBRARY_IMPL(deepbio, Meta, m) {
  m.impl("span_mask", &span_mask_meta);
  m.impl("encoder_stack_forward", &stack_forward_meta);
  m.impl("encoder_stack_backward", &stack_backward_meta);
}
