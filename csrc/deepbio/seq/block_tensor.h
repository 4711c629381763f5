// Tensors whose memory comes from the block pool (base/block_pool.h): what an encoder fills for
// each batch. Threads: free functions, for any thread.
#pragma once

#include <ATen/core/Tensor.h>

namespace deepbio::seq {

// As at::empty on the CPU: any content, contiguous, and resize_ works.
at::Tensor empty_tensor(at::IntArrayRef shape, at::ScalarType type = at::kFloat);

}  // namespace deepbio::seq
