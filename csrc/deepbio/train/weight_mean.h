// The mean of a model's weights over updates, and weights changed for others and back. Threads:
// free functions.
#pragma once

#include <cstdint>

#include "deepbio/train/checkpoint.h"

namespace deepbio::train {

NamedTensors copy_of(const NamedTensors& tensors);

// Puts weights into parameters, which are in the same order, and returns what was there; nothing
// without weights.
NamedTensors swap_in(const NamedTensors& weights, const NamedTensors& parameters);

// The mean of `count` weights, the last of them `parameters`, from that of those before.
void add_to_mean(const NamedTensors& parameters, int64_t count, NamedTensors& mean);

}  // namespace deepbio::train
