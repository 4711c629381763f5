#include "deepbio/community/named_distances.h"

#include <ATen/ATen.h>

#include <string_view>
#include <unordered_map>

#include "deepbio/base/error.h"

namespace deepbio::community {

NamedDistances read_named_distances(const std::string& path) {
  io::DistanceMatrix matrix = io::read_distances(path);
  // Taken before the move below empties the matrix.
  const int64_t size = matrix.num_rows;
  NamedDistances out{std::move(matrix.ids),
                     at::tensor(matrix.values, at::kDouble).view({size, size})};
  for (int64_t i = 0; out.ids.size() < static_cast<size_t>(size); ++i)
    out.ids.push_back(std::to_string(i));
  return out;
}

void write_named_distances(const std::string& path, const NamedDistances& matrix,
                           const io::DistanceOutput& output) {
  const at::Tensor plain = matrix.values.to(at::kDouble).contiguous();
  const double* values = plain.const_data_ptr<double>();
  io::DistanceMatrix written{matrix.ids, {values, values + plain.numel()}, plain.size(0)};
  io::write_distances(path, written, output);
}

at::Tensor in_order_of(const std::vector<std::string>& ids, const NamedDistances& matrix) {
  std::unordered_map<std::string_view, int64_t> place_of;
  for (size_t i = 0; i < matrix.ids.size(); ++i)
    place_of.try_emplace(matrix.ids[i], static_cast<int64_t>(i));
  std::vector<int64_t> places;
  for (const auto& id : ids) {
    const auto found = place_of.find(id);
    if (found == place_of.end() || ids.size() != matrix.ids.size()) {
      throw ArgumentError("`other`: expected the " + std::to_string(ids.size()) +
                          " samples of `distances`, got " + std::to_string(matrix.ids.size()) +
                          (found == place_of.end() ? " without " + quoted(id) : ""));
    }
    places.push_back(found->second);
  }
  const at::Tensor rows = at::tensor(places, at::kLong);
  return matrix.values.index_select(0, rows).index_select(1, rows);
}

}  // namespace deepbio::community
