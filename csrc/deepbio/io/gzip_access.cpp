#include "deepbio/io/gzip_access.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <zlib.h>

#include "deepbio/base/error.h"

namespace deepbio::io {
namespace {

constexpr size_t kInputBytes = size_t{1} << 16;
constexpr size_t kWindowBytes = size_t{1} << 15;
constexpr uint64_t kPointEveryBytes = uint64_t{1} << 19;
constexpr uint64_t kMostAtOnce = uint64_t{1} << 30;

// Stops at each deflate block, where inflating can be taken up again.
class MappingSource : public ByteSource {
 public:
  MappingSource(const PositionedFile& file, AccessMap& map) : file_(file), map_(map), input_(kInputBytes) {
    map_ = {};
    map_.container = Container::kGzip;
    if (inflateInit2(&stream_, MAX_WBITS + 16) != Z_OK) throw Error("zlib: inflateInit2 failed");
    // Bases and qualities repeat little, so that looking for repeats would cost time and save few bytes.
    if (deflateInit2(&packer_, 1, Z_DEFLATED, MAX_WBITS, 8, Z_HUFFMAN_ONLY) != Z_OK) {
      inflateEnd(&stream_);
      throw Error("zlib: deflateInit2 failed");
    }
  }
  ~MappingSource() override {
    inflateEnd(&stream_);
    deflateEnd(&packer_);
  }
  MappingSource(const MappingSource&) = delete;
  MappingSource& operator=(const MappingSource&) = delete;

  const std::string& path() const override { return file_.path(); }
  Container container() const override { return Container::kGzip; }

  size_t read(char* out, size_t size) override {
    if (failure_) throw ParseError(*failure_);
    try {
      while (size > 0 && !is_end_ && (is_inside_ || begin_member())) {
        if (const size_t made = step(out, size)) return made;
      }
      return 0;
    } catch (const ParseError& error) {
      failure_ = error;
      throw;
    }
  }

 private:
  uint64_t offset() const { return file_offset_ - stream_.avail_in; }

  [[noreturn]] void damaged(const std::string& got) const {
    throw ParseError({file_.path(), -1, -1, static_cast<int64_t>(offset())}, "whole gzip members", got,
                     ErrorKind::kContainer);
  }

  void fill() {
    if (stream_.avail_in > 0) return;
    const size_t got = file_.read(file_offset_, input_.data(), input_.size());
    file_offset_ += got;
    stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
    stream_.avail_in = static_cast<uInt>(got);
  }

  // False at the end of the file. Zero bytes after the last member are padding.
  bool begin_member() {
    fill();
    if (!map_.points.empty() && stream_.avail_in > 0 && *stream_.next_in == 0) check_padding();
    if (stream_.avail_in == 0) {
      map_.owner = std::make_shared<const std::string>(std::move(windows_));
      map_.windows = *map_.owner;
      is_end_ = true;
      return false;
    }
    map_.points.push_back({offset(), map_.data_bytes, 0, 0, 0});
    inflateReset(&stream_);
    is_inside_ = true;
    return true;
  }

  void check_padding() {
    for (; stream_.avail_in > 0; fill()) {
      for (; stream_.avail_in > 0; ++stream_.next_in, --stream_.avail_in) {
        if (*stream_.next_in != 0) damaged("other bytes after the last member");
      }
    }
  }

  size_t step(char* out, size_t size) {
    fill();
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(std::min<uint64_t>(size, kMostAtOnce));
    const uInt room = stream_.avail_out;
    const bool is_cut = stream_.avail_in == 0;
    const int code = inflate(&stream_, Z_BLOCK);
    const size_t made = room - stream_.avail_out;
    map_.data_bytes += made;
    if (code == Z_STREAM_END) {
      is_inside_ = false;
    } else if (code == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if ((code != Z_OK && code != Z_BUF_ERROR) || (is_cut && made == 0)) {
      damaged("damaged or cut ones");
    }
    const bool is_between_blocks = (stream_.data_type & 128) != 0 && (stream_.data_type & 64) == 0;
    if (code == Z_OK && is_between_blocks && map_.data_bytes >= map_.points.back().data_offset + kPointEveryBytes) {
      add_point(static_cast<uint8_t>(stream_.data_type & 7));
    }
    return made;
  }

  void add_point(uint8_t num_bits) {
    std::array<Bytef, kWindowBytes> window;
    uInt size = 0;
    inflateGetDictionary(&stream_, window.data(), &size);
    std::array<Bytef, 2 * kWindowBytes> packed;  // more than deflateBound of a window
    deflateReset(&packer_);
    packer_.next_in = window.data();
    packer_.avail_in = size;
    packer_.next_out = packed.data();
    packer_.avail_out = static_cast<uInt>(packed.size());
    if (deflate(&packer_, Z_FINISH) != Z_STREAM_END) throw Error("zlib: a window could not be packed");
    map_.points.push_back(
        {offset(), map_.data_bytes, windows_.size(), static_cast<uint32_t>(packer_.total_out), num_bits});
    windows_.append(reinterpret_cast<const char*>(packed.data()), packer_.total_out);
  }

  const PositionedFile& file_;
  AccessMap& map_;
  z_stream stream_{}, packer_{};
  std::vector<char> input_;
  std::string windows_;
  uint64_t file_offset_ = 0;
  bool is_inside_ = false, is_end_ = false;
  std::optional<ParseError> failure_;
};

class GzipCursor : public RandomCursor {
 public:
  GzipCursor(const PositionedFile& file, const AccessMap& map) : RandomCursor(file, map), input_(kInputBytes) {
    if (inflateInit2(&stream_, MAX_WBITS + 16) != Z_OK) throw Error("zlib: inflateInit2 failed");
  }
  ~GzipCursor() override { inflateEnd(&stream_); }
  GzipCursor(const GzipCursor&) = delete;
  GzipCursor& operator=(const GzipCursor&) = delete;

 private:
  std::string_view read_range(uint64_t begin, uint64_t end) override {
    seek(begin);
    char* const out = room_for(end - begin);
    inflate_exactly(out, end - begin);
    return {out, end - begin};
  }

  void seek(uint64_t data_offset) {
    const AccessPoint& point = map_.points[find_access_point(file_, map_, data_offset)];
    if (!is_started_ || data_offset_ > data_offset || data_offset_ < point.data_offset) enter(point);
    std::array<char, size_t{1} << 14> skipped;
    while (data_offset_ < data_offset) {
      inflate_exactly(skipped.data(), std::min<uint64_t>(skipped.size(), data_offset - data_offset_));
    }
  }

  void enter(const AccessPoint& point) {
    is_raw_ = point.window_bytes > 0;
    file_offset_ = point.file_offset;
    data_offset_ = point.data_offset;
    stream_.avail_in = 0;
    inflateReset2(&stream_, is_raw_ ? -MAX_WBITS : MAX_WBITS + 16);
    if (!is_raw_) return;
    if (point.num_bits > 0) {
      char byte = 0;
      file_.read(file_offset_ - 1, &byte, 1);
      inflatePrime(&stream_, point.num_bits, static_cast<unsigned char>(byte) >> (8 - point.num_bits));
    }
    std::array<Bytef, kWindowBytes> window;
    uLongf size = window.size();
    const auto* packed = reinterpret_cast<const Bytef*>(map_.windows.data() + point.window_begin);
    if (uncompress(window.data(), &size, packed, point.window_bytes) != Z_OK) changed(file_offset_, "a damaged index");
    inflateSetDictionary(&stream_, window.data(), static_cast<uInt>(size));
  }

  void fill() {
    if (stream_.avail_in > 0) return;
    const size_t got = file_.read(file_offset_, input_.data(), input_.size());
    if (got == 0) changed(file_offset_, "the end of the file");
    file_offset_ += got;
    stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
    stream_.avail_in = static_cast<uInt>(got);
  }

  // A member entered in its middle leaves its trailer (CRC-32 and length) unread.
  void next_member() {
    for (int i = 0; is_raw_ && i < 8; ++i) {
      fill();
      ++stream_.next_in;
      --stream_.avail_in;
    }
    is_raw_ = false;
    inflateReset2(&stream_, MAX_WBITS + 16);
  }

  void inflate_exactly(char* out, uint64_t size) {
    uint64_t done = 0;
    is_started_ = false;  // until the end, for an error leaves the stream in the middle
    while (done < size) {
      fill();
      const auto want = static_cast<uInt>(std::min<uint64_t>(size - done, kMostAtOnce));
      stream_.next_out = reinterpret_cast<Bytef*>(out + done);
      stream_.avail_out = want;
      const int code = inflate(&stream_, Z_NO_FLUSH);
      done += want - stream_.avail_out;
      if (code == Z_STREAM_END) {
        next_member();
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        changed(file_offset_, "damaged deflate data");
      }
    }
    data_offset_ += size;
    is_started_ = true;
  }

  z_stream stream_{};
  std::vector<char> input_;
  uint64_t file_offset_ = 0, data_offset_ = 0;
  bool is_started_ = false, is_raw_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> map_while_reading(const PositionedFile& file, AccessMap& map) {
  return std::make_unique<MappingSource>(file, map);
}

std::unique_ptr<RandomCursor> make_gzip_cursor(const PositionedFile& file, const AccessMap& map) {
  return std::make_unique<GzipCursor>(file, map);
}

}  // namespace deepbio::io
