// Memory of batches: blocks that are kept when they are given back, and handed out again.
//
// A batch is made, looked at and dropped, thousands of times. Fresh memory would be mapped and
// filled with zeros for each of them, which costs more than most encodings. So a block that is
// given back waits for the next one of its size, of which there are four in each doubling. What
// waits is bounded by bytes and by number; the oldest goes back to the system first, and all of it
// with release_blocks(). A block may be given back by another thread than took it, after a fork by
// the child, and while the process ends. Threads: free functions, for any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <string>
#include <vector>

namespace deepbio {

constexpr size_t kSmallestBlock = size_t{1} << 15;     // less than this is not kept
constexpr size_t kMostWaitingBytes = size_t{1} << 28;  // of all blocks that wait
constexpr size_t kMostWaitingBlocks = 128;

// At least `size` bytes, on a multiple of 64, of any content. throws std::bad_alloc.
void* take_block(size_t size);
// Gives back what take_block gave; null is nothing.
void give_block(void* data) noexcept;
// Gives what waits back to the system; returns how many bytes that were.
size_t release_blocks() noexcept;

struct BlockCounts {
  size_t num_waiting = 0, waiting_bytes = 0;
  uint64_t num_fresh = 0, num_reused = 0;  // blocks handed out since the process began
};
BlockCounts block_counts();

// For containers that hold a batch.
template <class Value>
struct BlockAllocator {
  using value_type = Value;
  BlockAllocator() = default;
  template <class Other>
  BlockAllocator(const BlockAllocator<Other>&) noexcept {}
  Value* allocate(size_t count) {
    if (count > std::numeric_limits<size_t>::max() / 2 / sizeof(Value)) throw std::bad_alloc();
    return static_cast<Value*>(take_block(count * sizeof(Value)));
  }
  void deallocate(Value* data, size_t) noexcept { give_block(data); }
  template <class Other>
  bool operator==(const BlockAllocator<Other>&) const noexcept {
    return true;
  }
};
using BlockString = std::basic_string<char, std::char_traits<char>, BlockAllocator<char>>;
template <class Value>
using BlockVector = std::vector<Value, BlockAllocator<Value>>;

}  // namespace deepbio
