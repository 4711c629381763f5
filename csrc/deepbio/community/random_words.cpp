#include "deepbio/community/random_words.h"

namespace deepbio::community {
namespace {

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define DEEPBIO_SIDE_BY_SIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define DEEPBIO_SIDE_BY_SIDE
#endif

constexpr uint32_t kBlocks = RandomWords::kAtOnce / 4;

// The rounds of base/random.cpp (constants and source there) for kBlocks counters that follow each
// other.
DEEPBIO_SIDE_BY_SIDE void fill(uint32_t counter, RandomWords::Key key, uint32_t* words) {
  uint32_t c0[kBlocks], c1[kBlocks], c2[kBlocks], c3[kBlocks];
  for (uint32_t b = 0; b < kBlocks; ++b) {
    c0[b] = counter + b;
    c1[b] = c2[b] = c3[b] = 0;
  }
  for (int round = 0; round < 10; ++round) {
    // Blocks are the inner loop: they do not depend on each other, and become the lanes of a
    // register.
    for (uint32_t b = 0; b < kBlocks; ++b) {
      const uint64_t product0 = uint64_t{0xD2511F53} * c0[b],
                     product1 = uint64_t{0xCD9E8D57} * c2[b];
      c0[b] = static_cast<uint32_t>(product1 >> 32) ^ c1[b] ^ key[0];
      c2[b] = static_cast<uint32_t>(product0 >> 32) ^ c3[b] ^ key[1];
      c1[b] = static_cast<uint32_t>(product1);
      c3[b] = static_cast<uint32_t>(product0);
    }
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  for (uint32_t b = 0; b < kBlocks; ++b) {
    words[b] = c0[b];
    words[kBlocks + b] = c1[b];
    words[2 * kBlocks + b] = c2[b];
    words[3 * kBlocks + b] = c3[b];
  }
}

}  // namespace

const std::array<uint32_t, RandomWords::kAtOnce>& RandomWords::next() {
  fill(counter_, key_, words_.data());
  counter_ += kBlocks;
  return words_;
}

}  // namespace deepbio::community
