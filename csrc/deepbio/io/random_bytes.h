// Any range of the decompressed bytes of a file, without reading it from the beginning.
//
// An AccessMap lists where decompression can begin: each block of a BGZF file; in a plain gzip file each member and
// a place about every 1 MiB of output, with the 32 KiB before it that deflate may refer to. A plain file needs none.
// Private to `fastx_index` and `fasta_index`. Only pread is used, so a file may be shared by threads and after a fork;
// a RandomCursor belongs to one thread at a time.
// Source: the idea of zlib's examples/zran.c.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <zlib.h>

#include "deepbio/io/bytes.h"

namespace deepbio::io {

struct AccessPoint {
  uint64_t file_offset = 0, data_offset = 0;
  uint64_t window_begin = 0;  // of the deflated window in AccessMap::windows
  uint32_t window_bytes = 0;  // 0: a gzip member begins here
  uint8_t num_bits = 0;       // of the byte before file_offset that are still to be read
};

struct AccessMap {
  Container container = Container::kPlain;
  uint64_t data_bytes = 0;          // decompressed
  std::vector<AccessPoint> points;  // ascending in data_offset
  std::string_view windows;
  std::shared_ptr<const std::string> owner;  // of windows, unless they lie in a mapped index
};

class PositionedFile {
 public:
  // throws MissingFileError.
  explicit PositionedFile(std::string path);
  ~PositionedFile();
  PositionedFile(const PositionedFile&) = delete;
  PositionedFile& operator=(const PositionedFile&) = delete;
  // Up to size bytes at offset; fewer only at the end.
  size_t read(uint64_t offset, char* out, size_t size) const;
  // throws ParseError when size or modification time are no longer those at opening.
  void check_unchanged() const;
  uint64_t size() const { return size_; }
  int64_t mtime_ns() const { return mtime_ns_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int file_ = -1;
  uint64_t size_ = 0;
  int64_t mtime_ns_ = 0;
};

// Finds the access points. The file must be known to be whole: damage is only noticed where it stops the search.
// throws ParseError (kind container).
AccessMap map_access(const PositionedFile& file, Container container);

class RandomCursor {
 public:
  // file and map must outlive the cursor.
  RandomCursor(const PositionedFile& file, const AccessMap& map);
  ~RandomCursor();
  RandomCursor(const RandomCursor&) = delete;
  RandomCursor& operator=(const RandomCursor&) = delete;
  // Sets out to the decompressed bytes [begin, end). Ranges in ascending order share work. throws ParseError.
  void read(uint64_t begin, uint64_t end, std::string& out);

 private:
  void seek(uint64_t data_offset);
  void inflate_exactly(char* out, uint64_t size);
  void next_member();
  void fill();
  [[noreturn]] void changed(const std::string& got) const;

  const PositionedFile& file_;
  const AccessMap& map_;
  z_stream stream_{};
  std::vector<char> input_;
  uint64_t file_offset_ = 0, data_offset_ = 0;
  bool is_started_ = false, is_raw_ = false;
};

}  // namespace deepbio::io
