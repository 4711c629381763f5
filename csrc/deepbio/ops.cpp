// Every torch.ops.deepbio schema on one screen. All are composites of aten operators over
// model/functional: autograd, torch.compile, torch.export and ONNX look inside them. Leaves are
// span_mask, which walks over rows, and both halves of the fused encoder stack. Errors that cross
// the dispatcher arrive in Python as RuntimeError; argument checks belong to the two shells. Where
// an operator's arguments are not the function's, op_arguments.h has what lies between.
#include <torch/library.h>

#include "deepbio/model/distribution.h"
#include "deepbio/model/encoder_operators.h"
#include "deepbio/model/functional.h"
#include "deepbio/model/known_asvs.h"
#include "deepbio/op_arguments.h"
#include "deepbio/train/losses.h"

namespace fn = deepbio::model::functional;
namespace enc = deepbio::model::encoder;
namespace op = deepbio::op;

TORCH_LIBRARY(deepbio, m) {
  // x [R, T, D], key_mask bool [R, T], True = real; activation 0 gelu, 1 gelu_tanh, 2 relu -> [R,
  // T, D]
  m.def(
      "encoder_layer.weights(Tensor x, Tensor? key_mask, Tensor[] weights, int num_heads, int "
      "activation, float dropout, bool training) -> Tensor",
      &op::encoder_layer);
  // Layers one after the other, the weights of each in the order of kLayerWeights
  // (model/functional.h); seed int64 [] of the fused dropout; with skip_padding rows where key_mask
  // is False are zero in the result and cost nothing at the end of a sequence.
  m.def(
      "encoder_stack(Tensor x, Tensor? key_mask, Tensor[] weights, int num_heads, int activation, "
      "float dropout, bool training, Tensor? seed=None, bool skip_padding=False) -> Tensor",
      &op::encoder_stack);
  // Leaves for float32 on the CPU; weights flat in one tensor, sizes {layers, width, heads,
  // activation}, `saved` is what backward needs.
  m.def(
      "encoder_stack_forward(Tensor x, Tensor? key_mask, Tensor weights, Tensor seed, int[] sizes, "
      "float dropout, bool save, bool skip_padding=False) -> (Tensor y, Tensor saved)");
  m.def(
      "encoder_stack_backward(Tensor grad, Tensor? key_mask, Tensor weights, Tensor seed, Tensor "
      "saved, int[] sizes, float dropout, bool weight_gradients, bool skip_padding=False) -> "
      "(Tensor grad_x, Tensor grad_weights)");
  m.def("embed_tokens(Tensor tokens, Tensor token_weight, Tensor position_weight) -> Tensor",
        &fn::embed_tokens);
  m.def("add_positions(Tensor x, Tensor position_weight) -> Tensor", &fn::add_positions);
  m.def(
      "attention_pool(Tensor x, Tensor mask, Tensor query, Tensor norm_weight, Tensor norm_bias) "
      "-> Tensor",
      &fn::attention_pool);
  m.def("gather_asvs(Tensor asv_embeddings, Tensor asv_index, Tensor mask) -> Tensor",
        &fn::gather_asvs);
  m.def("nucleotide_logits(Tensor states, Tensor tokens, Tensor weight, Tensor bias) -> Tensor",
        &fn::nucleotide_logits);
  m.def(
      "pool_by_abundance(Tensor asv_embeddings, Tensor asv_index, Tensor mask, Tensor counts) -> "
      "Tensor",
      &fn::pool_by_abundance);
  m.def("count_embed_add(Tensor x, Tensor counts, Tensor weight, Tensor bias) -> Tensor",
        &fn::count_embed_add);
  m.def(
      "count_embed_concat(Tensor x, Tensor counts, Tensor weight, Tensor bias, Tensor proj_weight, "
      "Tensor proj_bias) -> Tensor",
      &fn::count_embed_concat);
  m.def("count_embed_film(Tensor x, Tensor counts, Tensor weight, Tensor bias) -> Tensor",
        &fn::count_embed_film);
  m.def("fuse_concat(Tensor x, Tensor categories, Tensor weight, Tensor bias) -> Tensor",
        &op::fuse_concat);
  m.def("fuse_add(Tensor x, Tensor categories, Tensor weight, Tensor bias) -> Tensor",
        &op::fuse_add);
  m.def(
      "fuse_gmu(Tensor pooled, Tensor categories, Tensor transform_weight, Tensor transform_bias, "
      "Tensor gate_weight, Tensor gate_bias) -> (Tensor fused, Tensor gate)",
      &op::fuse_gmu);
  // Weights in the order of CrossAttentionWeights and LatentAttentionWeights (model/fusion.h).
  m.def(
      "fuse_cross_attention.weights(Tensor x, Tensor categories, Tensor[] weights, int num_heads, "
      "float dropout, bool training) -> (Tensor values, Tensor attention)",
      &op::fuse_cross_attention);
  m.def(
      "attend_latents.weights(Tensor x, Tensor mask, Tensor categories, Tensor[] weights, int "
      "num_heads, float dropout, bool training) -> (Tensor values, Tensor attention)",
      &op::attend_latents);
  m.def("conditional_scale(Tensor y, Tensor ids, Tensor scale, Tensor bias) -> Tensor",
        &fn::conditional_scale);
  // Members side by side on x [B, I] -> [E, B, O]; their answers [M, B, C] as one; a histogram's
  // target and answers.
  m.def(
      "member_nets(Tensor x, Tensor weight, Tensor bias, Tensor norm_weight, Tensor norm_bias, "
      "Tensor head_weight, Tensor head_bias, float input_dropout, float dropout, bool training) -> "
      "Tensor",
      &op::member_nets);
  m.def("mix_members(Tensor logits, Tensor weight, Tensor temperature) -> Tensor",
        &fn::mix_members);
  m.def("soft_targets(Tensor target, Tensor bin_edges) -> Tensor", &fn::soft_targets);
  m.def("distribution_quantile(Tensor log_probabilities, Tensor bin_edges, float level) -> Tensor",
        &fn::distribution_quantile);
  m.def("distribution_mean(Tensor log_probabilities, Tensor bin_edges) -> Tensor",
        &fn::distribution_mean);
  m.def("asv_identity(Tensor asv_tokens, Tensor keys) -> Tensor", &fn::asv_identity);
  m.def("known_columns(Tensor identity, Tensor known) -> Tensor", &fn::known_columns);
  m.def(
      "known_asv_inputs(Tensor columns, Tensor asv_index, Tensor mask, Tensor counts, Tensor "
      "known, bool log_abundance, float[] levels=[0.0]) -> Tensor",
      &fn::known_asv_inputs);
  m.def(
      "pool_sequences(Tensor asv_embeddings, Tensor asv_index, Tensor mask, Tensor counts, bool "
      "log_abundance) -> Tensor",
      &fn::pool_sequences);
  m.def("asv_mask(Tensor tokens) -> Tensor", &fn::asv_mask);
  m.def("slot_index(Tensor mask) -> Tensor", &fn::slot_index);
  m.def("random_mask(Tensor tokens, float ratio) -> Tensor", &fn::random_mask);
  m.def("span_mask(Tensor tokens, float ratio) -> Tensor");
  m.def("apply_mask_token(Tensor tokens, Tensor which) -> Tensor", &fn::apply_mask_token);
  // Losses: what each is measured against and its axes stand in train/losses.h.
  m.def(
      "regression_loss(Tensor prediction, Tensor target, str loss_type, float[] quantiles, float "
      "over_penalty, float under_penalty, Dict(str, str) loss_config, Tensor? sample_weights=None) "
      "-> Tensor",
      &op::regression_loss);
  m.def(
      "classification_loss(Tensor prediction, Tensor target, Tensor? class_weights=None, Tensor? "
      "sample_weights=None) -> Tensor",
      &op::classification_loss);
  m.def(
      "histogram_loss(Tensor log_probabilities, Tensor target, Tensor bin_edges, Tensor? "
      "sample_weights=None) -> Tensor",
      &op::histogram_loss);
  m.def("count_loss(Tensor prediction, Tensor counts, Tensor mask) -> Tensor",
        &deepbio::train::count_loss);
  m.def("embedding_distances(Tensor embeddings) -> Tensor", &deepbio::train::embedding_distances);
  m.def("unifrac_loss(Tensor embeddings, Tensor distances) -> Tensor",
        &deepbio::train::unifrac_loss);
  m.def("base_loss(Tensor prediction, Tensor target) -> Tensor", &deepbio::train::base_loss);
  m.def(
      "nucleotide_loss(Tensor logits, Tensor tokens, Tensor? where=None, Tensor? weight=None) -> "
      "Tensor",
      &op::nucleotide_loss);
  // Not of tensors: the bits of one parameter.
  m.def("asv_keys(int length) -> Tensor", &fn::asv_keys);
  m.def("init_parameter(str name, int[] shape, int fan_in, int seed) -> Tensor",
        &op::init_parameter);
}

TORCH_LIBRARY_IMPL(deepbio, CompositeExplicitAutograd, m) { m.impl("span_mask", &fn::span_mask); }
// vmap has no rule for a list of tensors; it sees the aten operators behind them instead.
TORCH_LIBRARY_IMPL(deepbio, FuncTorchBatchedDecomposition, m) {
  m.impl("encoder_layer.weights", &op::encoder_layer);
  m.impl("encoder_stack", &op::encoder_stack);
  m.impl("fuse_cross_attention.weights", &op::fuse_cross_attention);
  m.impl("attend_latents.weights", &op::attend_latents);
}
TORCH_LIBRARY_IMPL(deepbio, CPU, m) {
  m.impl("encoder_stack_forward", &enc::stack_forward);
  m.impl("encoder_stack_backward", &enc::stack_backward);
}
TORCH_LIBRARY_IMPL(deepbio, Meta, m) {
  m.impl("span_mask", &op::span_mask_meta);
  m.impl("encoder_stack_forward", &enc::stack_forward_meta);
  m.impl("encoder_stack_backward", &enc::stack_backward_meta);
}
