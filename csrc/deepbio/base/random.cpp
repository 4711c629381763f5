#include "deepbio/base/random.h"

#include <cmath>
#include <numeric>
#include <utility>

#include "deepbio/base/error.h"

namespace deepbio {
namespace {

// Multipliers and Weyl constants of Philox4x32 (Salmon et al. 2011, table 2).
constexpr uint32_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
constexpr double kPi = 3.14159265358979323846;

// The finaliser of SplitMix64: every input bit reaches every output bit.
uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

}  // namespace

// The two products are all the mixing that a round has, and each key word grows by its Weyl
// constant. Seven rounds pass BigCrush; ten are what the paper and other libraries use.
std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter,
                                      std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{kMultiplier0} * counter[0];
    const uint64_t product1 = uint64_t{kMultiplier1} * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

uint64_t hash_bytes(std::string_view bytes) {
  // FNV-1a, then mixed: FNV alone leaves short keys close together.
  uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return mix(hash);
}

// The key carries (seed, epoch, purpose); the upper half of the counter is the index, so the
// streams of different indices under one key can never overlap, and a stream is 2^66 draws long.
CounterRandom::CounterRandom(uint64_t seed, uint64_t epoch, uint64_t index, Purpose purpose) {
  const uint64_t key = mix(mix(mix(seed) ^ epoch) ^ static_cast<uint64_t>(purpose));
  key_ = {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)};
  counter_ = {0, 0, static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32)};
}

uint32_t CounterRandom::next_u32() {
  if (used_ == 4) {
    block_ = philox4x32_10(counter_, key_);
    if (++counter_[0] == 0) ++counter_[1];
    used_ = 0;
  }
  return block_[static_cast<size_t>(used_++)];
}

uint64_t CounterRandom::next_u64() {
  const uint64_t low = next_u32();
  return low | (uint64_t{next_u32()} << 32);
}

// The upper 53 bits, all that a double holds: [0, 1) in equal steps, never 1.
double CounterRandom::uniform() { return static_cast<double>(next_u64() >> 11) * 0x1.0p-53; }

uint64_t CounterRandom::below(uint64_t bound) {
  if (bound == 0) throw ArgumentError("CounterRandom::below: bound must be at least 1, got 0");
  // Draws under the largest multiple of bound only; `threshold` is 2^64 mod bound.
  const uint64_t threshold = (0 - bound) % bound;
  uint64_t draw = next_u64();
  while (draw < threshold) draw = next_u64();
  return draw % bound;
}

double CounterRandom::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  // Both numbers of a Box-Muller pair are used, so a stream of normals takes two draws for two.
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));  // 1 - u is never 0
  const double angle = 2.0 * kPi * uniform();
  spare_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

std::vector<int64_t> random_permutation(int64_t n, CounterRandom& random) {
  if (n < 0)
    throw ArgumentError("random_permutation: n must not be negative, got " + std::to_string(n));
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  // From the end down, each place taking one of those not yet placed: every order is equally likely
  // only because the draw includes the place itself.
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

}  // namespace deepbio
