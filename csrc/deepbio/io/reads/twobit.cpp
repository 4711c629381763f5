// UCSC's .2bit: an index of names, and for each sequence its length, lists of N blocks and of
// masked blocks, and the bases, four a byte. Decoding looks up four letters for each byte; N blocks
// are written over them afterwards, found by binary search in the file's own lists.
#include "deepbio/io/reads/twobit.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "deepbio/base/error.h"

namespace deepbio::io {
namespace {

constexpr int kBasesPerByte = 4;
// T, C, A, G of the file as places in A C G T; the other strand is the code with its high bit
// turned.
constexpr std::array<size_t, 4> kPlaceOfCode = {3, 1, 0, 2};

unsigned code_at(unsigned byte, int place) { return byte >> (6 - 2 * place) & 3; }

}  // namespace

char BaseSymbols::of(char letter) const {
  constexpr std::string_view kLetters = "ACGT";
  return of_acgtn_[std::min(kLetters.find(letter), kLetters.size())];
}

// Two tables of 256 times four symbols: one for each strand, so that the other strand costs no
// more.
BaseSymbols::BaseSymbols(std::array<char, 5> of_acgtn)
    : of_acgtn_(of_acgtn), unknown_(of_acgtn[4]) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    for (int place = 0; place < kBasesPerByte; ++place) {
      const unsigned code = code_at(byte, place);
      const auto at = static_cast<size_t>(place);
      forward_[byte][at] = of_acgtn[kPlaceOfCode[code]];
      reversed_[byte][3 - at] = of_acgtn[kPlaceOfCode[code ^ 2]];
    }
  }
}

TwoBitFile::TwoBitFile(const std::string& path)
    : path_(path), file_(std::make_unique<MappedFile>(path)), bytes_(file_->bytes()) {
  open();
}

TwoBitFile::TwoBitFile(std::string path, std::string content)
    : path_(std::move(path)), held_(std::move(content)), bytes_(held_) {
  open();
}

void TwoBitFile::fail(size_t offset, const std::string& expected, const std::string& got) const {
  throw ParseError({path_, -1, -1, static_cast<int64_t>(offset)}, expected, got,
                   ErrorKind::kStructure);
}

uint64_t TwoBitFile::number(size_t offset, size_t num_bytes) const {
  if (offset > bytes_.size() || num_bytes > bytes_.size() - offset) {
    fail(bytes_.size(), "a whole .2bit file", "its end");
  }
  uint64_t out = 0;
  for (size_t i = 0; i < num_bytes; ++i) {
    const size_t at = is_swapped_ ? i : num_bytes - 1 - i;
    out = out << 8 | static_cast<unsigned char>(bytes_[offset + at]);
  }
  return out;
}

void TwoBitFile::open() {
  constexpr size_t kHeaderBytes = 16;
  const uint64_t magic = number(0, 4);
  // The format is in the byte order of its writer; the magic number tells which.
  is_swapped_ = magic != kTwoBitMagic;
  if (number(0, 4) != kTwoBitMagic) {
    fail(0, "a .2bit genome", quoted(bytes_.substr(0, 8)));
  }
  const uint64_t version = number(4, 4), count = number(8, 4);
  if (version > 1) fail(4, "version 0 or 1 of .2bit", std::to_string(version));
  const size_t offset_bytes = version == 0 ? 4 : 8;

  size_t at = kHeaderBytes;
  for (uint64_t i = 0; i < count; ++i) {
    const size_t name_bytes = number(at, 1);
    number(at + 1 + name_bytes, offset_bytes);  // it is there
    const std::string name(bytes_.substr(at + 1, name_bytes));
    if (!number_of_.emplace(name, static_cast<int64_t>(i)).second)
      fail(at, "a name used once", quoted(name) + " again");
    take_sequence(name, number(at + 1 + name_bytes, offset_bytes));
    at += 1 + name_bytes + offset_bytes;
  }
  if (count == 0) fail(8, "sequences", "none");
}

TwoBitFile::Blocks TwoBitFile::take_blocks(size_t& at, int64_t length_bp) const {
  Blocks out;
  out.count = static_cast<int64_t>(number(at, 4));
  const auto list_bytes = static_cast<size_t>(out.count) * 4;
  out.starts = at + 4;
  out.sizes = out.starts + list_bytes;
  at = out.sizes + list_bytes;
  // Before the loop: a count of 2^32 must not be gone through in a file of some bytes.
  if (at > bytes_.size()) fail(bytes_.size(), "a whole .2bit file", "its end");
  int64_t last_end = 0;
  for (size_t i = 0; i < static_cast<size_t>(out.count); ++i) {
    const auto start = static_cast<int64_t>(number(out.starts + 4 * i, 4));
    const auto size = static_cast<int64_t>(number(out.sizes + 4 * i, 4));
    // The search below relies on it.
    if (start < last_end || start + size > length_bp)
      fail(out.starts + 4 * i, "blocks in order inside of " + std::to_string(length_bp) + " bases",
           "one at " + std::to_string(start) + " of " + std::to_string(size));
    last_end = start + size;
  }
  return out;
}

void TwoBitFile::take_sequence(const std::string& name, size_t offset) {
  Sequence sequence{name, static_cast<int64_t>(number(offset, 4))};
  Place place;
  size_t at = offset + 4;
  place.unknown = take_blocks(at, sequence.length_bp);
  place.masked = take_blocks(at, sequence.length_bp);
  place.bases = at + 4;  // four bytes that are zero
  const size_t num_bytes = (static_cast<size_t>(sequence.length_bp) + 3) / kBasesPerByte;
  if (place.bases > bytes_.size() || num_bytes > bytes_.size() - place.bases)
    fail(bytes_.size(), std::to_string(num_bytes) + " bytes of bases of " + quoted(name),
         "the end of the file");
  sequences_.push_back(std::move(sequence));
  places_.push_back(place);
}

int64_t TwoBitFile::find(std::string_view name) const {
  const auto found = number_of_.find(std::string(name));
  return found == number_of_.end() ? -1 : found->second;
}

// Blocks are in order and do not overlap, so that those of a range are together.
template <class Call>
void TwoBitFile::for_each_block(const Blocks& blocks, int64_t start, int64_t end, Call call) const {
  const auto start_of = [&](int64_t i) {
    return static_cast<int64_t>(number(blocks.starts + 4 * static_cast<size_t>(i), 4));
  };
  int64_t first = 0, after = blocks.count;
  while (first < after) {
    const int64_t middle = first + (after - first) / 2;
    if (start_of(middle) <= start) {
      first = middle + 1;
    } else {
      after = middle;
    }
  }
  for (int64_t i = std::max<int64_t>(first - 1, 0); i < blocks.count && start_of(i) < end; ++i) {
    const auto size = static_cast<int64_t>(number(blocks.sizes + 4 * static_cast<size_t>(i), 4));
    const int64_t from = std::max(start_of(i), start), to = std::min(start_of(i) + size, end);
    if (from < to) call(from - start, to - start);
  }
}

void TwoBitFile::decode(int64_t sequence, int64_t start, int64_t end, bool is_reversed,
                        const BaseSymbols& symbols, char* out) const {
  const Place& place = places_[static_cast<size_t>(sequence)];
  const auto* bytes = reinterpret_cast<const unsigned char*>(bytes_.data()) + place.bases;
  const BaseSymbols::Table& table = is_reversed ? symbols.reversed_ : symbols.forward_;
  // Single bases at both ends, whole bytes between.
  const auto put = [&](int64_t base) {
    const auto inside = static_cast<size_t>(base % kBasesPerByte);
    const int64_t at = is_reversed ? end - 1 - base : base - start;
    out[at] = table[bytes[base / kBasesPerByte]][is_reversed ? 3 - inside : inside];
  };
  int64_t base = start;
  for (; base < end && base % kBasesPerByte != 0; ++base) put(base);
  const int64_t num_whole = (end - base) / kBasesPerByte;
  const unsigned char* const whole = bytes + base / kBasesPerByte;
  if (is_reversed) {
    char* to = out + (end - base);
    for (int64_t i = 0; i < num_whole; ++i) std::memcpy(to -= 4, table[whole[i]].data(), 4);
  } else {
    char* const to = out + (base - start);
    for (int64_t i = 0; i < num_whole; ++i) std::memcpy(to + 4 * i, table[whole[i]].data(), 4);
  }
  for (base += num_whole * kBasesPerByte; base < end; ++base) put(base);

  for_each_block(place.unknown, start, end, [&](int64_t from, int64_t to) {
    char* const first = out + (is_reversed ? end - start - to : from);
    std::fill(first, first + (to - from), symbols.unknown_);
  });
}

void TwoBitFile::for_each_masked(int64_t sequence, int64_t start, int64_t end,
                                 const std::function<void(int64_t, int64_t)>& call) const {
  for_each_block(places_[static_cast<size_t>(sequence)].masked, start, end, call);
}

int64_t TwoBitFile::count_unknown(int64_t sequence, int64_t start, int64_t end) const {
  int64_t out = 0;
  for_each_block(places_[static_cast<size_t>(sequence)].unknown, start, end,
                 [&](int64_t from, int64_t to) { out += to - from; });
  return out;
}

// C and G are the codes whose low bit is set. What is written for a base that is N is T, or unknown
// to us; so N blocks are taken away again.
int64_t TwoBitFile::count_gc(int64_t sequence, int64_t start, int64_t end) const {
  const Place& place = places_[static_cast<size_t>(sequence)];
  const auto count = [&](int64_t from, int64_t to) {
    int64_t out = 0;
    const auto byte_at = [&](int64_t i) {
      return static_cast<unsigned char>(bytes_[place.bases + static_cast<size_t>(i)]);
    };
    for (; from < to && from % kBasesPerByte != 0; ++from)
      out += byte_at(from / kBasesPerByte) >> (6 - 2 * (from % kBasesPerByte)) & 1;
    for (; from + kBasesPerByte <= to; from += kBasesPerByte)
      out += std::popcount(byte_at(from / kBasesPerByte) & 0x55U);
    for (; from < to; ++from)
      out += byte_at(from / kBasesPerByte) >> (6 - 2 * (from % kBasesPerByte)) & 1;
    return out;
  };
  int64_t out = count(start, end);
  for_each_block(place.unknown, start, end,
                 [&](int64_t from, int64_t to) { out -= count(start + from, start + to); });
  return out;
}

void TwoBitFile::check_unchanged() const {
  if (file_) file_->check_unchanged();
}

}  // namespace deepbio::io
