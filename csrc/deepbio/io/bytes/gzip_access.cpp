// Random access to a gzip file that has no blocks of its own, as zran of zlib does it: while the
// file is inflated once, places where a deflate block begins are noted about every 512 KiB, each
// with the 32 KiB of data before it, deflated. To read from there, that window is the dictionary
// and decoding begins in the middle of a byte.
#include "deepbio/io/bytes/gzip_access.h"

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <utility>

#include <zlib.h>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/gzip.h"

namespace deepbio::io {
namespace {

constexpr size_t kInputBytes = size_t{1} << 16;
// The farthest that deflate may refer back.
constexpr size_t kWindowBytes = size_t{1} << 15, kRecentBytes = 4 * kWindowBytes;
constexpr uint64_t kPointEveryBytes = uint64_t{1} << 19;
constexpr uint64_t kMostAtOnce = uint64_t{1} << 30;

// Notes the members and, once enough data has passed, the next block, with a window of the data
// before it.
class MappingSource : public ByteSource, private GzipObserver {
 public:
  MappingSource(const PositionedFile& file, AccessMap& map)
      : map_(map), source_(std::make_unique<RawInput>(file), *this) {
    map_ = {};
    map_.container = Container::kGzip;
    // Bases and qualities repeat little, so that looking for repeats would cost time and save few
    // bytes.
    if (deflateInit2(&packer_, 1, Z_DEFLATED, MAX_WBITS, 8, Z_HUFFMAN_ONLY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~MappingSource() override { deflateEnd(&packer_); }
  MappingSource(const MappingSource&) = delete;
  MappingSource& operator=(const MappingSource&) = delete;

  const std::string& path() const override { return source_.path(); }
  Container container() const override { return Container::kGzip; }
  int64_t file_offset_bytes() const override { return source_.file_offset_bytes(); }

  size_t read(char* out, size_t size) override {
    const size_t got = source_.read(out, size);
    if (got == 0 && size > 0 && map_.owner == nullptr) {
      // Only at the end: the views into it would move while it grows.
      map_.owner = std::make_shared<const std::string>(std::move(windows_));
      map_.windows = *map_.owner;
    }
    return got;
  }

 private:
  void begin_member(uint64_t file_offset) override {
    map_.points.push_back({file_offset, map_.data_bytes, 0, 0, 0});
    recent_.clear();
  }

  void see(std::string_view data) override {
    map_.data_bytes += data.size();
    if (data.size() >= kWindowBytes) {
      recent_ = data.substr(data.size() - kWindowBytes);
      return;
    }
    if (recent_.size() + data.size() > kRecentBytes)
      // Four windows are kept before the front is cut off, so that data is moved once in three
      // windows.
      recent_.erase(0, recent_.size() - kWindowBytes);
    recent_ += data;
  }

  bool wants_block() const override {
    return map_.data_bytes >= map_.points.back().data_offset + kPointEveryBytes;
  }

  void begin_block(uint64_t file_offset, uint8_t num_bits) override {
    const std::string_view window =
        std::string_view(recent_).substr(recent_.size() - std::min(recent_.size(), kWindowBytes));
    std::array<Bytef, 2 * kWindowBytes> packed;  // more than deflateBound of a window
    deflateReset(&packer_);
    packer_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(window.data()));
    packer_.avail_in = static_cast<uInt>(window.size());
    packer_.next_out = packed.data();
    packer_.avail_out = static_cast<uInt>(packed.size());
    if (deflate(&packer_, Z_FINISH) != Z_STREAM_END)
      throw Error("zlib: a window could not be packed");
    map_.points.push_back({file_offset, map_.data_bytes, windows_.size(),
                           static_cast<uint32_t>(packer_.total_out), num_bits});
    windows_.append(reinterpret_cast<const char*>(packed.data()), packer_.total_out);
  }

  AccessMap& map_;
  GzipSource source_;
  z_stream packer_{};
  std::string recent_;  // the last data of the member, at least a window of it
  std::string windows_;
};

class GzipCursor : public RandomCursor {
 public:
  GzipCursor(const PositionedFile& file, const AccessMap& map)
      : RandomCursor(file, map), input_(kInputBytes) {
    if (inflateInit2(&stream_, MAX_WBITS + 16) != Z_OK) throw std::bad_alloc();
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
    // Forward within reach of the same point: inflating on is cheaper than entering again.
    if (!is_started_ || data_offset_ > data_offset || data_offset_ < point.data_offset)
      enter(point);
    std::array<char, size_t{1} << 14> skipped;
    while (data_offset_ < data_offset) {
      inflate_exactly(skipped.data(),
                      std::min<uint64_t>(skipped.size(), data_offset - data_offset_));
    }
  }

  void enter(const AccessPoint& point) {
    // A point at the beginning of a member has no window, and its header is read as of any gzip
    // file.
    is_raw_ = point.window_bytes > 0;
    file_offset_ = point.file_offset;
    data_offset_ = point.data_offset;
    stream_.avail_in = 0;
    inflateReset2(&stream_, is_raw_ ? -MAX_WBITS : MAX_WBITS + 16);
    if (!is_raw_) return;
    if (point.num_bits > 0) {
      char byte = 0;
      file_.read(file_offset_ - 1, &byte, 1);
      // Blocks begin at any bit: the rest of the byte before is put in first.
      inflatePrime(&stream_, point.num_bits,
                   static_cast<unsigned char>(byte) >> (8 - point.num_bits));
    }
    std::array<Bytef, kWindowBytes> window;
    uLongf size = window.size();
    const auto* packed = reinterpret_cast<const Bytef*>(map_.windows.data() + point.window_begin);
    const int code = uncompress(window.data(), &size, packed, point.window_bytes);
    if (code == Z_MEM_ERROR) throw std::bad_alloc();
    if (code != Z_OK) changed(file_offset_, "a damaged index");
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
      if (code == Z_MEM_ERROR) throw std::bad_alloc();
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
