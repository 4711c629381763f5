#include "deepbio/io/random_bytes.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deepbio/base/error.h"

namespace deepbio::io {
namespace {

constexpr size_t kInputBytes = size_t{1} << 15;
constexpr size_t kWindowBytes = size_t{1} << 15;
constexpr uint64_t kPointEveryBytes = uint64_t{1} << 20;

int64_t nanoseconds(const struct stat& info) {
  return int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
}

unsigned u16_at(const unsigned char* bytes) { return bytes[0] | unsigned{bytes[1]} << 8; }

// Size of the BGZF block at offset, or nothing when no such block stands there.
std::optional<uint64_t> bgzf_block_bytes(const PositionedFile& file, uint64_t offset) {
  std::array<unsigned char, 4096> head;
  const size_t got = file.read(offset, reinterpret_cast<char*>(head.data()), head.size());
  if (got < 18 || head[0] != 0x1f || head[1] != 0x8b || head[2] != 8 || (head[3] & 4) == 0) return std::nullopt;
  const size_t end = 12 + u16_at(&head[10]);
  for (size_t at = 12; at + 4 <= std::min(end, got); at += 4 + u16_at(&head[at + 2])) {
    if (head[at] == 'B' && head[at + 1] == 'C' && u16_at(&head[at + 2]) == 2 && at + 6 <= got) {
      const uint64_t size = u16_at(&head[at + 4]) + uint64_t{1};
      if (size < end + 8 || offset + size > file.size()) return std::nullopt;
      return size;
    }
  }
  return std::nullopt;
}

// False when the file is not made of BGZF blocks alone.
bool map_bgzf(const PositionedFile& file, AccessMap& map) {
  for (uint64_t offset = 0; offset < file.size();) {
    const auto size = bgzf_block_bytes(file, offset);
    if (!size) return false;
    std::array<unsigned char, 4> tail;
    file.read(offset + *size - 4, reinterpret_cast<char*>(tail.data()), 4);
    const uint64_t data_bytes = u16_at(&tail[0]) | uint64_t{u16_at(&tail[2])} << 16;
    if (data_bytes > 0) map.points.push_back({offset, map.data_bytes, 0, 0, 0});
    map.data_bytes += data_bytes;
    offset += *size;
  }
  return true;
}

// One pass over a gzip file that stops at each deflate block.
class GzipMapper {
 public:
  GzipMapper(const PositionedFile& file, AccessMap& map) : file_(file), map_(map), input_(kInputBytes) {
    if (inflateInit2(&stream_, MAX_WBITS + 16) != Z_OK) throw Error("zlib: inflateInit2 failed");
  }
  ~GzipMapper() { inflateEnd(&stream_); }
  GzipMapper(const GzipMapper&) = delete;
  GzipMapper& operator=(const GzipMapper&) = delete;

  void run() {
    while (begins_member()) {
      map_.points.push_back({offset(), map_.data_bytes, 0, 0, 0});
      inflateReset(&stream_);
      int code = Z_OK;
      while (code != Z_STREAM_END) code = step();
    }
    map_.owner = std::make_shared<const std::string>(std::move(windows_));
    map_.windows = *map_.owner;
  }

 private:
  uint64_t offset() const { return file_offset_ - stream_.avail_in; }

  void fill() {
    if (stream_.avail_in > 0) return;
    const size_t got = file_.read(file_offset_, input_.data(), input_.size());
    file_offset_ += got;
    stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
    stream_.avail_in = static_cast<uInt>(got);
  }

  // Zero bytes after the last member are padding.
  bool begins_member() {
    fill();
    return stream_.avail_in > 0 && *stream_.next_in != 0;
  }

  int step() {
    fill();
    stream_.next_out = reinterpret_cast<Bytef*>(output_.data());
    stream_.avail_out = static_cast<uInt>(output_.size());
    const int code = inflate(&stream_, Z_BLOCK);
    map_.data_bytes += output_.size() - stream_.avail_out;
    const bool is_stuck = code == Z_BUF_ERROR && stream_.avail_in == 0 && file_offset_ == file_.size();
    if ((code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) || is_stuck) {
      throw ParseError({file_.path(), -1, -1, static_cast<int64_t>(offset())}, "whole gzip members",
                       "damaged or cut ones", ErrorKind::kContainer);
    }
    const bool is_between_blocks = (stream_.data_type & 128) != 0 && (stream_.data_type & 64) == 0;
    if (code == Z_OK && is_between_blocks && map_.data_bytes >= map_.points.back().data_offset + kPointEveryBytes) {
      add_point(static_cast<uint8_t>(stream_.data_type & 7));
    }
    return code;
  }

  void add_point(uint8_t num_bits) {
    std::array<Bytef, kWindowBytes> window;
    uInt size = 0;
    inflateGetDictionary(&stream_, window.data(), &size);
    std::vector<Bytef> packed(compressBound(size));
    uLongf packed_size = packed.size();
    if (compress2(packed.data(), &packed_size, window.data(), size, 6) != Z_OK) throw Error("zlib: compress2 failed");
    map_.points.push_back({offset(), map_.data_bytes, windows_.size(), static_cast<uint32_t>(packed_size), num_bits});
    windows_.append(reinterpret_cast<const char*>(packed.data()), packed_size);
  }

  const PositionedFile& file_;
  AccessMap& map_;
  z_stream stream_{};
  std::vector<char> input_;
  std::array<char, size_t{1} << 16> output_;
  std::string windows_;
  uint64_t file_offset_ = 0;
};

}  // namespace

PositionedFile::PositionedFile(std::string path) : path_(std::move(path)) {
  file_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file_ < 0) throw MissingFileError(path_, "cannot be opened: " + std::generic_category().message(errno));
  struct stat info {};
  if (::fstat(file_, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(file_);
    throw MissingFileError(path_, "expected a regular file, which random access needs");
  }
  size_ = static_cast<uint64_t>(info.st_size);
  mtime_ns_ = nanoseconds(info);
}

PositionedFile::~PositionedFile() { ::close(file_); }

size_t PositionedFile::read(uint64_t offset, char* out, size_t size) const {
  size_t total = 0;
  while (total < size) {
    const ssize_t got = ::pread(file_, out + total, size - total, static_cast<off_t>(offset + total));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(path_ + ": reading failed: " + std::generic_category().message(errno));
    if (got == 0) break;
    total += static_cast<size_t>(got);
  }
  return total;
}

void PositionedFile::check_unchanged() const {
  struct stat info {};
  if (::fstat(file_, &info) != 0) throw Error(path_ + ": fstat failed");
  if (static_cast<uint64_t>(info.st_size) == size_ && nanoseconds(info) == mtime_ns_) return;
  throw ParseError({path_}, "the file as it was when it was opened (" + std::to_string(size_) + " bytes)",
                   "a file changed since, now of " + std::to_string(info.st_size) + " bytes; open it again",
                   ErrorKind::kContainer);
}

AccessMap map_access(const PositionedFile& file, Container container) {
  if (container == Container::kZip) {
    throw ParseError({file.path()}, "a plain, gzip or BGZF file for random access", "a zip archive; unzip it first",
                     ErrorKind::kContainer);
  }
  AccessMap map;
  map.container = container;
  if (container == Container::kPlain) {
    map.data_bytes = file.size();
    return map;
  }
  if (container == Container::kBgzf && map_bgzf(file, map)) return map;
  map = {};
  map.container = container;
  GzipMapper(file, map).run();
  return map;
}

RandomCursor::RandomCursor(const PositionedFile& file, const AccessMap& map) : file_(file), map_(map) {
  if (map.container == Container::kPlain) return;
  input_.resize(kInputBytes);
  if (inflateInit2(&stream_, MAX_WBITS + 16) != Z_OK) throw Error("zlib: inflateInit2 failed");
}

RandomCursor::~RandomCursor() {
  if (map_.container != Container::kPlain) inflateEnd(&stream_);
}

void RandomCursor::changed(const std::string& got) const {
  throw ParseError({file_.path(), -1, -1, static_cast<int64_t>(file_offset_)}, "the bytes that were indexed", got,
                   ErrorKind::kContainer);
}

void RandomCursor::read(uint64_t begin, uint64_t end, std::string& out) {
  if (begin > end || end > map_.data_bytes) changed("an index that points outside of them");
  out.resize(end - begin);
  if (map_.container == Container::kPlain) {
    if (file_.read(begin, out.data(), out.size()) != out.size()) changed("the end of the file");
    return;
  }
  if (begin == end) return;
  seek(begin);
  inflate_exactly(out.data(), out.size());
}

void RandomCursor::seek(uint64_t data_offset) {
  auto point = std::upper_bound(map_.points.begin(), map_.points.end(), data_offset,
                                [](uint64_t value, const AccessPoint& p) { return value < p.data_offset; });
  if (point == map_.points.begin()) changed("an index without a place to begin");
  --point;
  if (!is_started_ || data_offset_ > data_offset || data_offset_ < point->data_offset) {
    is_started_ = true;
    is_raw_ = point->window_bytes > 0;
    file_offset_ = point->file_offset;
    data_offset_ = point->data_offset;
    stream_.avail_in = 0;
    inflateReset2(&stream_, is_raw_ ? -MAX_WBITS : MAX_WBITS + 16);
    if (is_raw_) {
      if (point->num_bits > 0) {
        char byte = 0;
        file_.read(file_offset_ - 1, &byte, 1);
        inflatePrime(&stream_, point->num_bits, static_cast<unsigned char>(byte) >> (8 - point->num_bits));
      }
      std::array<Bytef, kWindowBytes> window;
      uLongf size = window.size();
      const auto* packed = reinterpret_cast<const Bytef*>(map_.windows.data() + point->window_begin);
      if (uncompress(window.data(), &size, packed, point->window_bytes) != Z_OK) changed("a damaged index");
      inflateSetDictionary(&stream_, window.data(), static_cast<uInt>(size));
    }
  }
  std::array<char, size_t{1} << 14> skipped;
  while (data_offset_ < data_offset) {
    inflate_exactly(skipped.data(), std::min<uint64_t>(skipped.size(), data_offset - data_offset_));
  }
}

void RandomCursor::fill() {
  if (stream_.avail_in > 0) return;
  const size_t got = file_.read(file_offset_, input_.data(), input_.size());
  if (got == 0) changed("the end of the file");
  file_offset_ += got;
  stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
  stream_.avail_in = static_cast<uInt>(got);
}

// A member entered in its middle leaves its trailer (CRC-32 and length) unread.
void RandomCursor::next_member() {
  for (int i = 0; is_raw_ && i < 8; ++i) {
    fill();
    ++stream_.next_in;
    --stream_.avail_in;
  }
  is_raw_ = false;
  inflateReset2(&stream_, MAX_WBITS + 16);
}

void RandomCursor::inflate_exactly(char* out, uint64_t size) {
  uint64_t done = 0;
  is_started_ = false;  // until the end, for an error leaves the stream in the middle
  while (done < size) {
    fill();
    const auto want = static_cast<uInt>(std::min<uint64_t>(size - done, uint64_t{1} << 30));
    stream_.next_out = reinterpret_cast<Bytef*>(out + done);
    stream_.avail_out = want;
    const int code = inflate(&stream_, Z_NO_FLUSH);
    done += want - stream_.avail_out;
    if (code == Z_STREAM_END) {
      next_member();
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      changed("damaged deflate data");
    }
  }
  data_offset_ += size;
  is_started_ = true;
}

}  // namespace deepbio::io
