// Random access to BGZF: the access points are the blocks, found by hopping from header to header,
// and a range is inflated from the blocks that it touches. The block read last is kept, since
// ranges come in ascending order.
#include "deepbio/io/bytes/bgzf_access.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include <zlib.h>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/inflate.h"

namespace deepbio::io {
namespace {

constexpr size_t kMaxBlockBytes = size_t{1} << 16, kTrailerBytes = 8;

unsigned u16_at(const char* bytes) {
  return static_cast<unsigned char>(bytes[0]) | unsigned{static_cast<unsigned char>(bytes[1])} << 8;
}

uint32_t u32_at(const char* bytes) { return u16_at(bytes) | uint32_t{u16_at(bytes + 2)} << 16; }

struct BlockShape {
  size_t header_bytes = 0, block_bytes = 0;
};

// Of the block that begins with head; nothing when none does. Other subfields may be beside BC.
std::optional<BlockShape> shape_of(std::string_view head) {
  using std::string_view_literals::operator""sv;
  if (head.size() < 18 || head.substr(0, 4) != "\x1f\x8b\x08\x04"sv) return std::nullopt;
  // RFC 1952: ten bytes, XLEN, then subfields of two letters, a length of two bytes and their data.
  // BSIZE counts the whole block less one.
  const size_t end = 12 + u16_at(&head[10]);
  for (size_t at = 12; at + 6 <= std::min(end, head.size()); at += 4 + u16_at(&head[at + 2])) {
    if (head[at] != 'B' || head[at + 1] != 'C' || u16_at(&head[at + 2]) != 2) continue;
    const size_t size = u16_at(&head[at + 4]) + size_t{1};
    if (size < end + kTrailerBytes) return std::nullopt;
    return BlockShape{end, size};
  }
  return std::nullopt;
}

class BgzfCursor : public RandomCursor {
 public:
  BgzfCursor(const PositionedFile& file, const AccessMap& map)
      : RandomCursor(file, map), compressed_(kMaxBlockBytes), block_(kMaxBlockBytes) {
    if (choose_inflate().has_blocks) {
      blocks_ = std::make_unique<BlockInflater>();
    } else {
      stream_ = make_inflater(choose_inflate().stream);
    }
  }

 private:
  std::string_view read_range(uint64_t begin, uint64_t end) override {
    size_t number = find_access_point(file_, map_, begin);
    load(number);
    uint64_t block_begin = map_.points[number].data_offset;
    // The usual case, a record within one block: the view is into the block, and nothing is copied.
    if (end <= block_begin + block_bytes_)
      return {block_.data() + (begin - block_begin), end - begin};
    char* const out = room_for(end - begin);
    for (uint64_t at = begin; at < end;) {
      if (at == block_begin + block_bytes_) {
        if (++number == map_.points.size()) changed(file_.size(), "the end of the file");
        load(number);
        block_begin = map_.points[number].data_offset;
        // Points must join without a gap; a map of another file does not.
        if (at != block_begin) changed(map_.points[number].file_offset, "blocks of another size");
      }
      const uint64_t size = std::min(end, block_begin + block_bytes_) - at;
      std::memcpy(out + (at - begin), block_.data() + (at - block_begin), size);
      at += size;
    }
    return {out, end - begin};
  }

  void load(size_t number) {
    if (number == number_) return;
    number_ = SIZE_MAX;  // until the end, for an error leaves half a block
    const uint64_t offset = map_.points[number].file_offset;
    // The compressed bytes of a point reach to the next one, empty blocks between them included; 64
    // KiB hold the largest block.
    const uint64_t next =
        number + 1 < map_.points.size() ? map_.points[number + 1].file_offset : file_.size();
    if (next <= offset) changed(offset, "blocks in another order");
    const size_t got =
        file_.read(offset, compressed_.data(), std::min<uint64_t>(next - offset, kMaxBlockBytes));
    const auto shape = shape_of({compressed_.data(), got});
    if (!shape || shape->block_bytes > got) changed(offset, "no BGZF block");
    const char* const trailer = compressed_.data() + shape->block_bytes - kTrailerBytes;
    block_bytes_ = u32_at(trailer + 4);
    const uint64_t data_end =
        number + 1 < map_.points.size() ? map_.points[number + 1].data_offset : map_.data_bytes;
    if (block_bytes_ > kMaxBlockBytes ||
        // What the trailer says against what the map says: a file that changed under its index is
        // noticed before it is inflated.
        block_bytes_ != data_end - map_.points[number].data_offset) {
      changed(offset, "a block of another size");
    }
    const std::string_view body(compressed_.data() + shape->header_bytes,
                                shape->block_bytes - shape->header_bytes - kTrailerBytes);
    if (!inflate(body, u32_at(trailer))) changed(offset, "a damaged block");
    number_ = number;
  }

  bool inflate(std::string_view body, uint32_t crc) {
    if (blocks_) return blocks_->run(body, block_.data(), block_bytes_, crc);
    stream_->reset();
    size_t made = 0;
    while (true) {
      // A byte more than the block has shows data that goes on past its length.
      std::array<char, 1> more;
      const bool is_full = made == block_bytes_;
      const auto step = is_full ? stream_->run(body, more.data(), 1)
                                : stream_->run(body, block_.data() + made, block_bytes_ - made);
      body.remove_prefix(step.used);
      if (step.failure != nullptr || (is_full && step.made > 0)) return false;
      made += step.made;
      if (step.is_end) break;
      // No step forward: the stream wants more input than the block has.
      if (step.used == 0 && step.made == 0) return false;
    }
    return made == block_bytes_ && body.empty() && stream_->crc32(0, block_.data(), made) == crc;
  }

  std::vector<char> compressed_, block_;
  size_t number_ = SIZE_MAX, block_bytes_ = 0;  // of the block that is held
  std::unique_ptr<BlockInflater> blocks_;
  std::unique_ptr<Inflater> stream_;  // where no library for whole blocks is built in or chosen
};

}  // namespace

bool map_bgzf(const PositionedFile& file, AccessMap& map) {
  std::array<char, 4096> head;
  for (uint64_t offset = 0; offset < file.size();) {
    const size_t got = file.read(offset, head.data(), head.size());
    const auto shape = shape_of({head.data(), got});
    if (!shape || offset + shape->block_bytes > file.size()) return false;
    std::array<char, 4> tail;
    file.read(offset + shape->block_bytes - 4, tail.data(), tail.size());
    const uint32_t data_bytes = u32_at(tail.data());
    if (data_bytes > kMaxBlockBytes) return false;
    // Empty blocks hold nothing to enter at; two points of one data offset would be ambiguous.
    if (data_bytes > 0) map.points.push_back({offset, map.data_bytes, 0, 0, 0});
    map.data_bytes += data_bytes;
    offset += shape->block_bytes;
  }
  return true;
}

bool lacks_end_block(const PositionedFile& file) {
  // Any block without data ends the file; this is the one that every writer uses, and the shortest
  // there is.
  constexpr size_t kEndBytes = 28;
  std::array<char, kEndBytes> end{};
  if (file.size() < kEndBytes) return true;
  const size_t got = file.read(file.size() - kEndBytes, end.data(), end.size());
  const auto shape = shape_of({end.data(), got});
  return !shape || shape->block_bytes != kEndBytes || u32_at(end.data() + kEndBytes - 4) != 0;
}

std::unique_ptr<RandomCursor> make_bgzf_cursor(const PositionedFile& file, const AccessMap& map) {
  return std::make_unique<BgzfCursor>(file, map);
}

}  // namespace deepbio::io
