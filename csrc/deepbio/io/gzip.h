// gzip (RFC 1952) and BGZF (SAM specification, section 4.1): the members of a file, inflated one after another.
//
// Framing is ours, so that each kind of damage has its own message: header (method, reserved bits, FHCRC), a cut
// header, body or trailer, deflate data, CRC-32, length, BSIZE, bytes after the last member. Zero bytes after the
// last member are padding. Empty members are legal anywhere. Damage is reported again by every later read.
// Threads: belongs to one thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <zlib.h>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes.h"
#include "deepbio/io/raw_input.h"

namespace deepbio::io {

class GzipSource : public ByteSource {
 public:
  // input stands at the magic bytes 1f 8b.
  explicit GzipSource(std::unique_ptr<RawInput> input);
  ~GzipSource() override;
  size_t read(char* out, size_t size) override;
  const std::string& path() const override { return input_->path(); }
  Container container() const override { return container_; }

 private:
  enum class Step { kHeader, kBody, kTrailer, kEnd };

  size_t read_members(char* out, size_t size);
  bool begin_member();
  void read_header();
  void read_extra_field();
  void skip_text_field(const char* field);
  unsigned read_byte();
  unsigned read_u16();
  size_t inflate_some(char* out, size_t size);
  void check_trailer();
  void check_padding();
  [[noreturn]] void damaged(const std::string& expected, const std::string& got) const;

  std::unique_ptr<RawInput> input_;
  Container container_;
  z_stream stream_{};
  Step step_ = Step::kHeader;
  int64_t num_members_ = 0;
  int64_t member_offset_ = 0;  // where the member began in the file
  int64_t block_bytes_ = -1;   // size of the member according to BSIZE, -1 without
  uint32_t header_crc_ = 0, crc_ = 0;
  uint32_t length_ = 0;  // modulo 2^32, as the trailer stores it
  std::optional<ParseError> failure_;
};

}  // namespace deepbio::io
