// The fused encoder stack below autograd: float32 tensors on the CPU in, model/encoder_kernels over
// slices of sequences by at::parallel_for, tensors out. Results do not depend on the number of
// threads. Memory comes from model/encoder_workspace. functional::encoder_stack
// (model/encoder_stack) is what a model calls.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <tuple>

namespace deepbio::model::encoder {

using at::Tensor;

struct FusedOptions {
  int64_t num_layers, width, num_heads, activation;
  double dropout;  // 0 where it is not training
  // Rows after the last real one of a sequence: not computed, zero, without a gradient.
  bool skip_padding = false;
};

// weights: the tensors of functional::kLayerWeights, flat, one behind the other, layer by layer.
//   x [R, T, D], key_mask bool [R, T] or undefined, seed int64 [] (not read without dropout)
//   returns y [R, T, D], and what backward needs, [R, T, floats] (empty unless `save`)
std::tuple<Tensor, Tensor> fused_forward(const Tensor& x, const Tensor& key_mask,
                                         const Tensor& weights, const Tensor& seed,
                                         const FusedOptions& options, bool save);
//   returns the gradients of x and of weights (empty unless `weight_gradients`)
std::tuple<Tensor, Tensor> fused_backward(const Tensor& grad, const Tensor& key_mask,
                                          const Tensor& weights, const Tensor& seed,
                                          const Tensor& saved, const FusedOptions& options,
                                          bool weight_gradients);
// Floats that fused_forward saves for one position of one sequence.
int64_t saved_floats(int64_t dim, const FusedOptions& options);

}  // namespace deepbio::model::encoder
