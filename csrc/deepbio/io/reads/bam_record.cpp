// BAM records to FASTQ text, as `samtools fastq` gives them: a read on the reverse strand is turned
// back to how the sequencer read it, and alignments that repeat a read are left out. A record is
// checked whole before a letter of it is given out, since every length in it comes from the file.
// Offsets and codes are those of section 4.2 of the SAM specification; all numbers are
// little-endian.
#include "deepbio/io/reads/bam_record.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace deepbio::io {
namespace {

// Where the fields of fixed size are in a record.
constexpr size_t kReference = 4, kNameBytes = 12, kNumOperations = 16, kFlags = 18, kLength = 20,
                 kNextReference = 24, kName = 36;
constexpr size_t kSizeBytes = 4;  // of the field that holds the size of what follows it
constexpr unsigned kReverse = 0x10, kSecondary = 0x100, kSupplementary = 0x800;
constexpr unsigned char kMostQuality = 93, kNoQuality = 0xff;
// Four bits a base, in this order: a set of A C G T by its bits. The complement is the same four
// bits in reverse order.
constexpr std::string_view kBases = "=ACMGRSVTWYHKDBN", kComplements = "=TGKCYSBAWRDMHVN";
// Operations that take letters of the read; deletions, skips, hard clips and padding do not.
constexpr std::string_view kOperations = "MIDNSHP=X", kOfRead = "MIS=X";

unsigned byte_at(std::string_view bytes, size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

unsigned u16_at(std::string_view bytes, size_t at) {
  return byte_at(bytes, at) | byte_at(bytes, at + 1) << 8;
}

uint32_t u32_at(std::string_view bytes, size_t at) {
  return u16_at(bytes, at) | uint32_t{u16_at(bytes, at + 2)} << 16;
}

int64_t i32_at(std::string_view bytes, size_t at) {
  return static_cast<int32_t>(u32_at(bytes, at));
}

// The two letters of each byte of the bases.
constexpr auto kPairs = [] {
  std::array<std::array<char, 2>, 256> out{};
  for (size_t byte = 0; byte < out.size(); ++byte)
    out[byte] = {kBases[byte >> 4], kBases[byte & 15]};
  return out;
}();

constexpr auto kComplementOf = [] {
  std::array<char, 256> out{};
  for (size_t i = 0; i < kBases.size(); ++i)
    out[static_cast<unsigned char>(kBases[i])] = kComplements[i];
  return out;
}();

// Of a number in a tag; 0 for a type that there is not.
size_t number_bytes(char type) {
  switch (type) {
    case 'c':
    case 'C':
      return 1;
    case 's':
    case 'S':
      return 2;
    case 'i':
    case 'I':
    case 'f':
      return 4;
    default:
      return 0;
  }
}

// Of the tag at the front; 0 when it is none, or longer than text.
// Two letters of a name, a letter of a type, the value. Arrays ('B') have the type of their
// elements and their number in front.
size_t tag_bytes(std::string_view text) {
  constexpr size_t kNameAndType = 3, kArrayHead = 8;
  if (text.size() <= kNameAndType) return 0;
  const char type = text[2];
  if (type == 'Z' || type == 'H') return text.find('\0', kNameAndType) + 1;  // npos + 1 is 0
  // 64 bits: an array may claim 2^32 elements of four bytes.
  uint64_t size = kNameAndType + (type == 'A' ? 1 : number_bytes(type));
  if (type == 'B') {
    const size_t unit = text.size() < kArrayHead ? 0 : number_bytes(text[3]);
    if (unit == 0) return 0;
    size = kArrayHead + uint64_t{unit} * u32_at(text, 4);
  }
  return size == kNameAndType || size > text.size() ? 0 : static_cast<size_t>(size);
}

bool is_visible(char c) { return c >= '!' && c <= '~'; }

}  // namespace

std::string left_out_warning(int64_t num_left_out) {
  return num_left_out == 0 ? ""
                           : "left out " + std::to_string(num_left_out) +
                                 " secondary or supplementary alignments, which repeat a read";
}

bool BamScanner::fail(size_t at, ErrorKind kind, std::string expected, std::string got) {
  problem = {kind, 0, at, std::move(expected), std::move(got)};
  return false;
}

// The whole rest counts as the bad record, so that skipping ends with the file.
BamScanner::Result BamScanner::cut(size_t size, std::string expected) {
  num_bytes = size;
  fail(size, ErrorKind::kLength, std::move(expected), "the end of the file");
  return Result::kBad;
}

BamScanner::Result BamScanner::scan_header(std::string_view bytes, bool is_end) {
  size_t at = kBamMagic.size();
  // False also when the bytes end here; a problem is only set when a number is wrong, which is how
  // the two are told apart below.
  const auto take = [&](int64_t least, int64_t& value) {
    if (bytes.size() < at + 4) return false;
    value = i32_at(bytes, at);
    if (value < least)
      return fail(at, ErrorKind::kStructure,
                  "a length or count of " + std::to_string(least) + " or more in the BAM header",
                  std::to_string(value));
    at += 4;
    return true;
  };
  // Lengths are at most 2^31, so that sums of them cannot wrap round.
  const auto read = [&] {
    int64_t size = 0;
    if (!take(0, size)) return false;
    at += static_cast<size_t>(size);
    if (!take(0, num_references_)) return false;
    for (int64_t i = 0; i < num_references_; ++i) {
      if (!take(1, size)) return false;
      const size_t end = at + static_cast<size_t>(size);
      if (bytes.size() < end) return false;
      // The length of a name counts its NUL.
      if (bytes.find('\0', at) != end - 1)
        return fail(at, ErrorKind::kStructure, "the name of a reference, which ends in NUL",
                    quoted(bytes.substr(at, end - at)));
      at = end;
      if (!take(0, size)) return false;
    }
    return true;
  };
  problem = {};
  num_bytes = 0;
  if (!read()) {
    if (!problem.expected.empty()) return Result::kBad;
    return is_end ? cut(bytes.size(), "the rest of the BAM header") : Result::kNeedMore;
  }
  num_bytes = at;
  return Result::kRecord;
}

BamScanner::Result BamScanner::scan(std::string_view bytes, bool is_end) {
  constexpr const char* rest = "the rest of a BAM record";
  if (bytes.size() < kSizeBytes) return is_end ? cut(bytes.size(), rest) : Result::kNeedMore;
  const int64_t size = i32_at(bytes, 0);
  // Without a size that can be right the next record cannot be found: nothing is dropped, and the
  // reader gives up.
  if (size < static_cast<int64_t>(kName - kSizeBytes)) {
    num_bytes = 0;
    fail(0, ErrorKind::kStructure, "a BAM record of at least 32 bytes", std::to_string(size));
    return Result::kBad;
  }
  const size_t whole = kSizeBytes + static_cast<size_t>(size);
  if (bytes.size() < whole) return is_end ? cut(bytes.size(), rest) : Result::kNeedMore;
  // From here on a bad record can be skipped, whatever is wrong inside of it.
  num_bytes = whole;
  record_ = bytes.substr(0, whole);
  return read_record();
}

BamScanner::Result BamScanner::read_record() {
  Layout layout;
  if (!find_layout(layout) || !check_references() || !check_name() || !check_cigar(layout) ||
      !check_tags(layout)) {
    return Result::kBad;
  }
  const unsigned flags = u16_at(record_, kFlags);
  if ((flags & (kSecondary | kSupplementary)) != 0) return Result::kLeftOut;
  const bool is_reverse = (flags & kReverse) != 0;
  const bool is_good = take_bases(layout, is_reverse) && take_qualities(layout, is_reverse);
  return is_good ? Result::kRecord : Result::kBad;
}

bool BamScanner::find_layout(Layout& out) {
  const int64_t length = i32_at(record_, kLength);
  if (length < 0)
    return fail(kLength, ErrorKind::kStructure, "a length of 0 or more", std::to_string(length));
  out.length = static_cast<size_t>(length);
  out.num_operations = u16_at(record_, kNumOperations);
  out.cigar = kName + byte_at(record_, kNameBytes);
  out.bases = out.cigar + 4 * out.num_operations;
  out.qualities = out.bases + (out.length + 1) / 2;
  out.tags = out.qualities + out.length;
  if (out.tags <= record_.size()) return true;
  return fail(0, ErrorKind::kLength,
              "a BAM record of " + std::to_string(out.tags - kSizeBytes) +
                  " bytes or more, by its name, CIGAR and " + std::to_string(length) + " bases",
              std::to_string(record_.size() - kSizeBytes));
}

bool BamScanner::check_references() {
  for (const size_t at : {kReference, kNextReference}) {
    const int64_t reference = i32_at(record_, at);
    // A record is also scanned without its header (by index); then there is nothing to compare
    // with.
    if (reference < -1 || (num_references_ >= 0 && reference >= num_references_)) {
      return fail(at, ErrorKind::kStructure,
                  "one of " + std::to_string(num_references_) + " references, or -1",
                  std::to_string(reference));
    }
  }
  return true;
}

bool BamScanner::check_name() {
  const std::string_view field = record_.substr(kName, byte_at(record_, kNameBytes));
  name = field.substr(0, field.empty() ? 0 : field.size() - 1);
  if (!name.empty() && field.back() == '\0' && std::all_of(name.begin(), name.end(), is_visible))
    return true;
  return fail(kName, ErrorKind::kStructure, "a name of the letters '!' to '~' that ends in NUL",
              quoted(field));
}

bool BamScanner::check_cigar(const Layout& layout) {
  uint64_t of_read = 0;
  for (size_t at = layout.cigar; at < layout.bases; at += 4) {
    const uint32_t operation = u32_at(record_, at), kind = operation & 15;
    if (kind >= kOperations.size())
      return fail(at, ErrorKind::kStructure, "a CIGAR operation of 0 to 8", std::to_string(kind));
    if (kOfRead.find(kOperations[kind]) != std::string_view::npos) of_read += operation >> 4;
  }
  // Both may be absent on their own: an unmapped read has no CIGAR, and a record may leave its
  // bases out.
  if (layout.num_operations == 0 || layout.length == 0 || of_read == layout.length) return true;
  return fail(layout.cigar, ErrorKind::kLength,
              "a CIGAR of " + std::to_string(layout.length) + " bases, as the read has",
              std::to_string(of_read));
}

bool BamScanner::check_tags(const Layout& layout) {
  description = {};
  for (size_t at = layout.tags; at < record_.size();) {
    const std::string_view rest = record_.substr(at);
    const size_t size = tag_bytes(rest);
    if (size == 0) {
      return fail(at, ErrorKind::kStructure, "a whole tag: two letters, a type, a value",
                  quoted(rest.substr(0, 8)));
    }
    at += size;
    // The read group becomes the description, as `samtools fastq -T RG` writes it: it is what tells
    // runs of one file apart.
    if (!rest.starts_with("RGZ")) continue;
    group_.assign("RG:Z:").append(rest.substr(3, size - 4));
    description = group_;
    if (std::any_of(group_.begin(), group_.end(), [](char c) { return c < ' ' || c > '~'; }))
      return fail(at - size, ErrorKind::kStructure, "a read group of printable letters",
                  quoted(group_));
  }
  return true;
}

bool BamScanner::take_bases(const Layout& layout, bool is_reverse) {
  const size_t length = layout.length;
  if (bases_.size() < length + 1) bases_.resize(length + 1);  // an odd one fills half a byte
  for (size_t i = 0; i < length; i += 2) {
    const auto& pair = kPairs[byte_at(record_, layout.bases + i / 2)];
    std::memcpy(bases_.data() + i, pair.data(), pair.size());
  }
  sequence = {bases_.data(), length};
  // Legal, but the base is only known from the reference, which is not here.
  if (const size_t at = sequence.find('='); at != std::string_view::npos) {
    return fail(layout.bases + at / 2, ErrorKind::kAlphabet, "a base",
                "'=' (as the reference) at position " + std::to_string(at + 1));
  }
  if (!is_reverse) return true;
  std::reverse(bases_.begin(), bases_.begin() + static_cast<std::ptrdiff_t>(length));
  for (size_t i = 0; i < length; ++i)
    bases_[i] = kComplementOf[static_cast<unsigned char>(bases_[i])];
  return true;
}

bool BamScanner::take_qualities(const Layout& layout, bool is_reverse) {
  const std::string_view raw = record_.substr(layout.qualities, layout.length);
  // 255 in the first byte says that there are none, and all others must then be 255.
  has_quality = raw.empty() || static_cast<unsigned char>(raw[0]) != kNoQuality;
  quality = {};
  // One pass without a branch; which byte is bad is looked up only when one is.
  unsigned char most = 0, least = kNoQuality;
  for (const char c : raw) {
    most = std::max(most, static_cast<unsigned char>(c));
    least = std::min(least, static_cast<unsigned char>(c));
  }
  if (!has_quality && least == kNoQuality) return true;
  if (most > kMostQuality) {
    const auto bad = std::find_if(raw.begin(), raw.end(), [&](char c) {
      const auto value = static_cast<unsigned char>(c);
      return has_quality ? value > kMostQuality : value != kNoQuality;
    });
    const auto at = static_cast<size_t>(bad - raw.begin());
    return fail(layout.qualities + at, ErrorKind::kAlphabet,
                has_quality ? "a quality of 0 to 93" : "255 for every quality, as for the first",
                std::to_string(static_cast<unsigned char>(*bad)));
  }
  if (qualities_.size() < raw.size()) qualities_.resize(raw.size());
  std::transform(raw.begin(), raw.end(), qualities_.begin(),
                 [](char c) { return static_cast<char>(c + '!'); });
  const auto end = qualities_.begin() + static_cast<std::ptrdiff_t>(raw.size());
  if (is_reverse) std::reverse(qualities_.begin(), end);
  quality = {qualities_.data(), raw.size()};
  return true;
}

}  // namespace deepbio::io
