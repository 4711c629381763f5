// Initial parameters as AAM has them (aam.md 2.1), the same bits in both shells: each parameter
// draws from its own name and a seed, so order, threads and language do not matter. The layers of a
// stack start identical, because the layer's number is left out of the name.
//
//   normal(0, 1)                    token, position and category embeddings (category 0: zeros)
//   normal(0, 0.02)                 latents of the perceiver
//   Xavier uniform, bias 0          attention in_proj, target_head, count_head,
//                                   categorical_projection, gmu, projections of cross-attention and
//                                   perceiver, uni_ff (its bias 0.85)
//   uniform +-1/sqrt(fan_in)        every other weight and bias; attention out_proj has bias 0
//   1 and 0                         LayerNorm, output_scale(s), output_bias(es)
//   zeros                           head_weight and head_bias of the members of a branch
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <string>

namespace deepbio::model {

// All parameters of a model, in place. Constructors call this with a seed from torch's default
// generator.
void init_parameters(torch::nn::Module& module, uint64_t seed);
uint64_t seed_of_default_generator();
// One parameter, float32; fan_in is that of its layer (for a bias: of the weight beside it).
torch::Tensor initial_parameter(const std::string& name, at::IntArrayRef shape, int64_t fan_in,
                                uint64_t seed);

}  // namespace deepbio::model
