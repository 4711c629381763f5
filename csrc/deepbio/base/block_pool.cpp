#include "deepbio/base/block_pool.h"

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>
#include <utility>

#include <pthread.h>
#include <sys/mman.h>

namespace deepbio {
namespace {

// A block begins on a cache line, so that vector loads of a batch never straddle two of them; large
// ones begin on a page of 2 MiB, since the system backs only whole aligned stretches by one.
constexpr size_t kLine = 64, kLargePage = size_t{1} << 21;

// In front of the data, on a line of its own.
struct alignas(kLine) Header {
  size_t num_bytes = 0;  // of the whole block
};
static_assert(sizeof(Header) == kLine);

// The next larger of the four sizes in each doubling, so that at most a fifth of a block is unused.
size_t rounded(size_t size) {
  // Small blocks are exact: they are not kept, so there is nothing that a common size could be
  // shared by.
  if (size < kSmallestBlock) return size;
  const size_t step = std::bit_ceil(size) / 8;
  return (size + step - 1) / step * step;
}

// Delete must name the alignment that new was asked for, so both ask here. A block of fewer than
// two large pages could hold at most one, and none where it does not happen to begin on one.
std::align_val_t alignment_of(size_t num_bytes) {
  return std::align_val_t{num_bytes < 2 * kLargePage ? kLine : kLargePage};
}

Header* new_block(size_t num_bytes) {
  void* const memory = ::operator new(num_bytes, alignment_of(num_bytes));
#ifdef MADV_HUGEPAGE
  // A fault for each 2 MiB, not for each 4 KiB; a system that does not grant it changes nothing.
  if (num_bytes >= 2 * kLargePage)
    (void)::madvise(memory, num_bytes / kLargePage * kLargePage, MADV_HUGEPAGE);
#endif
  return new (memory) Header{num_bytes};
}

void delete_block(Header* block) noexcept {
  const size_t num_bytes = block->num_bytes;
  ::operator delete(block, alignment_of(num_bytes));
}

// Blocks that wait, the oldest first. There is one pool and it is never destroyed: tensors of
// other libraries may be freed later than any object of this one.
class BlockPool {
 public:
  static BlockPool& instance() {
    static BlockPool* const pool = new BlockPool;
    return *pool;
  }

  Header* take(size_t num_bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    // From the newest: it is the likeliest to be in a cache still. At most 128 sizes are compared,
    // in 2 KiB of memory; a map by size would not be quicker.
    for (size_t i = size_; i-- > 0;) {
      if (waiting_[i].num_bytes != num_bytes) continue;
      Header* const block = waiting_[i].block;
      std::copy(waiting_.begin() + i + 1, waiting_.begin() + size_, waiting_.begin() + i);
      --size_;
      waiting_bytes_ -= num_bytes;
      ++num_reused_;
      return block;
    }
    ++num_fresh_;
    return nullptr;
  }

  void give(Header* block) noexcept {
    const size_t num_bytes = block->num_bytes;
    // A list on the stack: this runs in destructors and may not allocate. Memory goes back to the
    // system after the lock is let go, since unmapping a large block takes longer than all else
    // here.
    Waiting dropped[kMostWaitingBlocks];
    size_t num_dropped = 0;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      // Ends at the latest when nothing waits: give_block() hands over no block above
      // kMostWaitingBytes.
      while (size_ - num_dropped == kMostWaitingBlocks ||
             waiting_bytes_ + num_bytes > kMostWaitingBytes) {
        dropped[num_dropped] = waiting_[num_dropped];
        waiting_bytes_ -= dropped[num_dropped].num_bytes;
        ++num_dropped;
      }
      std::copy(waiting_.begin() + num_dropped, waiting_.begin() + size_, waiting_.begin());
      size_ -= num_dropped;
      waiting_[size_++] = {num_bytes, block};
      waiting_bytes_ += num_bytes;
    }
    for (size_t i = 0; i < num_dropped; ++i) delete_block(dropped[i].block);
  }

  size_t release() noexcept {
    std::array<Waiting, kMostWaitingBlocks> dropped;
    size_t num_dropped = 0, num_bytes = 0;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      dropped = waiting_;
      num_dropped = std::exchange(size_, 0);
      num_bytes = std::exchange(waiting_bytes_, 0);
    }
    for (size_t i = 0; i < num_dropped; ++i) delete_block(dropped[i].block);
    return num_bytes;
  }

  BlockCounts counts() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return {size_, waiting_bytes_, num_fresh_, num_reused_};
  }

 private:
  // A fork while another thread holds the lock would leave it locked in the child for ever.
  BlockPool() {
    ::pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                     [] { instance().mutex_.unlock(); });
  }
  struct Waiting {
    size_t num_bytes = 0;
    Header* block = nullptr;
  };
  std::mutex mutex_;
  std::array<Waiting, kMostWaitingBlocks> waiting_;
  size_t size_ = 0, waiting_bytes_ = 0;
  uint64_t num_fresh_ = 0, num_reused_ = 0;
};

}  // namespace

void* take_block(size_t size) {
  if (size > std::numeric_limits<size_t>::max() / 2) throw std::bad_alloc();
  const size_t num_bytes = rounded(size + sizeof(Header));
  Header* block = num_bytes < kSmallestBlock ? nullptr : BlockPool::instance().take(num_bytes);
  if (block == nullptr) block = new_block(num_bytes);
  return block + 1;
}

void give_block(void* data) noexcept {
  if (data == nullptr) return;
  // The header is what tells size and alignment: who frees (a tensor, a vector of another thread)
  // knows neither.
  Header* const block = static_cast<Header*>(data) - 1;
  const bool is_kept = block->num_bytes >= kSmallestBlock && block->num_bytes <= kMostWaitingBytes;
  is_kept ? BlockPool::instance().give(block) : delete_block(block);
}

size_t release_blocks() noexcept { return BlockPool::instance().release(); }
BlockCounts block_counts() { return BlockPool::instance().counts(); }

}  // namespace deepbio
