// Tensors by name as Python gives them: a state_dict, an optimizer's state.
#pragma once

#include <map>
#include <string>

#include "deepbio/train/checkpoint.h"

namespace deepbio::bindings {

// In the order of names; undefined tensors are left out.
train::NamedTensors to_named(const std::map<std::string, torch::Tensor>& tensors);
// Whether the state is that of a predictor and not of an encoder alone, by the prefix of its names.
bool is_predictor(const std::map<std::string, torch::Tensor>& state);

}  // namespace deepbio::bindings
