// Tensors of distances, checked before anything is computed from them.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>
#include <vector>

namespace deepbio::community {

// The same distances, sound (io/tables/distance_check.h): rounding up to 1e-6 is mended in a copy.
//   distances  [N, N]; float32 stays, other types become float64
//   ids        N, or none: they name the pair in errors
//   what       begins the message
//   returns    contiguous [N, N] on the CPU; the tensor itself where nothing had to change
//   throws     ShapeError when not square; ArgumentError with the pair: NaN, infinite, negative,
//              not the same both ways, a distance of a sample to itself
at::Tensor sound_distances(const at::Tensor& distances, const std::vector<std::string>& ids,
                           std::string_view what);

}  // namespace deepbio::community
