// Variants of a VCF file (4.x), plain, gzip or BGZF: an item for each alternative allele.
//
// Lines of `##`, the header (#CHROM POS ID REF ALT QUAL FILTER INFO, and FORMAT with samples), then
// a line for each variant with as many cells, apart by tabs. Alleles are letters of ACGTN in either
// case and come out in upper case. Alternatives that are no sequence are left out and counted by
// what they are: none ("."), an overlapping deletion ("*"), symbolic ones (<DEL>), breakends. Order
// is free. Read line by line, so that memory goes with the alleles and not with the genotypes,
// which are passed over. Threads: free functions; a Variants is constant. source:
// https://samtools.github.io/hts-specs/VCFv4.5.pdf
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace deepbio::io {

struct VcfOptions {
  bool is_passing = false;  // FILTER must be PASS or ".": others are left out
};

// One alternative of a variant; the views live as long as the Variants.
struct Variant {
  int32_t chromosome = 0;  // a place in Variants::names()
  int64_t position = 0;    // of the first base of the reference allele, from 0
  std::string_view id;     // "." where it has none
  std::string_view reference, alternative;
  int32_t num_alternatives = 1;  // of its record
};

class Variants {
 public:
  // throws MissingFileError; ParseError with line, byte and column: another format, a header that
  // is none, another number of cells, no position, other letters, no variants.
  static Variants read(const std::string& path, const VcfOptions& options = {});
  // Of values in memory; name stands for a path in messages. positions are counted from 1, as in
  // VCF; ids may be empty. throws ParseError with the row, ShapeError.
  static Variants from_values(std::string name, const std::vector<std::string>& chromosomes,
                              const std::vector<int64_t>& positions,
                              const std::vector<std::string>& references,
                              const std::vector<std::string>& alternatives,
                              const std::vector<std::string>& ids);

  int64_t size() const { return static_cast<int64_t>(items_.size()); }
  Variant at(int64_t i) const;  // i in [0, size())
  const std::string& path() const { return path_; }
  // Of chromosomes, in the order in which they first come.
  const std::vector<std::string>& names() const { return names_; }
  // Alternatives left out, by reason.
  const std::map<std::string, int64_t>& left_out() const { return left_out_; }
  // An error of an item, with its line.
  [[noreturn]] void fail(int64_t i, const std::string& expected, const std::string& got) const;

 private:
  friend class VcfReader;
  struct Item {
    uint64_t text = 0;  // where id, reference and alternative stand in text_
    uint32_t id_bytes = 0, reference_bytes = 0, alternative_bytes = 0;
    int32_t chromosome = 0, num_alternatives = 1;
    int64_t position = 0, line = -1;
  };
  int32_t number_of(std::string_view name);
  void add(Item item, std::string_view id, std::string_view reference,
           std::string_view alternative);

  std::string path_, text_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, int32_t> place_of_;
  std::vector<Item> items_;
  std::map<std::string, int64_t> left_out_;
};

}  // namespace deepbio::io
