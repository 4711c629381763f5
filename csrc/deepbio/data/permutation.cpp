#include "deepbio/data/permutation.h"

#include <cmath>
#include <string>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"

namespace deepbio::data {
namespace {

constexpr int64_t kLargestList = 4096;  // rounds over a small grid do not mix well

// A number below bound < 2^32 that depends on all bits of value and key.
uint64_t hashed(uint64_t value, uint64_t key, uint64_t bound) {
  value = (value ^ key) * 0x9E3779B97F4A7C15ULL;
  value ^= value >> 32;
  // The upper half of a product has seen all bits; times bound and shifted it is spread over
  // 0..bound-1 without a division.
  return ((value * 0xD6E8FEB86659FD93ULL) >> 32) * bound >> 32;
}

uint64_t sum_below(uint64_t a, uint64_t b, uint64_t bound) {
  const uint64_t sum = a + b;
  return sum < bound ? sum : sum - bound;
}

}  // namespace

KeyedPermutation::KeyedPermutation(int64_t n, uint64_t seed, uint64_t epoch, uint64_t purpose)
    : size_(n) {
  if (n < 0) throw ArgumentError("order: expected 0 items or more, got " + std::to_string(n));
  CounterRandom random(seed, epoch, purpose, Purpose::kOrder);
  if (n <= kLargestList) {
    list_ = random_permutation(n, random);
    return;
  }
  for (uint64_t& key : keys_) key = random.next_u64();
  // Near a square, as a round mixes one coordinate by the other. The grid has less than one column
  // too many, so that nearly every place is inside after one walk.
  rows_ = static_cast<uint64_t>(std::ceil(std::sqrt(static_cast<double>(n))));
  columns_ = (static_cast<uint64_t>(n) + rows_ - 1) / rows_;
}

int64_t KeyedPermutation::walk(int64_t place) const {
  auto cell = static_cast<uint64_t>(place);
  // Cycle walking ends: the network is a permutation of the cells, so that the way from a cell
  // inside comes back inside, at the latest where it began.
  do {
    uint64_t row = cell % rows_, column = cell / rows_;
    for (int round = 0; round < kRounds; round += 2) {
      const auto i = static_cast<size_t>(round);
      row = sum_below(row, hashed(column, keys_[i], rows_), rows_);
      column = sum_below(column, hashed(row, keys_[i + 1], columns_), columns_);
    }
    cell = column * rows_ + row;
  } while (cell >= static_cast<uint64_t>(size_));
  return static_cast<int64_t>(cell);
}

}  // namespace deepbio::data
