// A stack of pre-norm encoder layers as one function: fused on the CPU in float32, layer by layer
// everywhere else.
//
// The fused path (model/encoder_fused) takes a few sequences at a time through all layers in cache,
// forward and then backward, with threads over slices of sequences; its results do not depend on
// the number of threads. It is used for float32 tensors on the CPU, any sizes.
// functional::encoder_layer is its oracle and does the work for other devices and types, under
// autocast, TorchScript tracing, torch.func and forward-mode differentiation, and where the
// environment variable DEEPBIO_ENCODER is "composite" ("fused" is the default; read at each call).
// Memory of a training step: 4 R T A (6 D + F + H + 4) bytes for R sequences of T positions in A
// layers, D and F rounded up to 32, kept from forward to backward and used again
// (model/encoder_workspace). The gradient of the fused path has no gradient of its own: asking for
// it (create_graph) is an error that says so.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <tuple>
#include <vector>

#include "deepbio/model/encoder_fused.h"
#include "deepbio/model/functional.h"

namespace deepbio::model::functional {

struct StackOptions {
  int64_t num_heads;
  Activation activation;
  double dropout;
  bool training;
  // Rows under padding (key_mask false) are zero in the result and need not be computed.
  bool skip_padding = false;
};

// How the fused path is reached: directly, or through the dispatcher (model/encoder_operators), so
// that torch.compile sees operators. The backward pass goes the way of the forward one.
enum class FusedPath { kDirect, kDispatched };

// x [R, T, D], key_mask bool [R, T] or undefined (True = real) -> [R, T, D].
//   seed    int64 [] of the fused path's dropout masks; undefined: drawn from torch's default
//           generator
//   throws  ConfigError for a DEEPBIO_ENCODER that is neither fused nor composite
Tensor encoder_stack(const Tensor& x, const Tensor& key_mask,
                     const std::vector<EncoderLayerWeights>& layers, const StackOptions& options,
                     const Tensor& seed = {}, FusedPath path = FusedPath::kDirect);

}  // namespace deepbio::model::functional
