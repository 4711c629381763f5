// One rule for what a distance may be, for matrices that are read, given from Python or computed
// elsewhere. Values that agree but for rounding are mended, since files of float32 or of few
// decimals are never exactly symmetric; anything more is refused with the pair.
#include "deepbio/io/tables/distance_check.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/text.h"

namespace deepbio::io {
namespace {

constexpr int64_t kTile = 64;  // rows and columns that stay in the first-level cache

// Calls visit(i, j) for every pair with j <= i, tile by tile, since one of the two ways goes down a
// column. Ends early when visit gives false.
template <class Visit>
void for_pairs(int64_t n, const Visit& visit) {
  for (int64_t row = 0; row < n; row += kTile) {
    for (int64_t column = 0; column <= row; column += kTile) {
      const int64_t last_row = std::min(row + kTile, n), last_column = std::min(column + kTile, n);
      for (int64_t i = row; i < last_row; ++i) {
        for (int64_t j = column; j < std::min(last_column, i + 1); ++j) {
          if (!visit(i, j)) return;
        }
      }
    }
  }
}

std::string pair_of(const std::vector<std::string>& ids, int64_t i, int64_t j) {
  if (ids.empty())
    return "samples " + std::to_string(j) + " and " + std::to_string(i) + " (from 0)";
  return quoted(ids[j]) + " and " + quoted(ids[i]);
}

DistanceCheck::Fault fault_of(const std::vector<std::string>& ids, int64_t i, int64_t j,
                              double value, double mirrored) {
  const std::string pair = pair_of(ids, i, j);
  const double odd = std::isfinite(value) && value >= -kDistanceRounding ? mirrored : value;
  if (!std::isfinite(odd) || odd < -kDistanceRounding) {
    return {"a distance between " + pair, number_text(odd)};
  }
  if (i == j) return {"a distance of 0 between " + pair, number_text(value)};
  return {"the same distance both ways between " + pair,
          number_text(mirrored) + " and " + number_text(value)};
}

}  // namespace

template <class Number>
DistanceCheck check_distances(const Number* values, int64_t num_rows,
                              const std::vector<std::string>& ids) {
  DistanceCheck out;
  for_pairs(num_rows, [&](int64_t i, int64_t j) {
    const double value = values[i * num_rows + j], mirrored = values[j * num_rows + i];
    // The usual pair costs these comparisons alone.
    if (value == mirrored && value >= 0 && value <= std::numeric_limits<double>::max() &&
        (i != j || value == 0)) {
      return true;
    }
    // NaN fails every comparison, so that these ask for what is sound.
    const double limit =
        // Relative for distances above 1, such as Aitchison's, and absolute below.
        kDistanceRounding * std::max(1.0, std::min(std::abs(value), std::abs(mirrored)));
    const bool is_sound = value >= -kDistanceRounding && mirrored >= -kDistanceRounding &&
                          std::abs(value - mirrored) <= limit &&
                          (i != j || value <= kDistanceRounding);
    if (!is_sound) out.fault = fault_of(ids, i, j, value, mirrored);
    out.is_rounded = true;
    return is_sound;
  });
  return out;
}

template <class Number>
void mend_distances(Number* values, int64_t num_rows) {
  for_pairs(num_rows, [&](int64_t i, int64_t j) {
    Number& value = values[i * num_rows + j];
    Number& mirrored = values[j * num_rows + i];
    const Number mean = value == mirrored ? value : value / 2 + mirrored / 2;
    value = mirrored = i == j ? Number{0} : std::max(mean, Number{0});
    return true;
  });
}

template DistanceCheck check_distances(const double*, int64_t, const std::vector<std::string>&);
template DistanceCheck check_distances(const float*, int64_t, const std::vector<std::string>&);
template void mend_distances(double*, int64_t);
template void mend_distances(float*, int64_t);

}  // namespace deepbio::io
