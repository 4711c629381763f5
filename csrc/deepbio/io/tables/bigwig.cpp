// The format of Kent et al. 2010 (supplement): a header, a B+ tree of chromosome names, blocks of
// values, and an R tree of where blocks lie. The trees are read once, into a sorted list of blocks
// for each chromosome; a window then inflates only the blocks that it meets. Zoom levels are not
// read: they are summaries, and a model is given the values.
#include "deepbio/io/tables/bigwig.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/mapped_file.h"
#include "deepbio/io/bytes/positioned_file.h"
#include "deepbio/io/bytes/zlib_block.h"

namespace deepbio::io {
namespace {

constexpr uint32_t kBigWigMagic = 0x888FFC26, kBigBedMagic = 0x8789F2EB;
constexpr uint32_t kNamesMagic = 0x78CA8C91, kIndexMagic = 0x2468ACE0;
// A block is at most as large as the header says; 1 GiB is far above what any writer makes, and
// bounds what a damaged header can ask for.
constexpr size_t kHeaderBytes = 64, kTreeHeaderBytes = 32, kIndexHeaderBytes = 48;
constexpr size_t kBlockHeaderBytes = 24, kMostBlockBytes = size_t{1} << 30;
// A tree of 2 items a node has 2^32 leaves at this depth: no real one is deeper, and a node that
// names itself ends here.
constexpr int kMostDepth = 32;
constexpr size_t kMostRatio = 1032;  // bytes that a byte of deflate can become

// Little-endian files on a little-endian machine; is_bigwig() has refused the other kind.
// Unaligned, so by memcpy.
template <class Number>
Number number_at(std::string_view bytes, size_t offset) {
  Number out;
  std::memcpy(&out, bytes.data() + offset, sizeof out);
  return out;
}

// The plain bytes of blocks, one at a time.
class BlockReader {
 public:
  // Until the next call; empty when the block is damaged or larger than `most`.
  std::string_view run(std::string_view stored, size_t most) {
    if (plain_.size() < most) plain_.resize(most);
    const std::optional<size_t> made = block_.inflate(stored, plain_.data(), most);
    return std::string_view(plain_).substr(0, made.value_or(0));
  }

 private:
  ZlibBlock block_;
  std::string plain_;
};

class BigWig : public SignalTrack {
 public:
  explicit BigWig(const std::string& path) : file_(path), bytes_(file_.bytes()) {
    // Offsets of the header: version at 4, name tree at 8, index at 24, size of the largest plain
    // block at 52.
    need(0, kHeaderBytes);
    const auto names = number_at<uint64_t>(bytes_, 8), index = number_at<uint64_t>(bytes_, 24);
    most_bytes_ = number_at<uint32_t>(bytes_, 52);
    if (most_bytes_ > kMostBlockBytes)
      fail(52, "blocks of at most 1 GiB", std::to_string(most_bytes_) + " bytes");
    // Files of earlier versions may end without it.
    const bool is_signed = number_at<uint16_t>(bytes_, 4) >= 4;
    if (is_signed && number_at<uint32_t>(bytes_, bytes_.size() - 4) != kBigWigMagic)
      fail(bytes_.size(), "the signature that ends a bigWig", "the end of the file");
    take_names(names);
    take_index(index);
  }

  const std::string& path() const override { return file_.path(); }
  const std::vector<std::string>& chromosomes() const override { return names_; }

  void fill(int64_t chromosome, int64_t start, int64_t end, float* out) const override {
    file_.check_unchanged();
    const std::vector<Block>& blocks = blocks_[static_cast<size_t>(chromosome)];
    // Blocks may overlap and are sorted by start only, so the search is over last_end, which never
    // falls: the first block that reaches past `start` cannot lie before it.
    auto block = std::partition_point(blocks.begin(), blocks.end(), [start](const Block& each) {
      return each.last_end <= start;
    });
    BlockReader reader;
    for (; block != blocks.end() && block->start < end; ++block) {
      if (block->end <= start) continue;
      read(*block, static_cast<size_t>(chromosome), reader,
           [&](int64_t first, int64_t last, float value) {
             if (last <= start || first >= end) return;
             std::fill(out + std::max(first - start, int64_t{0}),
                       out + (std::min(last, end) - start), value);
           });
    }
  }

  void for_each(int64_t chromosome, const Call& call) const override {
    file_.check_unchanged();
    BlockReader reader;
    for (const Block& block : blocks_[static_cast<size_t>(chromosome)])
      read(block, static_cast<size_t>(chromosome), reader, call);
  }

 private:
  struct Block {
    int64_t start, end;
    uint64_t offset, num_bytes;
    int64_t last_end;  // of this block and all before it
  };

  [[noreturn]] void fail(size_t offset, const std::string& expected, const std::string& got) const {
    throw ParseError({file_.path(), -1, -1, static_cast<int64_t>(offset)}, expected, got,
                     ErrorKind::kStructure);
  }

  void need(uint64_t offset, uint64_t num_bytes) const {
    if (offset > bytes_.size() || num_bytes > bytes_.size() - offset)
      fail(bytes_.size(), "a whole bigWig", "its end");
  }

  // Calls with the place of each item of the leaves of a tree.
  template <class Leaf>
  void walk(uint64_t node, size_t leaf_bytes, size_t branch_bytes, int depth, Leaf leaf) {
    need(node, 4);
    const bool is_leaf = bytes_[node] != 0;
    const auto count = number_at<uint16_t>(bytes_, node + 2);
    const size_t item_bytes = is_leaf ? leaf_bytes : branch_bytes;
    need(node + 4, count * item_bytes);
    // Nodes that are reached by several ways would be read as often as there are ways.
    walked_bytes_ += 4 + count * item_bytes;
    if (depth > kMostDepth || walked_bytes_ > bytes_.size())
      fail(node, "a tree whose nodes are reached once", "one without an end");
    for (size_t i = 0; i < count; ++i) {
      const size_t at = node + 4 + i * item_bytes;
      if (is_leaf) {
        leaf(at);
      } else {
        // The child's offset is the last field of a branch in both trees.
        walk(number_at<uint64_t>(bytes_, at + branch_bytes - 8), leaf_bytes, branch_bytes,
             depth + 1, leaf);
      }
    }
  }

  void take_names(uint64_t tree) {
    need(tree, kTreeHeaderBytes);
    if (number_at<uint32_t>(bytes_, tree) != kNamesMagic)
      fail(tree, "the names of chromosomes", "other bytes");
    const size_t key_bytes = number_at<uint32_t>(bytes_, tree + 8);
    const auto value_bytes = number_at<uint32_t>(bytes_, tree + 12);
    if (value_bytes != 8 || key_bytes == 0 || key_bytes > 4096)
      fail(tree, "names of up to 4096 bytes", std::to_string(key_bytes));
    // An item is a name filled up with NULs, then the number of the chromosome and its length.
    walk(tree + kTreeHeaderBytes, key_bytes + 8, key_bytes + 8, 0, [&](size_t at) {
      const std::string_view key = bytes_.substr(at, key_bytes);
      const auto number = number_at<uint32_t>(bytes_, at + key_bytes);
      if (!place_of_.emplace(number, names_.size()).second)
        fail(at, "a chromosome once", std::to_string(number) + " again");
      names_.emplace_back(key.substr(0, std::min(key.find('\0'), key.size())));
      numbers_.push_back(number);
    });
    blocks_.resize(names_.size());
  }

  void take_index(uint64_t tree) {
    need(tree, kIndexHeaderBytes);
    if (number_at<uint32_t>(bytes_, tree) != kIndexMagic)
      fail(tree, "an index of blocks", "other bytes");
    // A leaf: chromosome and base of the start, the same of the end, offset and size of the block.
    walk(tree + kIndexHeaderBytes, 32, 24, 0, [&](size_t at) {
      const auto number = number_at<uint32_t>(bytes_, at);
      const auto found = place_of_.find(number);
      Block block{number_at<uint32_t>(bytes_, at + 4), number_at<uint32_t>(bytes_, at + 12),
                  number_at<uint64_t>(bytes_, at + 16), number_at<uint64_t>(bytes_, at + 24),
                  number_at<uint32_t>(bytes_, at + 12)};
      need(block.offset, block.num_bytes);
      // Start and end could lie on two chromosomes; no writer makes such blocks.
      if (found == place_of_.end() || number != number_at<uint32_t>(bytes_, at + 8))
        fail(at, "a block of one chromosome that has a name", std::to_string(number));
      std::vector<Block>& blocks = blocks_[found->second];
      // libBigWig writes a second block of the same positions, without values, where types change.
      if (block.start >= block.end || (!blocks.empty() && block.start < blocks.back().start))
        fail(at, "blocks in the order of their positions", std::to_string(block.start));
      if (!blocks.empty()) block.last_end = std::max(block.end, blocks.back().last_end);
      blocks.push_back(block);
    });
  }

  // Calls with the values of a block.
  template <class Each>
  void read(const Block& block, size_t chromosome, BlockReader& reader, const Each& call) const {
    const std::string_view stored = bytes_.substr(block.offset, block.num_bytes);
    const size_t most = std::min(most_bytes_, kMostRatio * (stored.size() + 1));
    const std::string_view plain = most_bytes_ == 0 ? stored : reader.run(stored, most);
    if (!walk_values(plain, numbers_[chromosome], call))
      fail(block.offset, "a sound block of values of " + quoted(names_[chromosome]), "damage");
  }

  // False when the block is damaged.
  template <class Each>
  static bool walk_values(std::string_view plain, uint32_t chromosome, const Each& call) {
    if (plain.size() < kBlockHeaderBytes || number_at<uint32_t>(plain, 0) != chromosome)
      return false;
    // Header of a block: chromosome, start, end, step, span, type, a reserved byte, number of
    // items.
    const int64_t step = number_at<uint32_t>(plain, 12), span = number_at<uint32_t>(plain, 16);
    const int type = plain[20];
    const size_t count = number_at<uint16_t>(plain, 22);
    // Types 1 to 3: start, end and value (bedGraph); start and value of one span (variable step);
    // values alone (fixed step).
    constexpr std::array<size_t, 4> kItemBytes = {0, 12, 8, 4};
    if (type < 1 || type > 3) return false;
    const size_t item_bytes = kItemBytes[static_cast<size_t>(type)];
    if (plain.size() < kBlockHeaderBytes + count * item_bytes) return false;
    int64_t next = number_at<uint32_t>(plain, 4);  // of steps of one width
    for (size_t i = 0; i < count; ++i, next += step) {
      const size_t at = kBlockHeaderBytes + i * item_bytes;
      const int64_t first = type == 3 ? next : number_at<uint32_t>(plain, at);
      const int64_t last = type == 1 ? number_at<uint32_t>(plain, at + 4) : first + span;
      if (last <= first || last > int64_t{UINT32_MAX}) return false;
      call(first, last, number_at<float>(plain, at + item_bytes - 4));
    }
    return true;
  }

  MappedFile file_;
  std::string_view bytes_;
  size_t walked_bytes_ = 0;  // of the nodes of both trees
  size_t most_bytes_ = 0;    // of a block when it is plain; 0: none is deflated
  std::vector<std::string> names_;
  std::vector<uint32_t> numbers_;  // of each name, in this file
  std::unordered_map<uint32_t, size_t> place_of_;
  std::vector<std::vector<Block>> blocks_;
};

}  // namespace

bool is_bigwig(const std::string& path) {
  const PositionedFile file(path);
  uint32_t magic = 0;
  if (file.read(0, reinterpret_cast<char*>(&magic), sizeof magic) < sizeof magic) return false;
  if (magic == kBigBedMagic || magic == __builtin_bswap32(kBigBedMagic))
    throw ParseError({path}, "bigWig, bedGraph or BED",
                     "bigBed; bigBedToBed FILE OUT.bed gives BED", ErrorKind::kStructure);
  if (magic == __builtin_bswap32(kBigWigMagic))
    throw ParseError({path}, "a little-endian bigWig", "one of the other byte order",
                     ErrorKind::kStructure);
  return magic == kBigWigMagic;
}

std::shared_ptr<const SignalTrack> open_bigwig(const std::string& path) {
  return std::make_shared<BigWig>(path);
}

}  // namespace deepbio::io
