// Both versions of object headers and the versions 1 to 4 of the layout message are walked over, as
// far as it takes to find the extents of a chunk.
#include "deepbio/io/tables/hdf5_layout.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace deepbio::io {
namespace {

// Of one header: a chain that bites its own tail, or blocks of zeros, end here.
constexpr size_t kMostBlocks = 1000, kMostMessages = 100'000;
constexpr uint64_t kDataspace = 1, kLayout = 8, kContinuation = 16;
constexpr uint64_t kChunked = 2;

// A number of `size` bytes, the lowest first; 0 past the end.
uint64_t number_at(std::string_view bytes, size_t place, size_t size) {
  if (size > 8 || place > bytes.size() || size > bytes.size() - place) return 0;
  uint64_t out = 0;
  for (size_t k = size; k-- > 0;) out = out << 8 | static_cast<unsigned char>(bytes[place + k]);
  return out;
}

std::string_view piece(std::string_view bytes, uint64_t place, uint64_t size) {
  return place > bytes.size() ? std::string_view() : bytes.substr(place, size);
}

struct Message {
  uint64_t type;
  bool is_shared;  // the body names another place
  std::string_view body;
};

// Version 1 has 8 bytes in front of a message, version 2 has 4 or, where the order of creation is
// kept, 6.
struct MessageHead {
  bool is_first_version;
  size_t size;
};

void read_block(std::string_view block, MessageHead head, std::vector<Message>& out) {
  for (size_t at = 0; at + head.size <= block.size() && out.size() < kMostMessages;) {
    const size_t type_bytes = head.is_first_version ? 2 : 1;
    const uint64_t size = number_at(block, at + type_bytes, 2),
                   flags = number_at(block, at + type_bytes + 2, 1);
    out.push_back(
        {number_at(block, at, type_bytes), (flags & 2) != 0, piece(block, at + head.size, size)});
    at += head.size + size;
  }
}

std::vector<Message> messages(std::string_view file, uint64_t address) {
  // Version 2 has a signature; version 1 begins with its number, 1.
  const bool is_second = piece(file, address, 4) == "OHDR";
  const uint64_t flags = is_second ? number_at(file, address + 5, 1) : 0;
  MessageHead head{!is_second, is_second ? 4 + ((flags & 4) != 0 ? 2u : 0u) : 8u};
  uint64_t first = address + 16, size = number_at(file, address + 8, 4);
  if (is_second) {
    first = address + 6 + ((flags & 0x20) != 0 ? 16 : 0) + ((flags & 0x10) != 0 ? 4 : 0);
    // The two lowest bits of the flags say how wide the size of the first block is.
    const size_t size_bytes = size_t{1} << (flags & 3);
    size = number_at(file, first, size_bytes);
    first += size_bytes;
  }
  std::vector<Message> out;
  std::vector<std::string_view> blocks{piece(file, first, size)};
  for (size_t block = 0, done = 0; block < std::min(blocks.size(), kMostBlocks); ++block) {
    read_block(blocks[block], head, out);
    for (; done < out.size(); ++done) {
      // A header may go on elsewhere, in blocks that may go on in turn.
      if (out[done].type != kContinuation) continue;
      const uint64_t place = number_at(out[done].body, 0, 8),
                     length = number_at(out[done].body, 8, 8);
      const uint64_t signature = is_second ? 4 : 0;  // and as many bytes of checksum at the end
      if (length > 2 * signature)
        blocks.push_back(piece(file, place + signature, length - 2 * signature));
    }
  }
  return out;
}

// Extents of a chunk, the bytes of an element among them; nothing of another layout.
std::optional<std::vector<uint64_t>> chunk_extents(std::string_view layout) {
  const uint64_t version = number_at(layout, 0, 1);
  // Offsets in the message of versions 1 and 2, 3, and 4; only 4 says how wide an extent is.
  size_t rank_at = 1, class_at = 2, extents_at = 16, extent_bytes = 4;
  if (version == 3) {
    class_at = 1, rank_at = 2, extents_at = 11;
  } else if (version == 4) {
    class_at = 1, rank_at = 3, extents_at = 5;
    extent_bytes = number_at(layout, 4, 1);
  }
  if (version < 1 || version > 4 || number_at(layout, class_at, 1) != kChunked) return std::nullopt;
  std::vector<uint64_t> out;
  for (uint64_t axis = 0; axis < number_at(layout, rank_at, 1); ++axis) {
    out.push_back(number_at(layout, extents_at + axis * extent_bytes, extent_bytes));
  }
  return out;
}

}  // namespace

bool chunks_have_extents(std::string_view file, uint64_t address) {
  std::optional<uint64_t> rank;
  std::optional<std::vector<uint64_t>> extents;
  for (const Message& message : messages(file, address)) {
    if (message.is_shared) continue;
    if (message.type == kDataspace) rank = number_at(message.body, 1, 1);
    if (message.type == kLayout) extents = chunk_extents(message.body);
  }
  if (!extents) return true;
  // The size of an element counts as one more axis.
  const bool is_fit = !rank || *rank + 1 == extents->size();
  return is_fit && std::find(extents->begin(), extents->end(), 0) == extents->end();
}

}  // namespace deepbio::io
