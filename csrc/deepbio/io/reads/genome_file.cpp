// FASTA packed into .2bit (two bits a base, UCSC's format), once, and kept beside the FASTA or in a
// cache: windows of a genome are then decoded from a mapped file of a quarter of its size. N and
// other letters, and stretches of lower case, are lists of blocks in that format, so masking is
// kept and ambiguity codes become N.
#include "deepbio/io/reads/genome_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include <zlib.h>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/bytes.h"
#include "deepbio/io/bytes/output.h"
#include "deepbio/io/bytes/positioned_file.h"
#include "deepbio/io/reads/fasta_text.h"
#include "deepbio/io/reads/fastx_index.h"
#include "deepbio/io/reads/text_kernels.h"

namespace deepbio::io {
namespace {

constexpr uint64_t kMaxLength = (uint64_t{1} << 32) - 1;
constexpr size_t kMarkedBytes = size_t{1} << 16;
constexpr std::string_view kMarkMagic = "DBXOF2BT";

// What a letter is in .2bit: its code, and whether it belongs to a block.
constexpr uint8_t kUnknown = 4, kMasked = 8, kNoLetter = 16;

std::array<uint8_t, 256> make_kinds() {
  std::array<uint8_t, 256> out{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool is_lower = byte >= 'a' && byte <= 'z';
    const size_t code =
        std::string_view("TCAGU").find(static_cast<char>(is_lower ? byte - 32 : byte));
    // T C A G are 0 to 3 in .2bit; U is read as T. Of an unknown letter nothing but its place in a
    // block is kept.
    const bool is_known = code != std::string_view::npos;
    out[byte] = static_cast<uint8_t>(!is_sequence_byte(static_cast<unsigned char>(byte)) ? kNoLetter
                                     : is_known ? (code == 4 ? 0 : code)
                                                : kUnknown);
    if (is_lower) out[byte] |= kMasked;
  }
  return out;
}

void append(std::string& out, uint64_t value, int num_bytes) {
  for (int i = 0; i < num_bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

struct Stretches {
  std::vector<uint32_t> starts, sizes;
  bool is_open = false;

  void begin(uint64_t at) {
    starts.push_back(static_cast<uint32_t>(at));
    is_open = true;
  }
  void end(uint64_t at) {
    if (is_open) sizes.push_back(static_cast<uint32_t>(at) - starts.back());
    is_open = false;
  }
  void append_to(std::string& out) const {
    append(out, starts.size(), 4);
    for (const auto* list : {&starts, &sizes}) {
      for (const uint32_t each : *list) append(out, each, 4);
    }
  }
};

// One sequence while its lines are read.
struct Packed {
  std::string name, bases;
  Stretches unknown, masked;
  uint64_t length = 0;
  uint8_t kind = 0, byte = 0;  // of the letter before; of bases not yet appended

  // The place of the first byte that is no letter; npos when all are.
  size_t add(std::string_view letters) {
    static const std::array<uint8_t, 256> kinds = make_kinds();
    for (size_t i = 0; i < letters.size(); ++i) {
      const uint8_t next = kinds[static_cast<unsigned char>(letters[i])];
      // Letters come in long runs of one kind: only where it changes is there more to do than two
      // bits.
      if ((next ^ kind) & (kUnknown | kMasked | kNoLetter)) {
        if (next & kNoLetter) return i;
        change(next);
      }
      byte = static_cast<uint8_t>(byte << 2 | (next & 3));
      if (++length % 4 == 0) bases += static_cast<char>(byte);
    }
    return std::string_view::npos;
  }

  void change(uint8_t next) {
    const auto turn = [&](Stretches& stretches, uint8_t bit) {
      if (((next ^ kind) & bit) == 0) return;
      (next & bit) != 0 ? stretches.begin(length) : stretches.end(length);
    };
    turn(unknown, kUnknown);
    turn(masked, kMasked);
    kind = next;
  }

  void finish() {
    change(0);
    // The last byte is filled up from below; the first base has its highest bits.
    if (length % 4 != 0) bases += static_cast<char>(byte << (2 * (4 - length % 4)));
  }

  std::string record() const {
    std::string out;
    out.reserve(bases.size() + 8 * (unknown.starts.size() + masked.starts.size()) + 16);
    append(out, length, 4);
    unknown.append_to(out);
    masked.append_to(out);
    append(out, 0, 4);
    return out + bases;
  }
};

// Follows the lines of a FASTA file.
class FastaPacker {
 public:
  explicit FastaPacker(const std::string& path) : text_(path) {}

  std::string run() {
    while (text_.next()) {
      if (text_.is_title()) {
        end_sequence();
        begin_sequence();
      } else {
        add_line();
      }
    }
    end_sequence();
    return assembled();
  }

 private:
  void begin_sequence() {
    sequence_.name = text_.name();
    is_begun_ = true;
    if (sequence_.name.size() > 255)
      text_.fail("a name of at most 255 letters, as .2bit holds", quoted(sequence_.name));
  }

  void add_line() {
    const std::string_view letters = text_.line();
    if (sequence_.length + letters.size() > kMaxLength)
      text_.fail("a sequence of at most 2^32 - 1 bases, as .2bit holds", "a longer one");
    const size_t wrong = sequence_.add(letters);
    if (wrong != std::string_view::npos) {
      text_.fail("a sequence of letters, '*', '-' or '.'", quoted(letters.substr(wrong, 1)), wrong);
    }
  }

  void end_sequence() {
    if (!is_begun_) return;
    sequence_.finish();
    index_.emplace_back(sequence_.name, records_bytes_);
    records_.push_back(sequence_.record());
    records_bytes_ += records_.back().size();
    sequence_ = {};
  }

  std::string assembled() {
    // The index holds absolute offsets, whose own size depends on how large they get: 4 bytes each
    // in version 0, 8 in version 1, which twoBitToFa also reads.
    uint64_t first = 16;
    for (const auto& [name, offset] : index_) first += 1 + name.size() + 4;
    const bool is_long = first + records_bytes_ > kMaxLength;
    if (is_long) first += 4 * index_.size();
    std::string out;
    out.reserve(first + records_bytes_ + 64);
    append(out, kTwoBitMagic, 4);
    append(out, is_long ? 1 : 0, 4);
    append(out, index_.size(), 4);
    append(out, 0, 4);
    for (const auto& [name, offset] : index_) {
      append(out, name.size(), 1);
      out += name;
      append(out, first + offset, is_long ? 8 : 4);
    }
    for (std::string& record : records_) {
      out += record;
      std::string().swap(record);  // so that a genome is not held twice
    }
    return out;
  }

  FastaText text_;
  Packed sequence_;
  bool is_begun_ = false;
  std::vector<std::pair<std::string, uint64_t>> index_;
  std::vector<std::string> records_;
  uint64_t records_bytes_ = 0;
};

// What binds a packed genome to its FASTA: written after the last sequence, where readers of .2bit
// do not look.
std::string mark_of(const PositionedFile& file) {
  std::string ends(2 * kMarkedBytes, '\0');
  // Both ends of the FASTA, its size and time, as for the index of records.
  const uint64_t last = file.size() > kMarkedBytes ? file.size() - kMarkedBytes : 0;
  const size_t first_bytes = file.read(0, ends.data(), kMarkedBytes);
  const size_t last_bytes = file.read(last, ends.data() + first_bytes, kMarkedBytes);
  const auto crc =
      crc32_z(0, reinterpret_cast<const Bytef*>(ends.data()), first_bytes + last_bytes);
  std::string out(kMarkMagic);
  append(out, file.size(), 8);
  append(out, static_cast<uint64_t>(file.mtime_ns()), 8);
  append(out, crc, 8);
  return out;
}

// Nothing when there is no such file, it is of another FASTA, or damaged.
std::shared_ptr<const TwoBitFile> packed_before(const std::string& where, const std::string& mark) {
  if (!std::filesystem::is_regular_file(where) || std::filesystem::file_size(where) < mark.size())
    return nullptr;
  try {
    const PositionedFile file(where);
    std::string found(mark.size(), '\0');
    file.read(file.size() - mark.size(), found.data(), found.size());
    return found == mark ? std::make_shared<const TwoBitFile>(where) : nullptr;
  } catch (const Error&) {
    return nullptr;
  }
}

}  // namespace

std::string pack_fasta(const std::string& path) { return FastaPacker(path).run(); }

std::shared_ptr<const TwoBitFile> open_genome(const std::string& path,
                                              const std::string& cache_dir) {
  if (path == "-")
    throw ArgumentError("genome: expected a file, got standard input, which cannot be read twice");
  const PositionedFile file(path);
  std::array<char, 4> head{};
  file.read(0, head.data(), head.size());
  const std::string_view magic(head.data(), head.size());
  if (magic == "\x43\x27\x41\x1a" || magic == "\x1a\x41\x27\x43")
    return std::make_shared<const TwoBitFile>(path);

  const std::string mark = mark_of(file), where = FastxIndex::index_path(path, cache_dir) + ".2bit";
  if (auto found = packed_before(where, mark)) return found;
  std::string content = pack_fasta(path) + mark;
  file.check_in_place();
  try {
    write_file(where, content);
    if (auto found = packed_before(where, mark)) return found;
  } catch (const WriteError&) {  // a read-only folder: the genome stays in memory
  }
  return std::make_shared<const TwoBitFile>(path, std::move(content));
}

}  // namespace deepbio::io
