// Reads drawn at random from the features of one sample: exact draws from the multivariate
// hypergeometric (without replacement) and the multinomial distribution (with replacement).
//
// Without replacement, features of which more than kManyHits reads are expected are drawn one after
// the other, each from its hypergeometric distribution given the draws before. The reads of all
// others are numbered, and distinct numbers are drawn by setting bits, which costs a few
// nanoseconds for each read that is drawn and 1/64 of one for each that is not. Where so many reads
// are left that their bits would cost more, every feature is drawn by itself. With replacement
// every feature is drawn from its binomial distribution given the draws before. The choice depends
// on the sample's counts and the number of draws alone. Threads: a ReadDrawer belongs to one
// thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "deepbio/base/random.h"

namespace deepbio::community {

// Draws from one sample after the other with the same scratch memory.
class ReadDrawer {
 public:
  static constexpr double kManyHits = 40;

  // counts: whole numbers with this total, at most 2^53; hits: as long, is written and adds up to
  // draws.
  //   draws  at most total
  //   complexity  O(features + draws of features with few hits + total / 64) time, total / 64 words
  //   of memory
  void without_replacement(std::span<const double> counts, uint64_t total, uint64_t draws,
                           CounterRandom& random, std::span<double> hits);
  // draws: any number; total at least 1. O(features)
  void with_replacement(std::span<const double> counts, uint64_t total, uint64_t draws,
                        CounterRandom& random, std::span<double> hits);

 private:
  std::vector<uint64_t> bits_;         // one for each read
  std::vector<uint32_t> bits_before_;  // of each word
};

// How many of `draws` reads taken from `total` without putting back are among the `marked` ones.
uint64_t hypergeometric(uint64_t total, uint64_t marked, uint64_t draws, CounterRandom& random);
// The same with putting back.
uint64_t binomial(uint64_t total, uint64_t marked, uint64_t draws, CounterRandom& random);

}  // namespace deepbio::community
