// The undecompressed bytes of a file or of standard input, buffered, with a look ahead.
//
// Private to the readers of this layer: `bytes` serves plain files from it, `gzip` inflates from
// it. Threads: belongs to one thread at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "deepbio/io/bytes/positioned_file.h"

namespace deepbio::io {

class RawInput {
 public:
  // "-" is standard input. throws MissingFileError (absent, a directory, no permission).
  // max_read_bytes: most that is asked of the system at once.
  explicit RawInput(std::string path, size_t max_read_bytes = size_t{1} << 30);
  // These bytes, which are in the file `path` at `offset`, and nothing after them.
  RawInput(std::string path, std::string bytes, int64_t offset);
  // The content of a file that outlives the input.
  explicit RawInput(const PositionedFile& file);
  ~RawInput();
  RawInput(const RawInput&) = delete;
  RawInput& operator=(const RawInput&) = delete;

  // The unread bytes in the buffer: at least `want` (at most kBufferBytes) unless the file ends
  // before.
  std::string_view peek(size_t want);
  // Passes over bytes that peek has shown.
  void skip(size_t size);
  // Moves up to size bytes to out, straight from the file when the buffer is empty; 0 is the end.
  size_t read(char* out, size_t size);
  // Bytes passed over so far: where in the file the next byte is.
  int64_t offset() const { return offset_.load(std::memory_order_relaxed); }
  const std::string& path() const { return path_; }

  static constexpr size_t kBufferBytes = size_t{1} << 18;

 private:
  size_t read_file(char* out, size_t size);
  void move_on(size_t size) {
    offset_.store(offset() + static_cast<int64_t>(size), std::memory_order_relaxed);
  }

  std::string path_;
  size_t max_read_bytes_ = 0;
  int file_ = -1;  // none: `positioned_`, or only what is in the buffer
  const PositionedFile* positioned_ = nullptr;
  uint64_t positioned_bytes_ = 0;    // read of it
  std::atomic<int64_t> offset_ = 0;  // written by one thread; others may ask how far it is
  size_t capacity_ = kBufferBytes;
  std::unique_ptr<char[]>
      buffer_;  // not filled with zeros, which would cost more than reading a small file
  size_t begin_ = 0, end_ = 0;
};

}  // namespace deepbio::io
