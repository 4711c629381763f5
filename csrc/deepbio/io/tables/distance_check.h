// Whether numbers are distances: finite, not negative, alike both ways, 0 from a sample to itself.
//
// Rounding up to kDistanceRounding is forgiven in all three, and mended: the mean of both ways, 0
// on the diagonal and for what is below 0. For pairs further apart than 1 it is that share of the
// distance, since float32 rounds so. Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace deepbio::io {

constexpr double kDistanceRounding = 1e-6;

struct DistanceCheck {
  // What is wrong with the first pair that is no distance; the ids, or the numbers from 0, name it.
  struct Fault {
    std::string expected, got;
  };
  std::optional<Fault> fault;
  bool is_rounded = false;  // sound but for rounding: mend_distances is due
};

//   values  [N, N] row-major, float or double
//   ids     N, or none
//   complexity  one pass over the values
template <class Number>
DistanceCheck check_distances(const Number* values, int64_t num_rows,
                              const std::vector<std::string>& ids);
// For values that check_distances found sound.
template <class Number>
void mend_distances(Number* values, int64_t num_rows);

}  // namespace deepbio::io
