// A random order of 0..n-1 that is computed place by place: what is kept does not grow with n.
//
// Up to 4096 numbers are shuffled in a list, all orders equally likely. More of them are the cells
// of a grid of about sqrt(n) x sqrt(n). A Feistel network adds to one coordinate a keyed hash of
// the other, in turn; a place that lands outside of n goes through it again until it is inside.
// Every step can be turned back, so that no number comes twice. source: Black, Rogaway 2002,
// "Ciphers with arbitrary finite domains" (generalised Feistel, cycle walking) Threads: constant
// after construction.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace deepbio::data {

class KeyedPermutation {
 public:
  // purpose tells orders of one epoch apart. throws ArgumentError: n below 0.
  KeyedPermutation(int64_t n, uint64_t seed, uint64_t epoch, uint64_t purpose = 0);
  int64_t size() const { return size_; }
  // The number at a place; place in [0, size()), which is not checked. complexity: constant in the
  // mean.
  int64_t at(int64_t place) const {
    return list_.empty() ? walk(place) : list_[static_cast<size_t>(place)];
  }

 private:
  static constexpr int kRounds = 6;
  int64_t walk(int64_t place) const;
  int64_t size_;
  std::vector<int64_t> list_;        // of few numbers
  uint64_t rows_ = 1, columns_ = 1;  // rows * columns >= size, by less than one column
  std::array<uint64_t, kRounds> keys_{};
};

}  // namespace deepbio::data
