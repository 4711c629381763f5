#include "deepbio/io/bytes/bgzf.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

#include "deepbio/io/bytes/gzip.h"

namespace deepbio::io {
namespace {

// Eight blocks a slot, half a megabyte of data: enough work that claiming a slot under the lock
// costs nothing beside it.
constexpr size_t kHeaderBytes = 18, kTrailerBytes = 8, kMaxBlockBytes = 1 << 16, kBlocksPerSlot = 8;

size_t byte_at(std::string_view text, size_t at) { return static_cast<unsigned char>(text[at]); }

size_t little_u32(std::string_view text, size_t at) {
  return byte_at(text, at) | byte_at(text, at + 1) << 8 | byte_at(text, at + 2) << 16 |
         byte_at(text, at + 3) << 24;
}

}  // namespace

// The 18 bytes that bgzip and htslib write: FEXTRA alone, XLEN 6, and one subfield BC of two bytes
// with the size of the block less one. Other legal forms are left to GzipSource.
size_t bgzf_block_bytes(std::string_view head) {
  using std::string_view_literals::operator""sv;
  if (head.size() < kHeaderBytes || head.substr(0, 4) != "\x1f\x8b\x08\x04"sv) return 0;
  if (head.substr(10, 6) != "\6\0BC\2\0"sv) return 0;
  const size_t size = (byte_at(head, 16) | byte_at(head, 17) << 8) + 1;
  return size < kHeaderBytes + kTrailerBytes ? 0 : size;
}

BgzfSource::BgzfSource(std::unique_ptr<RawInput> input, int num_threads)
    : input_(std::move(input)),
      path_(input_->path()),
      // Twice as many as threads, so that none waits while the reader uses up a slot.
      slots_(2 * static_cast<size_t>(num_threads) + 2),
      num_threads_(num_threads) {}

BgzfSource::~BgzfSource() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

// Under the lock: blocks leave the file in order.
void BgzfSource::take_blocks(Slot& slot) {
  slot.compressed.clear();
  slot.offset = input_->offset();
  slot.begin = slot.end = 0;
  slot.is_done = slot.is_last = false;
  slot.damaged = nullptr;
  slot.failure = nullptr;
  try {
    for (size_t i = 0; i < kBlocksPerSlot && !slot.is_last; ++i) {
      const size_t size = bgzf_block_bytes(input_->peek(kHeaderBytes));
      const std::string_view block = input_->peek(size).substr(0, size);
      // Not an error here: GzipSource finds out whether this is the end, padding, another member or
      // damage.
      slot.is_last = size == 0 || block.size() < size;
      if (slot.is_last) break;
      slot.compressed.append(block);
      // The last four bytes of a member are the length of its data.
      is_end_block_ = little_u32(block, size - 4) == 0;
      input_->skip(size);
    }
  } catch (...) {
    slot.failure = std::current_exception();
    slot.is_last = true;
  }
}

// Without the lock: the slot is this thread's until is_done.
void BgzfSource::inflate(Slot& slot, BlockInflater& inflater) const {
  slot.data.resize(kBlocksPerSlot * kMaxBlockBytes);
  const std::string_view all = slot.compressed;
  for (size_t at = 0; at < all.size();) {
    const std::string_view block = all.substr(at, bgzf_block_bytes(all.substr(at)));
    const std::string_view trailer = block.substr(block.size() - kTrailerBytes);
    const size_t size = little_u32(trailer, 4);
    const std::string_view body =
        block.substr(kHeaderBytes, block.size() - kHeaderBytes - kTrailerBytes);
    if (size > kMaxBlockBytes || !inflater.run(body, slot.data.data() + slot.end, size,
                                               static_cast<uint32_t>(little_u32(trailer, 0)))) {
      // The streaming reader goes over the bad block again, from its first byte, and finds the
      // words for it.
      auto input = std::make_unique<RawInput>(path_, std::string(all.substr(at)),
                                              slot.offset + static_cast<int64_t>(at));
      slot.damaged = std::make_unique<GzipSource>(std::move(input));
      return;
    }
    slot.end += size;
    at += block.size();
  }
}

void BgzfSource::claim_one(std::unique_lock<std::mutex>& lock, BlockInflater& inflater) {
  Slot& slot = slots_[num_claimed_++ % slots_.size()];
  take_blocks(slot);
  has_last_ = slot.is_last;
  lock.unlock();
  try {
    inflate(slot, inflater);
  } catch (...) {
    slot.failure = std::current_exception();
  }
  lock.lock();
  slot.is_done = true;
  changed_.notify_all();
}

void BgzfSource::work() {
  std::optional<BlockInflater> inflater;
  try {
    inflater.emplace();
  } catch (const std::bad_alloc&) {
    return;  // the thread that reads inflates alone
  }
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return is_stopping_ || has_last_ || can_claim(); });
    if (is_stopping_ || has_last_) return;
    claim_one(lock, *inflater);
  }
}

// The slot to read from, inflated; this thread works too while it is not.
BgzfSource::Slot& BgzfSource::wait_for_slot() {
  std::unique_lock lock(mutex_);
  while (true) {
    Slot& slot = slots_[num_used_ % slots_.size()];
    if (num_claimed_ > num_used_ && slot.is_done) return slot;
    if (can_claim()) {
      claim_one(lock, inflater_);
    } else {
      changed_.wait(lock);
    }
  }
}

size_t BgzfSource::read(char* out, size_t size) {
  if (size == 0) return 0;
  // Threads begin with the first read, not with the file: files are also opened only to be looked
  // at, and in processes that fork afterwards.
  while (!rest_ && threads_.size() + 1 < static_cast<size_t>(num_threads_)) {
    threads_.emplace_back(&BgzfSource::work, this);
  }
  while (!rest_) {
    // What comes out of a slot is in this order: its data, then why there is no more, then what its
    // damaged block still gives.
    Slot& slot = wait_for_slot();
    if (const size_t given = std::min(size, slot.end - slot.begin)) {
      std::memcpy(out, slot.data.data() + slot.begin, given);
      slot.begin += given;
      return given;
    }
    if (slot.failure) std::rethrow_exception(slot.failure);
    if (slot.damaged) {
      if (const size_t given = slot.damaged->read(out, size)) return given;
      slot.damaged = nullptr;
    }
    if (slot.is_last) {
      const auto before = input_->offset() == 0 ? GzipSource::Before::kNothing
                          : is_end_block_       ? GzipSource::Before::kEndBlock
                                                : GzipSource::Before::kBlocks;
      // Nobody else touches the input now: no slot is claimed after the last one.
      rest_ = std::make_unique<GzipSource>(std::move(input_), before);
    } else {
      const std::lock_guard lock(mutex_);
      ++num_used_;
      changed_.notify_all();
    }
  }
  return rest_->read(out, size);
}

}  // namespace deepbio::io
