// Many random 32-bit words at once: blocks of Philox4x32-10 side by side in vector registers, a
// third of the time of one block after the other. Word 64 c + 16 j + b is element j of
// philox4x32_10({16 c + b, 0, 0, 0}, key), so words are the same on every machine. Compiled for
// AVX-512, AVX2 and the baseline, picked at run time. Threads: a RandomWords belongs to one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "deepbio/base/random.h"

namespace deepbio::community {

class RandomWords {
 public:
  static constexpr size_t kAtOnce = 64;
  using Key = std::array<uint32_t, 2>;
  explicit RandomWords(Key key) : key_(key) {}
  // The next kAtOnce words; they stand until the next call.
  const std::array<uint32_t, kAtOnce>& next();

 private:
  Key key_;
  uint32_t counter_ = 0;  // of blocks: 2^34 words
  std::array<uint32_t, kAtOnce> words_{};
};

}  // namespace deepbio::community
