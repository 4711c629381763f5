// Counter-based randomness: a draw depends on (seed, epoch, index, purpose) and on nothing else, so
// batches are the same for any number of threads, workers or ranks, and nothing has to be saved to
// resume.
//
// Generator: Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as
// 1, 2, 3"). Threads: values of these types are cheap and not shared.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace deepbio {

// What a draw is for; two purposes never share a stream.
enum class Purpose : uint32_t {
  kOrder = 1,        // order of an epoch
  kRarefaction = 2,  // subsampling of reads
  kAugmentation = 3,
  kSplit = 4,   // train / validation
  kInit = 5,    // parameter initialisation
  kStep = 6,    // dropout and masking of one training step
  kSubset = 7,  // which ASVs of an over-long sample are kept
  kSimulate = 8,
  kUnknownLetter = 9,
  kPermutation = 10,  // of group labels, in a test by permutation
  kProjection = 11,   // random directions of a randomised decomposition
};

std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// A stable 64-bit hash of bytes (same on every machine), for keys such as sample ids.
uint64_t hash_bytes(std::string_view bytes);

class CounterRandom {
 public:
  // At the first number of the stream that these four name. Making one costs some nanoseconds, so
  // there is one for each item and none is stored.
  CounterRandom(uint64_t seed, uint64_t epoch, uint64_t index, Purpose purpose);
  uint32_t next_u32();
  uint64_t next_u64();
  double uniform();                // [0, 1), 53 bits
  uint64_t below(uint64_t bound);  // unbiased, bound >= 1
  double normal();                 // mean 0, sd 1 (Box-Muller)

 private:
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, 4> block_{};
  int used_ = 4;
  double spare_ = 0;
  bool has_spare_ = false;
};

// 0..n-1 in random order (Fisher-Yates).
std::vector<int64_t> random_permutation(int64_t n, CounterRandom& random);

}  // namespace deepbio
