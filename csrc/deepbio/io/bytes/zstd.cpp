#include "deepbio/io/bytes/zstd.h"

#include <optional>
#include <utility>

#include "deepbio/base/error.h"

#ifdef DEEPBIO_WITH_LIBZSTD
#include <zstd.h>
#endif

namespace deepbio::io {

#ifdef DEEPBIO_WITH_LIBZSTD
namespace {

class ZstdSource : public ByteSource {
 public:
  explicit ZstdSource(std::unique_ptr<RawInput> input)
      : input_(std::move(input)), stream_(ZSTD_createDStream()) {
    if (!stream_) throw std::bad_alloc();
  }

  size_t read(char* out, size_t size) override {
    if (failure_) throw ParseError(*failure_);
    ZSTD_outBuffer to{out, size, 0};
    while (to.pos == 0 && to.size > 0) {
      const std::string_view bytes = input_->peek(1);
      if (bytes.empty() && is_between_frames_) return 0;
      ZSTD_inBuffer from{bytes.data(), bytes.size(), 0};
      const size_t left = ZSTD_decompressStream(stream_.get(), &to, &from);
      if (ZSTD_isError(left) != 0) damaged("zstd data", ZSTD_getErrorName(left));
      input_->skip(from.pos);
      is_between_frames_ = left == 0;
      // What is still held of a frame comes out without more input.
      if (bytes.empty() && to.pos == 0 && !is_between_frames_)
        damaged("the rest of a zstd frame", "the end of the file");
    }
    return to.pos;
  }

  const std::string& path() const override { return input_->path(); }
  Container container() const override { return Container::kZstd; }
  int64_t file_offset_bytes() const override { return input_->offset(); }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };

  [[noreturn]] void damaged(const std::string& expected, const std::string& got) {
    failure_.emplace(Place{path(), -1, -1, input_->offset()}, expected, got, ErrorKind::kContainer);
    throw ParseError(*failure_);
  }

  std::unique_ptr<RawInput> input_;
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  bool is_between_frames_ = true;
  std::optional<ParseError> failure_;
};

}  // namespace

bool has_zstd_library() { return true; }

std::unique_ptr<ByteSource> open_zstd(std::unique_ptr<RawInput> input) {
  return std::make_unique<ZstdSource>(std::move(input));
}
#else
bool has_zstd_library() { return false; }

std::unique_ptr<ByteSource> open_zstd(std::unique_ptr<RawInput> input) {
  throw ParseError({input->path(), -1, -1, 0}, "a plain, gzip or BGZF file",
                   "zstd data; this build has no libzstd: decompress it first (zstd -d)",
                   ErrorKind::kContainer);
}
#endif

}  // namespace deepbio::io
