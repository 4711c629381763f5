#include "deepbio/community/distances.h"

#include <ATen/ATen.h>

#include "deepbio/base/error.h"
#include "deepbio/io/tables/distance_check.h"

namespace deepbio::community {
namespace {

template <class Number>
at::Tensor checked(at::Tensor distances, const std::vector<std::string>& ids,
                   std::string_view what) {
  const int64_t n = distances.size(0);
  const io::DistanceCheck check = io::check_distances(distances.const_data_ptr<Number>(), n, ids);
  if (check.fault) {
    throw ArgumentError(std::string(what) + ": expected " + check.fault->expected + ", got " +
                        check.fault->got);
  }
  // A copy only where something is to be mended: a matrix of 30,000 samples has 7 GB.
  if (!check.is_rounded) return distances;
  distances = distances.clone();
  io::mend_distances(distances.mutable_data_ptr<Number>(), n);
  return distances;
}

}  // namespace

at::Tensor sound_distances(const at::Tensor& distances, const std::vector<std::string>& ids,
                           std::string_view what) {
  if (distances.dim() != 2 || distances.size(0) != distances.size(1)) {
    throw ShapeError(std::string(what) + ": expected distances [N, N], got " +
                     std::to_string(distances.dim()) + " dimensions of " +
                     std::to_string(distances.numel()) + " numbers");
  }
  if (!ids.empty() && static_cast<int64_t>(ids.size()) != distances.size(0)) {
    throw ShapeError(std::string(what) + ": expected as many ids as rows (" +
                     std::to_string(distances.size(0)) + "), got " + std::to_string(ids.size()));
  }
  if (distances.is_complex())
    throw ArgumentError(std::string(what) + ": expected real distances, got complex ones");
  const bool is_single = distances.scalar_type() == at::kFloat;
  const at::Tensor here = distances.to(at::kCPU, is_single ? at::kFloat : at::kDouble).contiguous();
  return is_single ? checked<float>(here, ids, what) : checked<double>(here, ids, what);
}

}  // namespace deepbio::community
