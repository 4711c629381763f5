// Variants of a file, VCF (4.x: plain, gzip or BGZF) or BCF: an item for each alternative allele.
//
// VCF: lines of `##`, the header (#CHROM POS ID REF ALT QUAL FILTER INFO, and FORMAT with samples),
// then a line for each variant with as many cells, apart by tabs; BCF holds the same in binary.
// Alleles are letters of ACGTN in either case and come out in upper case. Alternatives that are no
// sequence are left out and counted by what they are: none ("."), an overlapping deletion ("*"),
// symbolic ones (<DEL>), breakends. Order is free. Read record by record, so that memory goes with
// the alleles. Genotypes are read of the samples that are asked for; of them the alleles are kept
// that a sample carries. Threads: free functions; a Variants is constant. source:
// https://samtools.github.io/hts-specs/VCFv4.5.pdf
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/io/tables/name_numbers.h"

namespace deepbio::io {

struct VcfOptions {
  bool is_passing = false;  // FILTER must be PASS or ".": others are left out
  // Whose genotypes are read; an empty list: of all. Without a list no genotypes are read.
  std::optional<std::vector<std::string>> samples = {};
};

// What genotypes of the chosen samples do not say.
struct GenotypeGaps {
  int64_t num_missing = 0;   // an allele was not called
  int64_t num_unphased = 0;  // two alleles, but not which of them is on which copy
  int64_t num_single = 0;    // one allele alone, of a chromosome with one copy
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
  // throws MissingFileError; ParseError with line, byte and column, or record and byte of BCF:
  // another format, a header that is none, another number of cells, no position, other letters, no
  // variants, a genotype that is none; ArgumentError: a sample that there is not.
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
  const std::vector<std::string>& names() const { return chromosomes_.names(); }
  // Alternatives left out, by reason.
  const std::map<std::string, int64_t>& left_out() const { return left_out_; }
  // Whose genotypes were read.
  const std::vector<std::string>& samples() const { return samples_; }
  // The items that a copy of the chromosomes carries, in the order of the file.
  //   haplotype  2 * sample, and one more for the second allele of genotypes
  const std::vector<uint32_t>& carried(int64_t haplotype) const {
    return carried_[static_cast<size_t>(haplotype)];
  }
  const GenotypeGaps& gaps() const { return gaps_; }
  // What is odd about the file, though no error: it lacks the block that ends BGZF. "": nothing.
  const std::string& warning() const { return warning_; }
  // An error of an item, with its line or record.
  [[noreturn]] void fail(int64_t i, const std::string& expected, const std::string& got) const;

 private:
  friend class VariantReader;
  struct Item {
    uint64_t text = 0;  // where id, reference and alternative stand in text_
    uint32_t id_bytes = 0, reference_bytes = 0, alternative_bytes = 0;
    int32_t chromosome = 0, num_alternatives = 1;
    int64_t position = 0, place = 0;  // its line, or number of its record
  };
  void add(Item item, std::string_view id, std::string_view reference,
           std::string_view alternative);

  std::string path_, text_, warning_;
  bool has_lines_ = false;
  NameNumbers chromosomes_;
  std::vector<Item> items_;
  std::map<std::string, int64_t> left_out_;
  std::vector<std::string> samples_;
  std::vector<std::vector<uint32_t>> carried_;
  GenotypeGaps gaps_;
};

}  // namespace deepbio::io
