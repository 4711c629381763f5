#include "deepbio/model/encoder_workspace.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <new>

#include <sys/mman.h>

namespace deepbio::model::encoder {
namespace {

constexpr int64_t kSmallPage = 4096, kLargePage = int64_t{2} << 20;
// How much larger than asked for a buffer may be where another one would not fit beside it.
constexpr int64_t kLoosest = 8;

struct Buffer {
  float* data;
  int64_t bytes;
};

Buffer allocate(int64_t bytes) {
  // Whole pages of the size they are meant for, or the hint would not reach their ends.
  const int64_t page = bytes >= kLargePage ? kLargePage : kSmallPage;
  bytes = (bytes + page - 1) / page * page;
  void* data = std::aligned_alloc(static_cast<size_t>(page), static_cast<size_t>(bytes));
  if (!data) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
  // Only a hint: without large pages the memory works as well.
  if (page == kLargePage) madvise(data, static_cast<size_t>(bytes), MADV_HUGEPAGE);
#endif
  return {static_cast<float*>(data), bytes};
}

class Store {
 public:
  Buffer take(int64_t bytes) {
    const std::lock_guard lock(mutex_);
    Buffer found{nullptr, 0};
    // The closest fit. Much larger ones stay for those who need them, unless a new buffer would
    // push them out.
    const bool is_full = leased_bytes_ + idle_bytes_ + bytes > peak_bytes_;
    const int64_t most = is_full ? bytes * kLoosest : bytes + bytes / 2;
    auto best = idle_.end();
    for (auto it = idle_.begin(); it != idle_.end(); ++it) {
      if (it->bytes >= bytes && it->bytes <= most &&
          (best == idle_.end() || it->bytes < best->bytes))
        best = it;
    }
    if (best != idle_.end()) {
      found = *best;
      idle_.erase(best);
      idle_bytes_ -= found.bytes;
    } else {
      found = allocate(bytes);
    }
    leased_bytes_ += found.bytes;
    peak_bytes_ = std::max(peak_bytes_, leased_bytes_);
    free_beyond_peak();
    return found;
  }

  void give_back(Buffer buffer) {
    const std::lock_guard lock(mutex_);
    leased_bytes_ -= buffer.bytes;
    idle_bytes_ += buffer.bytes;
    idle_.push_back(buffer);
    free_beyond_peak();
  }

  WorkspaceUse use() {
    const std::lock_guard lock(mutex_);
    return {leased_bytes_, idle_bytes_, peak_bytes_};
  }

 private:
  void free_beyond_peak() {
    while (!idle_.empty() && idle_bytes_ + leased_bytes_ > peak_bytes_) {
      idle_bytes_ -= idle_.front().bytes;
      // The front has been idle longest: sizes that a program has stopped using go first.
      std::free(idle_.front().data);
      idle_.pop_front();
    }
  }

  std::mutex mutex_;
  std::deque<Buffer> idle_;  // longest idle first
  int64_t leased_bytes_ = 0, idle_bytes_ = 0, peak_bytes_ = 0;
};

// Never destroyed: tensors may let go of their memory while the process ends.
Store& store() {
  static auto* const the_store = new Store();
  return *the_store;
}

}  // namespace

std::shared_ptr<float> take_workspace(int64_t floats) {
  const Buffer buffer =
      store().take(std::max<int64_t>(1, floats) * static_cast<int64_t>(sizeof(float)));
  return {buffer.data, [buffer](float*) { store().give_back(buffer); }};
}

WorkspaceUse workspace_use() { return store().use(); }

}  // namespace deepbio::model::encoder
