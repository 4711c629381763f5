// Any range of the decompressed bytes of a file, without reading it from the beginning.
//
// An AccessMap lists where decompression can begin: each block of a BGZF file; in any other gzip
// file each member and a place about every 512 KiB of output, with the 32 KiB before it that
// deflate may refer to. A plain file needs none. What is checked when bytes are read: of BGZF the
// CRC and length of every block that is touched; of gzip those of a member that is read from its
// beginning to its end, for a member entered in its middle has only the CRC of the whole, which was
// checked when the map was made; of a plain file nothing, for it has no checksum. Private to
// `fastx_index`, `fastx_file` and `fasta_index`. A cursor belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/io/bytes/bytes.h"
#include "deepbio/io/bytes/positioned_file.h"

namespace deepbio::io {

struct AccessPoint {
  uint64_t file_offset = 0, data_offset = 0;
  uint64_t window_begin = 0;  // of the deflated window in AccessMap::windows
  uint32_t window_bytes = 0;  // 0: a gzip member begins here
  uint8_t num_bits = 0;       // of the byte before file_offset that are still to be read
};

struct AccessMap {
  // kBgzf only where every member is a block of the usual form.
  Container container = Container::kPlain;
  uint64_t data_bytes = 0;          // decompressed
  std::vector<AccessPoint> points;  // ascending in data_offset
  std::string_view windows;
  std::shared_ptr<const std::string> owner;  // of windows, unless they lie in a mapped index
};

// The last access point at or before data_offset. throws ParseError when there is none.
size_t find_access_point(const PositionedFile& file, const AccessMap& map, uint64_t data_offset);

// Finds the access points. Of gzip every checksum is checked on the way; of BGZF only headers and
// lengths are read, for blocks are checked when they are touched. throws ParseError (kind
// container).
AccessMap map_access(const PositionedFile& file, Container container);

class RandomCursor {
 public:
  virtual ~RandomCursor();
  // The decompressed bytes [begin, end), which live until the next call. Ranges in ascending order
  // share work. throws ParseError: outside of the data, damage, another file than the one that was
  // mapped.
  std::string_view read(uint64_t begin, uint64_t end);

 protected:
  // file and map must outlive the cursor.
  RandomCursor(const PositionedFile& file, const AccessMap& map) : file_(file), map_(map) {}
  virtual std::string_view read_range(uint64_t begin, uint64_t end) = 0;
  [[noreturn]] void changed(uint64_t file_offset, const std::string& got) const;
  // Memory for size bytes, kept between calls, not set to anything.
  char* room_for(size_t size);

  const PositionedFile& file_;
  const AccessMap& map_;

 private:
  std::unique_ptr<char[]> room_;
  size_t room_bytes_ = 0;
};

// file and map must outlive the cursor.
std::unique_ptr<RandomCursor> make_cursor(const PositionedFile& file, const AccessMap& map);

}  // namespace deepbio::io
