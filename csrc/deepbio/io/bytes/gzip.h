// gzip (RFC 1952) and BGZF (SAM specification, section 4.1): the members of a file, inflated one
// after another.
//
// Framing is ours, so that each kind of damage has its own message: header (method, reserved bits,
// FHCRC), a cut header, body or trailer, deflate data, CRC-32, length, BSIZE, bytes after the last
// member. Zero bytes after the last member are padding. Empty members are legal anywhere. Damage is
// reported again by every later read. A sound BGZF block is inflated whole where a library for that
// is built in; any other goes the way of a stream, which finds the words for what is wrong with it.
// Threads: belongs to one thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/bytes.h"
#include "deepbio/io/bytes/inflate.h"
#include "deepbio/io/bytes/raw_input.h"

namespace deepbio::io {

// Is told where inflating can begin while a GzipSource is read.
class GzipObserver {
 public:
  virtual ~GzipObserver();
  virtual void begin_member(uint64_t file_offset) = 0;
  // The data of the member, as it is inflated.
  virtual void see(std::string_view data) = 0;
  // Whether the next beginning of a block is worth the search.
  virtual bool wants_block() const = 0;
  // A block begins num_bits before file_offset.
  virtual void begin_block(uint64_t file_offset, uint8_t num_bits) = 0;
};

class GzipSource : public ByteSource {
 public:
  // input is at the magic bytes 1f 8b.
  // What came before that place in the file: then the file may end here.
  enum class Before { kNothing, kBlocks, kEndBlock };
  explicit GzipSource(std::unique_ptr<RawInput> input, Before before = Before::kNothing);
  // Streams every member, BGZF blocks too, and tells the observer, which must outlive the source.
  GzipSource(std::unique_ptr<RawInput> input, GzipObserver& observer);
  size_t read(char* out, size_t size) override;
  const std::string& path() const override { return input_->path(); }
  Container container() const override { return container_; }
  int64_t file_offset_bytes() const override { return input_->offset(); }
  std::string warning() const override;

 private:
  enum class Step { kHeader, kBody, kBlock, kTrailer, kEnd };

  size_t read_members(char* out, size_t size);
  bool begin_member();
  void read_header();
  void read_extra_field();
  void skip_text_field(const char* field);
  unsigned read_byte();
  unsigned read_u16();
  size_t inflate_some(char* out, size_t size);
  bool inflate_block();
  size_t give_block(char* out, size_t size);
  void check_trailer();
  void check_padding();
  [[noreturn]] void damaged(const std::string& expected, const std::string& got) const;

  std::unique_ptr<RawInput> input_;
  GzipObserver* observer_ = nullptr;
  Container container_;
  std::unique_ptr<Inflater> inflater_;
  std::unique_ptr<BlockInflater> block_inflater_;  // only for BGZF and where it is built in
  std::vector<char> block_;  // of an inflated block, what was not given out yet from block_begin_
  size_t block_begin_ = 0, block_end_ = 0;
  Step step_ = Step::kHeader;
  int64_t num_members_ = 0;
  bool is_end_block_;          // the last member is a BGZF block without data
  int64_t member_offset_ = 0;  // where the member began in the file
  int64_t block_bytes_ = -1;   // size of the member according to BSIZE, -1 without
  uint32_t header_crc_ = 0, crc_ = 0;
  uint32_t length_ = 0;           // modulo 2^32, as the trailer stores it
  const char* damage_ = nullptr;  // of the deflate data, after what was given out
  std::optional<ParseError> failure_;
};

}  // namespace deepbio::io
