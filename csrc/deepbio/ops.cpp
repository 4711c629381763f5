// Every torch.ops.deepbio schema on one screen. All are composites of aten operators over model/functional: autograd,
// torch.compile, torch.export and ONNX look inside them. span_mask alone is a leaf, because it walks over rows.
// Errors that cross the dispatcher arrive in Python as RuntimeError; argument checks belong to the two shells.
#include <ATen/ops/empty_like.h>
#include <torch/library.h>

#include <optional>
#include <string>
#include <tuple>

#include "deepbio/base/json.h"
#include "deepbio/model/config.h"
#include "deepbio/model/functional.h"
#include "deepbio/model/fusion.h"
#include "deepbio/model/initialize.h"

namespace {

using at::Tensor;
namespace fn = deepbio::model::functional;

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

Tensor init_parameter(const std::string& name, at::IntArrayRef shape, int64_t fan_in, int64_t seed) {
  return deepbio::model::initial_parameter(name, shape, fan_in, static_cast<uint64_t>(seed));
}

std::string resolve_model_config(const std::string& json) {
  const auto config = deepbio::model::ModelConfig::from_json(deepbio::Json::parse(json, "model config"));
  config.check();
  return config.to_json().dump();
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
  m.def("asv_mask(Tensor tokens) -> Tensor", &fn::asv_mask);
  m.def("slot_index(Tensor mask) -> Tensor", &fn::slot_index);
  m.def("random_mask(Tensor tokens, float ratio) -> Tensor", &fn::random_mask);
  m.def("span_mask(Tensor tokens, float ratio) -> Tensor");
  m.def("apply_mask_token(Tensor tokens, Tensor which) -> Tensor", &fn::apply_mask_token);
  // Not of tensors: the bits of one parameter, and a model config read, checked and completed.
  m.def("init_parameter(str name, int[] shape, int fan_in, int seed) -> Tensor", &init_parameter);
  m.def("resolve_model_config(str json) -> str", &resolve_model_config);
}

TORCH_LIBRARY_IMPL(deepbio, CompositeExplicitAutograd, m) { m.impl("span_mask", &fn::span_mask); }
TORCH_LIBRARY_IMPL(deepbio, Meta, m) { m.impl("span_mask", &span_mask_meta); }
