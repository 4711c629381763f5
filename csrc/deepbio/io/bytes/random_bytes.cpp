#include "deepbio/io/bytes/random_bytes.h"

#include <algorithm>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/bgzf_access.h"
#include "deepbio/io/bytes/gzip_access.h"

namespace deepbio::io {
namespace {

class PlainCursor : public RandomCursor {
 public:
  PlainCursor(const PositionedFile& file, const AccessMap& map) : RandomCursor(file, map) {}

 private:
  std::string_view read_range(uint64_t begin, uint64_t end) override {
    const size_t size = end - begin;
    char* const out = room_for(size);
    if (file_.read(begin, out, size) != size) changed(end, "the end of the file");
    return {out, size};
  }
};

}  // namespace

size_t find_access_point(const PositionedFile& file, const AccessMap& map, uint64_t data_offset) {
  const auto next =
      std::upper_bound(map.points.begin(), map.points.end(), data_offset,
                       [](uint64_t value, const AccessPoint& p) { return value < p.data_offset; });
  // The first point of a file is at 0, so there is one before every place unless the index is
  // damaged.
  if (next != map.points.begin()) return static_cast<size_t>(next - map.points.begin()) - 1;
  throw ParseError({file.path()}, "a place where decompression can begin",
                   "an index without one; remove it", ErrorKind::kContainer);
}

AccessMap map_access(const PositionedFile& file, Container container) {
  if (container == Container::kZip || container == Container::kZstd) {
    const bool is_zip = container == Container::kZip;
    throw ParseError({file.path()}, "a plain, gzip or BGZF file for random access",
                     is_zip ? "a zip archive; unzip it first"
                            : "zstd data; recompress it first (zstd -dc FILE | bgzip > NEW.gz)",
                     ErrorKind::kContainer);
  }
  AccessMap map;
  map.container = container;
  if (container == Container::kPlain) {
    map.data_bytes = file.size();
    return map;
  }
  // A file that begins as BGZF and goes on as other gzip is read through like any gzip file.
  if (container == Container::kBgzf && map_bgzf(file, map)) return map;
  const auto source = map_while_reading(file, map);
  std::vector<char> scratch(size_t{1} << 18);
  while (source->read(scratch.data(), scratch.size()) > 0) {
  }
  return map;
}

RandomCursor::~RandomCursor() = default;

std::string_view RandomCursor::read(uint64_t begin, uint64_t end) {
  if (begin > end || end > map_.data_bytes) changed(0, "an index that points outside of them");
  return begin == end ? std::string_view() : read_range(begin, end);
}

void RandomCursor::changed(uint64_t file_offset, const std::string& got) const {
  throw ParseError({file_.path(), -1, -1, static_cast<int64_t>(file_offset)},
                   "the bytes that were indexed", got, ErrorKind::kContainer);
}

char* RandomCursor::room_for(size_t size) {
  if (size > room_bytes_) {
    room_bytes_ = std::max(size, 2 * room_bytes_);
    // Not std::vector: it would fill with zeros what is overwritten at once.
    room_.reset(new char[room_bytes_]);
  }
  return room_.get();
}

std::unique_ptr<RandomCursor> make_cursor(const PositionedFile& file, const AccessMap& map) {
  if (map.container == Container::kGzip) return make_gzip_cursor(file, map);
  if (map.container == Container::kBgzf) return make_bgzf_cursor(file, map);
  return std::make_unique<PlainCursor>(file, map);
}

}  // namespace deepbio::io
