#include "deepbio/base/random.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;

namespace {

using Block = std::array<uint32_t, 4>;

// Sum of (observed - expected)^2 / expected over equally likely cells.
double chi_square(const std::vector<int64_t>& counts) {
  double total = 0;
  for (const int64_t count : counts) total += static_cast<double>(count);
  const double expected = total / static_cast<double>(counts.size());
  double sum = 0;
  for (const int64_t count : counts)
    sum += std::pow(static_cast<double>(count) - expected, 2) / expected;
  return sum;
}

}  // namespace

CATCH_TEST_CASE("Philox gives the published known answers", "[random]") {
  CATCH_CHECK(philox4x32_10({0, 0, 0, 0}, {0, 0}) ==
              Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr uint32_t kOnes = 0xffffffff;
  CATCH_CHECK(philox4x32_10({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}) ==
              Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  // Counter and key from the digits of pi.
  CATCH_CHECK(
      philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
      Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

CATCH_TEST_CASE("The same seed, epoch, index and purpose give the same draws", "[random]") {
  CounterRandom a(7, 2, 5, Purpose::kOrder), b(7, 2, 5, Purpose::kOrder);
  for (int i = 0; i < 100; ++i) CATCH_REQUIRE(a.next_u64() == b.next_u64());
}

CATCH_TEST_CASE("A stream does not change between versions", "[random]") {
  // Runs are resumed with the draws they began with, so these numbers are a promise.
  CounterRandom random(42, 0, 0, Purpose::kOrder);
  const std::vector<uint32_t> first{random.next_u32(), random.next_u32(), random.next_u32(),
                                    random.next_u32()};
  CATCH_CHECK(first == std::vector<uint32_t>{0x99d0f858, 0xe5996069, 0x12c7f82b, 0x8160c86e});
  CATCH_CHECK(hash_bytes("sample1") == 0x1050339a183ee5e8);
}

CATCH_TEST_CASE("Any part of the key gives another stream", "[random]") {
  std::set<uint64_t> draws;
  int64_t num_streams = 0;
  for (uint64_t seed : {0, 1, 2}) {
    for (uint64_t epoch : {0, 1, 2}) {
      for (uint64_t index : {0, 1, 2}) {
        for (const Purpose purpose :
             {Purpose::kOrder, Purpose::kRarefaction, Purpose::kUnknownLetter}) {
          CounterRandom random(seed, epoch, index, purpose);
          for (int i = 0; i < 50; ++i) draws.insert(random.next_u64());
          ++num_streams;
        }
      }
    }
  }
  CATCH_CHECK(static_cast<int64_t>(draws.size()) == num_streams * 50);  // no draw is shared
}

CATCH_TEST_CASE("Neighbouring streams are not correlated", "[random]") {
  // First draws over the index, as used for augmentation: the correlation of n pairs has sd
  // 1/sqrt(n).
  constexpr int kPairs = 100'000;
  double sum = 0;
  for (uint64_t index = 0; index < kPairs; ++index) {
    CounterRandom a(1, 0, index, Purpose::kAugmentation),
        b(1, 0, index + 1, Purpose::kAugmentation);
    sum += (a.uniform() - 0.5) * (b.uniform() - 0.5) * 12;
  }
  CATCH_CHECK(std::abs(sum / kPairs) < 5 / std::sqrt(double{kPairs}));
}

CATCH_TEST_CASE("Uniform draws lie in [0, 1) and fill it evenly", "[random]") {
  CounterRandom random(3, 1, 4, Purpose::kSimulate);
  std::vector<int64_t> counts(100);
  for (int i = 0; i < 1'000'000; ++i) {
    const double draw = random.uniform();
    CATCH_REQUIRE((draw >= 0 && draw < 1));
    ++counts[static_cast<size_t>(draw * 100)];
  }
  // 99 degrees of freedom: mean 99, sd 14; 5 sd to either side, since too even is wrong as well.
  CATCH_CHECK(chi_square(counts) < 170);
  CATCH_CHECK(chi_square(counts) > 28);
}

CATCH_TEST_CASE("Bounded draws are unbiased for bounds that are no power of two", "[random]") {
  CounterRandom random(9, 0, 0, Purpose::kSubset);
  std::vector<int64_t> counts(7);
  for (int i = 0; i < 700'000; ++i) ++counts[random.below(7)];
  CATCH_CHECK(chi_square(counts) < 6 + 5 * std::sqrt(12.0));
  // With a bound of 3 * 2^62 a plain remainder would give the lower third twice as often.
  const uint64_t bound = uint64_t{3} << 62;
  int64_t low = 0;
  for (int i = 0; i < 30'000; ++i) low += random.below(bound) < bound / 3;
  CATCH_CHECK(std::abs(low - 10'000) < 500);
  CATCH_CHECK(random.below(1) == 0);
  CATCH_CHECK_THROWS_AS(random.below(0), ArgumentError);
}

CATCH_TEST_CASE("Normal draws have mean 0, sd 1 and normal tails", "[random]") {
  CounterRandom random(5, 0, 0, Purpose::kInit);
  constexpr int kDraws = 400'000;
  double sum = 0, squares = 0;
  int beyond_two = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double draw = random.normal();
    sum += draw;
    squares += draw * draw;
    beyond_two += std::abs(draw) > 2;
  }
  CATCH_CHECK(std::abs(sum / kDraws) < 0.01);
  CATCH_CHECK(squares / kDraws == Approx(1).margin(0.015));
  CATCH_CHECK(beyond_two / double{kDraws} == Approx(0.0455).margin(0.002));
}

CATCH_TEST_CASE("A permutation holds every index once and favours no place", "[random]") {
  std::vector<int64_t> first_counts(5);
  for (uint64_t epoch = 0; epoch < 50'000; ++epoch) {
    CounterRandom random(11, epoch, 0, Purpose::kOrder);
    std::vector<int64_t> order = random_permutation(5, random);
    ++first_counts[static_cast<size_t>(order[0])];
    std::sort(order.begin(), order.end());
    CATCH_REQUIRE(order == std::vector<int64_t>{0, 1, 2, 3, 4});
  }
  CATCH_CHECK(chi_square(first_counts) < 4 + 5 * std::sqrt(8.0));
  CounterRandom random(0, 0, 0, Purpose::kOrder);
  CATCH_CHECK(random_permutation(0, random).empty());
  CATCH_CHECK_THROWS_AS(random_permutation(-1, random), ArgumentError);
}

CATCH_TEST_CASE("Hashes of bytes differ for close keys and do not stop at NUL", "[random]") {
  std::set<uint64_t> hashes;
  for (int i = 0; i < 1000; ++i) hashes.insert(hash_bytes("sample" + std::to_string(i)));
  CATCH_CHECK(hashes.size() == 1000);
  CATCH_CHECK(hash_bytes(std::string_view("a\0b", 3)) != hash_bytes(std::string_view("a\0c", 3)));
}
