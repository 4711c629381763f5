// BGZF output (SAM specification, section 4.1): gzip members of at most 64 KiB, so that a reader
// can start at any.
//
// A virtual offset is (where the block begins in the file << 16) | (place inside the unpacked
// block). The file ends in the empty block that marks it whole. The block index is bgzip's .gzi:
// number of entries, then for each block but the first its place in the file and in the unpacked
// data, all little-endian 64-bit. Private to `fastx_writer`. Threads: belongs to one thread at a
// time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace deepbio::io {

class BgzfWriter {
 public:
  using Sink = std::function<void(std::string_view)>;
  // level: 0..9.
  BgzfWriter(Sink sink, int level) : sink_(std::move(sink)), level_(level) {}
  void write(std::string_view bytes);
  // Writes what is left and the block that ends the file.
  void finish();
  // Of the next byte to be written.
  uint64_t virtual_offset() const { return file_offset_ << 16 | pending_.size(); }
  // The content of a .gzi file for the blocks written so far.
  std::string block_index() const;

 private:
  void flush_block();

  Sink sink_;
  int level_;
  std::string pending_, block_, entries_;
  uint64_t file_offset_ = 0, data_offset_ = 0, num_entries_ = 0;
};

}  // namespace deepbio::io
