// The fused encoder stack below autograd as two operators of torch's dispatcher, so that
// torch.compile records them. Schemas and registrations stand in ops.cpp; without it, as in a test
// of this layer alone, there are none to call. Threads: pure functions.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

#include "deepbio/model/encoder_fused.h"

namespace deepbio::model::encoder {

// FusedOptions as operators take them: {num_layers, width, num_heads, activation}, dropout,
// skip_padding.
std::vector<int64_t> sizes_of(const FusedOptions& options);
// throws ArgumentError unless there are four sizes
FusedOptions options_of(at::IntArrayRef sizes, double dropout, bool skip_padding = false);

// As the schemas have them; on the CPU they call fused_forward and fused_backward, _meta tells
// shapes alone.
using Pair = std::tuple<Tensor, Tensor>;
Pair stack_forward(const Tensor& x, const std::optional<Tensor>& key_mask, const Tensor& weights,
                   const Tensor& seed, at::IntArrayRef sizes, double dropout, bool save,
                   bool skip_padding);
Pair stack_forward_meta(const Tensor& x, const std::optional<Tensor>& key_mask,
                        const Tensor& weights, const Tensor& seed, at::IntArrayRef sizes,
                        double dropout, bool save, bool skip_padding);
Pair stack_backward(const Tensor& grad, const std::optional<Tensor>& key_mask,
                    const Tensor& weights, const Tensor& seed, const Tensor& saved,
                    at::IntArrayRef sizes, double dropout, bool weight_gradients,
                    bool skip_padding);
Pair stack_backward_meta(const Tensor& grad, const std::optional<Tensor>& key_mask,
                         const Tensor& weights, const Tensor& seed, const Tensor& saved,
                         at::IntArrayRef sizes, double dropout, bool weight_gradients,
                         bool skip_padding);

// fused_forward and fused_backward by way of the dispatcher.
Pair dispatched_forward(const Tensor& x, const Tensor& key_mask, const Tensor& weights,
                        const Tensor& seed, const FusedOptions& options, bool save);
Pair dispatched_backward(const Tensor& grad, const Tensor& key_mask, const Tensor& weights,
                         const Tensor& seed, const Tensor& saved, const FusedOptions& options,
                         bool weight_gradients);

}  // namespace deepbio::model::encoder
