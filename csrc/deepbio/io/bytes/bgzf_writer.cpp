#include "deepbio/io/bytes/bgzf_writer.h"

#include <algorithm>

#include <zlib.h>

#include "deepbio/base/error.h"

namespace deepbio::io {
namespace {

constexpr int kEndLevel = 6;
// bgzip's own size: even stored data and its framing stay within the 64 KiB that BSIZE can say.
constexpr size_t kBlockBytes = 0xff00;
constexpr size_t kHeaderBytes = 18, kTrailerBytes = 8;

void append_little_endian(std::string& out, uint64_t value, int num_bytes) {
  for (int i = 0; i < num_bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

// The deflate data of `bytes`, after space for a header.
void deflate_block(std::string_view bytes, int level, std::string& out) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw Error("zlib: deflateInit2 failed");
  }
  out.resize(size_t{1} << 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data()) + kHeaderBytes;
  stream.avail_out = static_cast<uInt>(out.size() - kHeaderBytes - kTrailerBytes);
  const int code = deflate(&stream, Z_FINISH);
  out.resize(kHeaderBytes + stream.total_out);
  deflateEnd(&stream);
  if (code != Z_STREAM_END) throw Error("zlib: a BGZF block does not fit in 64 KiB");
}

}  // namespace

void BgzfWriter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t size = std::min(bytes.size(), kBlockBytes - pending_.size());
    pending_.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    // A full block goes out at once: a virtual offset must name the block that the next byte falls
    // into.
    if (pending_.size() == kBlockBytes) flush_block();
  }
}

void BgzfWriter::flush_block() {
  // The block that ends a file is known by its 28 bytes, which level 0 would not give.
  deflate_block(pending_, pending_.empty() ? kEndLevel : level_, block_);
  // ID, deflate, FEXTRA; no time, no extra flags, an unknown system; XLEN 6 and the subfield BC of
  // two bytes. No time makes equal content equal bytes.
  std::string header("\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0", 16);
  append_little_endian(header, block_.size() + kTrailerBytes - 1, 2);
  block_.replace(0, kHeaderBytes, header);
  const uLong crc =
      crc32(0, reinterpret_cast<const Bytef*>(pending_.data()), static_cast<uInt>(pending_.size()));
  append_little_endian(block_, crc, 4);
  append_little_endian(block_, pending_.size(), 4);
  // A .gzi lists where blocks begin, in the file and in the data, without the first, which begins
  // at 0, and without the end.
  if (file_offset_ > 0 && !pending_.empty()) {
    append_little_endian(entries_, file_offset_, 8);
    append_little_endian(entries_, data_offset_, 8);
    ++num_entries_;
  }
  sink_(block_);
  file_offset_ += block_.size();
  data_offset_ += pending_.size();
  pending_.clear();
}

void BgzfWriter::finish() {
  // A file without data is the end block alone, not two of them.
  if (!pending_.empty()) flush_block();
  flush_block();
}

std::string BgzfWriter::block_index() const {
  std::string out;
  append_little_endian(out, num_entries_, 8);
  return out + entries_;
}

}  // namespace deepbio::io
