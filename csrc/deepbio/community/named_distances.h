// Distances with the ids of their samples, as a file holds them. Threads: pure functions.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "deepbio/io/tables/matrix.h"

namespace deepbio::community {

struct NamedDistances {
  std::vector<std::string> ids;
  at::Tensor values;  // float64 [N, N]
};

// As io::read_distances; where the file has no ids they are the numbers of the samples from 0.
NamedDistances read_named_distances(const std::string& path);

// As io::write_distances.
void write_named_distances(const std::string& path, const NamedDistances& matrix,
                           const io::DistanceOutput& output);

// The distances of `matrix` in the order of `ids`: float64 [N, N].
//   throws  ArgumentError: other samples than these
at::Tensor in_order_of(const std::vector<std::string>& ids, const NamedDistances& matrix);

}  // namespace deepbio::community
