// A file read at any place by pread, bound to what it was when it was opened: identity, size,
// modification time.
//
// Private to the readers with random access of this layer. Threads: constant and free of a shared
// position, so that one may be used by many threads and after a fork.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace deepbio::io {

class PositionedFile {
 public:
  // throws MissingFileError (absent, no permission, no regular file).
  // is_kept_open false: it is opened for each read and closed again, so that any number of files
  // may be at hand; a path that names another file by then is a ParseError.
  explicit PositionedFile(std::string path, bool is_kept_open = true);
  ~PositionedFile();
  PositionedFile(const PositionedFile&) = delete;
  PositionedFile& operator=(const PositionedFile&) = delete;
  // Up to size bytes at offset; fewer only at the end.
  size_t read(uint64_t offset, char* out, size_t size) const;
  // throws ParseError when size or modification time are no longer those at opening.
  void check_unchanged() const;
  // The same, and that path() still names this file: nothing was renamed over it.
  void check_in_place() const;
  uint64_t size() const { return size_; }
  int64_t mtime_ns() const { return mtime_ns_; }
  const std::string& path() const { return path_; }

 private:
  int open_again() const;

  std::string path_;
  int file_ = -1;  // -1: opened for each read
  uint64_t size_ = 0, device_ = 0, number_ = 0;
  int64_t mtime_ns_ = 0;
};

}  // namespace deepbio::io
