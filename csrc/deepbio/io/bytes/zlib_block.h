// Blocks in zlib's format, whose check sum of the plain bytes is compared; by libdeflate where it
// is built in. Private to the readers of files that hold such blocks (HDF5, bigWig). Threads:
// belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

namespace deepbio::io {

class ZlibBlock {
 public:
  ZlibBlock();
  ~ZlibBlock();
  ZlibBlock(const ZlibBlock&) = delete;
  ZlibBlock& operator=(const ZlibBlock&) = delete;
  // How many plain bytes were written to `out`; nothing when the block is damaged or has more than
  // `most`.
  std::optional<size_t> inflate(std::string_view stored, char* out, size_t most);

 private:
  struct Library;
  std::unique_ptr<Library> library_;
};

}  // namespace deepbio::io
