// A thread that inflates while the caller parses: with a single gzip stream two cores are all that
// can be used. Four buffers go round; the counts of filled and used ones are all that the threads
// share.
#include "deepbio/io/bytes/read_ahead.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace deepbio::io {

ReadAheadSource::ReadAheadSource(std::unique_ptr<ByteSource> source)
    : source_(std::move(source)), buffers_(kNumBuffers) {}

ReadAheadSource::~ReadAheadSource() {
  // The thread starts with the first read, so a source that was only opened has none.
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

// An empty buffer without failure is the end.
void ReadAheadSource::fill(Buffer& buffer) {
  buffer.begin = buffer.end = 0;
  buffer.failure = nullptr;
  try {  // the memory too: nothing may leave the thread
    buffer.data.resize(kBufferBytes);
    // Full buffers, whatever pieces the source gives: each hand-over costs a lock and a wake-up.
    while (buffer.end < kBufferBytes) {
      const size_t got = source_->read(buffer.data.data() + buffer.end, kBufferBytes - buffer.end);
      if (got == 0) break;
      buffer.end += got;
    }
  } catch (...) {
    buffer.failure = std::current_exception();
  }
}

void ReadAheadSource::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return is_stopping_ || num_filled_ < num_used_ + kNumBuffers; });
    if (is_stopping_) return;
    Buffer& buffer = buffers_[num_filled_ % kNumBuffers];
    // The buffer is nobody else's until num_filled_ says so.
    lock.unlock();
    fill(buffer);
    const bool is_last = buffer.failure != nullptr || buffer.end == 0;
    lock.lock();
    ++num_filled_;
    changed_.notify_all();
    if (is_last) return;
  }
}

size_t ReadAheadSource::read(char* out, size_t size) {
  if (failure_) std::rethrow_exception(failure_);
  if (is_end_ || size == 0) return 0;
  if (!thread_.joinable()) thread_ = std::thread(&ReadAheadSource::work, this);
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return num_filled_ > num_used_; });
    }
    Buffer& buffer = buffers_[num_used_ % kNumBuffers];
    if (const size_t given = std::min(size, buffer.end - buffer.begin)) {
      std::memcpy(out, buffer.data.data() + buffer.begin, given);
      buffer.begin += given;
      return given;
    }
    // After its data: bytes before the damage are good.
    if (buffer.failure) {
      failure_ = buffer.failure;
      std::rethrow_exception(failure_);
    }
    is_end_ = buffer.end == 0;
    if (is_end_) return 0;
    const std::lock_guard lock(mutex_);
    ++num_used_;
    changed_.notify_all();
  }
}

}  // namespace deepbio::io
