#include "deepbio/io/bytes/zlib_block.h"

#ifdef DEEPBIO_WITH_LIBDEFLATE
#include <new>

#include <libdeflate.h>
#else
#include <zlib.h>
#endif

namespace deepbio::io {

#ifdef DEEPBIO_WITH_LIBDEFLATE

struct ZlibBlock::Library {
  libdeflate_decompressor* decompressor = libdeflate_alloc_decompressor();
  Library() {
    if (decompressor == nullptr) throw std::bad_alloc();
  }
  ~Library() { libdeflate_free_decompressor(decompressor); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
};

std::optional<size_t> ZlibBlock::inflate(std::string_view stored, char* out, size_t most) {
  size_t made = 0;
  const auto result = libdeflate_zlib_decompress(library_->decompressor, stored.data(),
                                                 stored.size(), out, most, &made);
  return result == LIBDEFLATE_SUCCESS ? std::optional(made) : std::nullopt;
}

#else

struct ZlibBlock::Library {};

std::optional<size_t> ZlibBlock::inflate(std::string_view stored, char* out, size_t most) {
  uLongf made = most;
  const bool is_sound =
      uncompress(reinterpret_cast<Bytef*>(out), &made,
                 reinterpret_cast<const Bytef*>(stored.data()), stored.size()) == Z_OK;
  return is_sound ? std::optional<size_t>(made) : std::nullopt;
}

#endif

ZlibBlock::ZlibBlock() : library_(std::make_unique<Library>()) {}
ZlibBlock::~ZlibBlock() = default;

}  // namespace deepbio::io
