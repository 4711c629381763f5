// Bytes of a file, decompressed when it is gzip, zstd (zstd.h) or a QIIME 2 artifact (recognised by
// content, never by name). Writing is in output.h.
//
// gzip: every member is read; header, CRC-32 and length are checked; a stream that ends inside a
// member, or non-zero bytes after the last one, is a ParseError (kind container), never an end.
// BGZF is gzip with a BC extra field and is read as such; BSIZE is checked. Of an artifact (a zip)
// the data file is read (artifact.h). Other compressions are named in the error. Threads: a
// ByteSource belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "deepbio/io/bytes/output.h"

namespace deepbio::io {

enum class Container { kPlain, kGzip, kBgzf, kZip, kZstd };
std::string_view to_string(Container container);

class ByteSource {
 public:
  virtual ~ByteSource();
  // Reads up to size bytes; 0 is the end of the data. throws ParseError on damage.
  virtual size_t read(char* out, size_t size) = 0;
  virtual const std::string& path() const = 0;
  virtual Container container() const = 0;
  // How much of the file was taken so far; threads that read ahead may be further than what was
  // handed out.
  virtual int64_t file_offset_bytes() const { return 0; }
  // Once read() has given 0: what is odd about the data, though no error; "" when nothing is.
  virtual std::string warning() const { return ""; }
};

struct OpenOptions {
  // 1: the reading thread does everything. 2 or more: gzip is inflated ahead by a second thread,
  // BGZF by all of them.
  int num_threads = 1;
  size_t max_read_bytes = size_t{1} << 30;  // most that is asked of the file system at once
};

// Opens a file ("-" is standard input). throws MissingFileError (absent, a directory, no
// permission).
std::unique_ptr<ByteSource> open_bytes(const std::string& path, const OpenOptions& options = {});

// The whole (decompressed) content. throws ParseError (kind resource) above limit_bytes.
std::string read_all(const std::string& path, uint64_t limit_bytes = uint64_t{4} << 30);

}  // namespace deepbio::io
