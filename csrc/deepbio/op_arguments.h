// What lies between the arguments of an operator (ops.cpp), which are tensors, lists and numbers in
// a row, and those of the functions of model/ and train/, which are structs; an absent tensor here
// is an undefined one there. Private to ops.cpp. Threads: pure functions.
#pragma once

#include <ATen/core/Dict.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace deepbio::op {

using at::Tensor;

// key_mask [R, T] bool, absent: every position is real. weights: those of EncoderLayerWeights in
// its order, which a TorchScript program can only pass as a list; activation: the number of the
// enumeration. Neither may change their order or numbers: exported programs hold them.
Tensor encoder_layer(const Tensor& x, const std::optional<Tensor>& key_mask, at::TensorList weights,
                     int64_t num_heads, int64_t activation, double dropout, bool training);
// weights: of all layers, one after the other; throws ValueError when they are no whole number of
// layers. seed: int64 [] of the dropout masks of the fused path.
Tensor encoder_stack(const Tensor& x, const std::optional<Tensor>& key_mask, at::TensorList weights,
                     int64_t num_heads, int64_t activation, double dropout, bool training,
                     const std::optional<Tensor>& seed, bool skip_padding);
Tensor fuse_concat(const Tensor& x, const Tensor& categories, const Tensor& weight,
                   const Tensor& bias);
Tensor fuse_add(const Tensor& x, const Tensor& categories, const Tensor& weight,
                const Tensor& bias);
// {fused, gate}, both [B, D].
std::tuple<Tensor, Tensor> fuse_gmu(const Tensor& pooled, const Tensor& categories,
                                    const Tensor& transform_weight, const Tensor& transform_bias,
                                    const Tensor& gate_weight, const Tensor& gate_bias);
// Both: the values, and the attention weights for whoever wants to look at them.
std::tuple<Tensor, Tensor> fuse_cross_attention(const Tensor& x, const Tensor& categories,
                                                at::TensorList weights, int64_t num_heads,
                                                double dropout, bool training);
std::tuple<Tensor, Tensor> attend_latents(const Tensor& x, const Tensor& mask,
                                          const Tensor& categories, at::TensorList weights,
                                          int64_t num_heads, double dropout, bool training);
// Shape and dtype of a span mask, for tracing: which bases it hides is drawn only when it runs.
Tensor span_mask_meta(const Tensor& tokens, double);
Tensor histogram_loss(const Tensor& log_probabilities, const Tensor& target,
                      const Tensor& bin_edges, const std::optional<Tensor>& sample_weights);
Tensor member_nets(const Tensor& x, const Tensor& weight, const Tensor& bias,
                   const Tensor& norm_weight, const Tensor& norm_bias, const Tensor& head_weight,
                   const Tensor& head_bias, double input_dropout, double dropout, bool training);
Tensor init_parameter(const std::string& name, at::IntArrayRef shape, int64_t fan_in, int64_t seed);
// Options are checked as those of a config file: throws ConfigError for an unknown loss or level.
Tensor regression_loss(const Tensor& prediction, const Tensor& target, std::string loss_type,
                       std::vector<double> quantiles, double over_penalty, double under_penalty,
                       const c10::Dict<std::string, std::string>& loss_config,
                       const std::optional<Tensor>& sample_weights);
Tensor classification_loss(const Tensor& prediction, const Tensor& target,
                           const std::optional<Tensor>& class_weights,
                           const std::optional<Tensor>& sample_weights);
Tensor nucleotide_loss(const Tensor& logits, const Tensor& tokens,
                       const std::optional<Tensor>& where, const std::optional<Tensor>& weight);

}  // namespace deepbio::op
