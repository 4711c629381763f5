#include "deepbio/io/bytes/gzip.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "deepbio/io/bytes/bgzf.h"

namespace deepbio::io {
namespace {

// Bits of FLG (RFC 1952, section 2.3.1). Bit 0, FTEXT, is a hint that no reader needs.
constexpr unsigned kHeaderCrcFlag = 2, kExtraFlag = 4, kNameFlag = 8, kCommentFlag = 16,
                   kReservedFlags = 0xE0;
constexpr unsigned kDeflateMethod = 8;
constexpr size_t kMaxTextBytes = 1 << 16, kMaxBlockBytes = 1 << 16, kTrailerBytes = 8;
constexpr size_t kFewBytes = 16;  // more than an inflater leaves unused

uint32_t little_u32(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) value = (value << 8) | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// BGZF is told by its first extra subfield, which every writer of it puts first.
Container container_of(std::string_view head) {
  const bool has_extra =
      head.size() >= 16 && (static_cast<unsigned char>(head[3]) & kExtraFlag) != 0;
  return has_extra && head.substr(12, 4) == std::string_view("BC\2\0", 4) ? Container::kBgzf
                                                                          : Container::kGzip;
}

}  // namespace

GzipSource::GzipSource(std::unique_ptr<RawInput> input, Before before)
    : input_(std::move(input)),
      container_(before == Before::kNothing ? container_of(input_->peek(16)) : Container::kBgzf),
      num_members_(before == Before::kNothing ? 0 : 1),
      is_end_block_(before == Before::kEndBlock) {
  const InflateChoice choice = choose_inflate();
  inflater_ = make_inflater(choice.stream);
  if (choice.has_blocks && container_ == Container::kBgzf) {
    block_inflater_ = std::make_unique<BlockInflater>();
    block_.resize(kMaxBlockBytes);
  }
}

GzipObserver::~GzipObserver() = default;

GzipSource::GzipSource(std::unique_ptr<RawInput> input, GzipObserver& observer)
    : GzipSource(std::move(input)) {
  observer_ = &observer;
  // An observer wants to see every block's beginning, which a whole-block inflater does not show.
  block_inflater_.reset();
}

void GzipSource::damaged(const std::string& expected, const std::string& got) const {
  throw ParseError({path(), -1, -1, input_->offset()}, expected, got, ErrorKind::kContainer);
}

std::string GzipSource::warning() const {
  if (container_ != Container::kBgzf || is_end_block_) return "";
  return std::string(kNoEndBlock);
}

size_t GzipSource::read(char* out, size_t size) {
  if (failure_) throw ParseError(*failure_);
  try {
    return size == 0 ? 0 : read_members(out, size);
  } catch (const ParseError& error) {
    failure_ = error;
    throw;
  }
}

// A member in steps, so that a read may end anywhere and the next one goes on there.
size_t GzipSource::read_members(char* out, size_t size) {
  while (true) {
    switch (step_) {
      case Step::kHeader:
        step_ = !begin_member() ? Step::kEnd : inflate_block() ? Step::kBlock : Step::kBody;
        break;
      case Step::kBlock:
        if (const size_t got = give_block(out, size)) return got;
        step_ = Step::kHeader;
        break;
      case Step::kBody:
        if (const size_t got = inflate_some(out, size)) return got;
        break;
      case Step::kTrailer:
        check_trailer();
        step_ = Step::kHeader;
        break;
      case Step::kEnd:
        return 0;
    }
  }
}

// False at the end of the file.
bool GzipSource::begin_member() {
  const std::string_view head = input_->peek(2).substr(0, 2);
  // A file without any member is not the end of gzip: it falls through to the header, which says
  // what is missing.
  if (num_members_ > 0 && head.empty()) return false;
  if (num_members_ > 0 && head[0] == '\0') {
    check_padding();
    return false;
  }
  if (head.size() == 2 && head != "\x1f\x8b") {
    damaged("another gzip member or the end of the file",
            "other bytes " + quoted(input_->peek(8).substr(0, 8)));
  }
  member_offset_ = input_->offset();
  read_header();
  if (observer_ != nullptr) observer_->begin_member(static_cast<uint64_t>(member_offset_));
  ++num_members_;
  inflater_->reset();
  crc_ = 0;
  length_ = 0;
  return true;
}

// Tapes and some archives fill files up with zeros; gzip itself passes over them.
void GzipSource::check_padding() {
  while (true) {
    const std::string_view bytes = input_->peek(1);
    if (bytes.empty()) return;
    const size_t zeros = std::min(bytes.find_first_not_of('\0'), bytes.size());
    const bool all_zero = zeros == bytes.size();
    input_->skip(zeros);
    if (!all_zero)
      damaged("zero bytes up to the end of the file", quoted(input_->peek(8).substr(0, 8)));
  }
}

unsigned GzipSource::read_byte() {
  const std::string_view bytes = input_->peek(1);
  if (bytes.empty()) damaged("the rest of a gzip header", "the end of the file");
  const auto byte = static_cast<unsigned char>(bytes[0]);
  // Of every byte of the header, in case FHCRC follows.
  header_crc_ = inflater_->crc32(header_crc_, bytes.data(), 1);
  input_->skip(1);
  return byte;
}

unsigned GzipSource::read_u16() {
  const unsigned low = read_byte();
  return low | (read_byte() << 8);
}

void GzipSource::read_header() {
  header_crc_ = 0;
  if (read_u16() != 0x8b1f) damaged("the gzip magic bytes", "other bytes");
  const unsigned method = read_byte();
  if (method != kDeflateMethod)
    damaged("gzip compression method 8 (deflate)", std::to_string(method));
  const unsigned flags = read_byte();
  if ((flags & kReservedFlags) != 0)
    damaged("a gzip header without reserved flags", "flags " + std::to_string(flags));
  for (int i = 0; i < 6; ++i) read_byte();  // time, extra flags, operating system
  block_bytes_ = -1;
  if ((flags & kExtraFlag) != 0) read_extra_field();
  if ((flags & kNameFlag) != 0) skip_text_field("file name");
  if ((flags & kCommentFlag) != 0) skip_text_field("comment");
  if ((flags & kHeaderCrcFlag) != 0) {
    const uint32_t computed = header_crc_ & 0xffff;
    const unsigned stored = read_u16();
    if (stored != computed)
      damaged("gzip header CRC " + std::to_string(computed), std::to_string(stored));
  }
}

void GzipSource::read_extra_field() {
  std::string extra(read_u16(), '\0');
  for (char& c : extra) c = static_cast<char>(read_byte());
  const auto byte = [&extra](size_t at) {
    return static_cast<size_t>(static_cast<unsigned char>(extra[at]));
  };
  // BC may have other subfields beside it.
  for (size_t at = 0; at + 4 <= extra.size();) {
    const size_t size = byte(at + 2) | (byte(at + 3) << 8);
    if (extra[at] == 'B' && extra[at + 1] == 'C' && size == 2 && at + 6 <= extra.size()) {
      block_bytes_ = static_cast<int64_t>(byte(at + 4) | (byte(at + 5) << 8)) + 1;
    }
    at += 4 + size;
  }
}

void GzipSource::skip_text_field(const char* field) {
  for (size_t size = 0; read_byte() != 0; ++size) {
    // A damaged header without a NUL would otherwise read the file to its end as a name.
    if (size == kMaxTextBytes)
      damaged(std::string("a gzip ") + field + " of at most 64 KiB", "a longer one");
  }
}

// True when the block was sound and is in block_, all of it passed over in the input.
bool GzipSource::inflate_block() {
  // Every doubt goes back to the stream, which starts at the same byte: this way only ever takes
  // what is sound.
  if (!block_inflater_ || block_bytes_ < 0) return false;
  const int64_t header_bytes = input_->offset() - member_offset_;
  const int64_t rest = block_bytes_ - header_bytes;
  if (rest < static_cast<int64_t>(kTrailerBytes)) return false;
  const auto rest_bytes = static_cast<size_t>(rest);
  const std::string_view input = input_->peek(rest_bytes).substr(0, rest_bytes);
  if (input.size() < rest_bytes) return false;
  const std::string_view trailer = input.substr(rest_bytes - kTrailerBytes);
  const size_t size = little_u32(trailer, 4);
  if (size > kMaxBlockBytes) return false;
  if (!block_inflater_->run(input.substr(0, rest_bytes - kTrailerBytes), block_.data(), size,
                            little_u32(trailer, 0))) {
    return false;
  }
  input_->skip(rest_bytes);
  block_begin_ = 0;
  block_end_ = size;
  is_end_block_ = size == 0;
  return true;
}

size_t GzipSource::give_block(char* out, size_t size) {
  const size_t given = std::min(size, block_end_ - block_begin_);
  if (given > 0) std::memcpy(out, block_.data() + block_begin_, given);
  block_begin_ += given;
  return given;
}

size_t GzipSource::inflate_some(char* out, size_t size) {
  if (damage_ != nullptr) damaged("deflate data", damage_);
  // As many bytes as the buffer holds, but at least some: an inflater may need a few more to finish
  // a symbol.
  const std::string_view input = input_->peek(kFewBytes);
  const bool is_searching = observer_ != nullptr && observer_->wants_block();
  const Inflater::Step step =
      is_searching ? inflater_->run_to_block(input, out, size) : inflater_->run(input, out, size);
  input_->skip(step.used);
  if (observer_ != nullptr) observer_->see({out, step.made});
  if (step.block_bits >= 0) {
    observer_->begin_block(static_cast<uint64_t>(input_->offset() - step.block_bits / 8),
                           static_cast<uint8_t>(step.block_bits % 8));
  }
  crc_ = inflater_->crc32(crc_, out, step.made);
  length_ += static_cast<uint32_t>(step.made);
  damage_ = step.failure;  // told by the next call, after what came before it
  if (step.is_end) {
    step_ = Step::kTrailer;
  } else if (step.made == 0 && step.used == 0 && damage_ == nullptr && input.size() < kFewBytes &&
             step.block_bits < 0) {
    // No progress with all that the file has: it was cut.
    damaged("the rest of a gzip member that begins at byte " + std::to_string(member_offset_),
            "the end of the file");
  }
  return step.made;
}

void GzipSource::check_trailer() {
  const std::string_view trailer = input_->peek(kTrailerBytes);
  if (trailer.size() < kTrailerBytes)
    damaged("the 8 bytes of a gzip trailer", std::to_string(trailer.size()) + " bytes");
  const uint32_t stored_crc = little_u32(trailer, 0), stored_length = little_u32(trailer, 4);
  if (stored_crc != crc_)
    damaged("gzip CRC-32 " + std::to_string(crc_), std::to_string(stored_crc));
  if (stored_length != length_) {
    damaged("gzip length " + std::to_string(length_) + " bytes", std::to_string(stored_length));
  }
  input_->skip(kTrailerBytes);
  is_end_block_ = block_bytes_ >= 0 && length_ == 0;
  const int64_t size = input_->offset() - member_offset_;
  if (block_bytes_ >= 0 && block_bytes_ != size) {
    damaged("a BGZF block of " + std::to_string(size) + " bytes",
            "BSIZE for " + std::to_string(block_bytes_));
  }
}

}  // namespace deepbio::io
