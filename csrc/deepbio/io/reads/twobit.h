// Genomes in UCSC's .2bit: two bits a base, with lists of the stretches that are N or lower case.
//
// Layout, in either byte order: magic 0x1A412743, version (0; 1 has offsets of 64 bits), number of
// sequences, 0; an index of names and offsets; then per sequence its length, the starts and sizes
// of its N blocks, those of its mask blocks (lower case), 0, and its bases, four a byte, the first
// in the highest bits: T 0, C 1, A 2, G 3. A file is mapped, so that memory does not grow with the
// genome. Index, lengths and blocks are checked when it is opened. Threads: constant; safe from
// many threads and after a fork.
// source: https://genome.ucsc.edu/FAQ/FAQformat.html#format7
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "deepbio/io/bytes/mapped_file.h"

namespace deepbio::io {

constexpr uint32_t kTwoBitMagic = 0x1A412743;

// What stands for A, C, G, T and N in decoded bases: letters, or the ids of an encoder.
class BaseSymbols {
 public:
  explicit BaseSymbols(std::array<char, 5> of_acgtn);
  // Of a letter of ACGTN.
  char of(char letter) const;

 private:
  friend class TwoBitFile;
  using Table = std::array<std::array<char, 4>, 256>;  // of the four bases of a byte
  Table forward_, reversed_;                           // reversed: the other strand, read backwards
  std::array<char, 5> of_acgtn_;
  char unknown_;
};

class TwoBitFile {
 public:
  struct Sequence {
    std::string name;
    int64_t length_bp = 0;
  };

  // throws MissingFileError, ParseError (no .2bit, cut short, blocks outside of their sequence).
  explicit TwoBitFile(const std::string& path);
  // The content of a file held in memory; path names it in messages.
  TwoBitFile(std::string path, std::string content);

  const std::string& path() const { return path_; }
  const std::vector<Sequence>& sequences() const { return sequences_; }
  // The number of a sequence; -1 when there is none of this name.
  int64_t find(std::string_view name) const;
  // Bases [start, end) of a sequence to out[0, end - start), counted from 0 within it, which is not
  // checked. is_reversed: the other strand, from end to start.
  void decode(int64_t sequence, int64_t start, int64_t end, bool is_reversed,
              const BaseSymbols& symbols, char* out) const;
  // Calls with [begin, end) of each stretch of lower case inside of [start, end), counted from
  // start.
  void for_each_masked(int64_t sequence, int64_t start, int64_t end,
                       const std::function<void(int64_t, int64_t)>& call) const;
  // Bases [start, end) of a sequence that are N.
  int64_t count_unknown(int64_t sequence, int64_t start, int64_t end) const;
  // Bases that are C or G.
  int64_t count_gc(int64_t sequence, int64_t start, int64_t end) const;
  // throws ParseError when the file was written to since it was opened.
  void check_unchanged() const;

 private:
  struct Blocks {
    size_t starts = 0, sizes = 0;  // where the two lists stand in the file
    int64_t count = 0;
  };
  struct Place {
    Blocks unknown, masked;
    size_t bases = 0;  // where they begin in the file
  };

  void open();
  [[noreturn]] void fail(size_t offset, const std::string& expected, const std::string& got) const;
  uint64_t number(size_t offset, size_t num_bytes) const;
  Blocks take_blocks(size_t& at, int64_t length_bp) const;
  void take_sequence(const std::string& name, size_t offset);
  template <class Call>
  void for_each_block(const Blocks& blocks, int64_t start, int64_t end, Call call) const;

  std::string path_, held_;
  std::unique_ptr<MappedFile> file_;
  std::string_view bytes_;
  bool is_swapped_ = false;
  std::vector<Sequence> sequences_;
  std::vector<Place> places_;
  std::unordered_map<std::string, int64_t> number_of_;
};

}  // namespace deepbio::io
