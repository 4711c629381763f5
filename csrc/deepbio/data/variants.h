// Windows of a genome around variants, in pairs: with the reference allele, and with the
// alternative in its place.
//
// Both windows have the same width and begin at the same base; the first base of the reference
// allele stands in the middle of both (position floor(L / 2)). After an insertion the window ends
// earlier on the chromosome, after a deletion later, so that no position is empty; an allele longer
// than the rest of the window is cut. Positions beyond an end of the chromosome are N. Reference
// alleles are compared with the genome when the windows are made; N of the genome fits N alone.
// Nothing is random but what the encoding draws, which is the same for both windows of a variant.
// Threads: constant after construction; many threads may call batch().
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "deepbio/data/reads.h"
#include "deepbio/data/reference_alleles.h"
#include "deepbio/io/reads/twobit.h"
#include "deepbio/io/tables/vcf.h"

namespace deepbio::data {

struct VariantOptions : ReferenceOptions {
  int64_t window = 0;          // L, at least 1
  ReadEncoding encoding = {};  // of batch()
};

// Of the same variants, row by row.
struct VariantBatch {
  ReadBatch reference, alternative;
};

class VariantWindows {
 public:
  // genome_path names the genome in messages.
  //   throws ParseError with the line: an unknown chromosome, a position beyond its end, another
  //   reference allele (kError); ArgumentError: no variant is left
  VariantWindows(std::shared_ptr<const io::TwoBitFile> genome, std::string genome_path,
                 std::shared_ptr<const io::Variants> variants, VariantOptions options);
  int64_t size() const { return static_cast<int64_t>(items_.size()); }
  // index in [0, size()). throws ArgumentError.
  io::Variant variant(int64_t index) const;
  const std::string& chromosome_name(int64_t index) const;  // as the genome spells it
  int64_t chromosome(int64_t index) const;                  // number of the sequence in the genome
  int64_t num_mismatches() const { return num_mismatches_; }
  // What was left out, a line each.
  const std::vector<std::string>& notes() const { return notes_; }
  // The letters of a window.
  std::string letters(int64_t index, bool is_alternative) const;
  VariantBatch batch(std::span<const int64_t> indices, uint64_t epoch = 0) const;

 private:
  struct Item {
    int64_t row = 0;         // of the variants
    int32_t chromosome = 0;  // number of the sequence in the genome
  };
  const Item& item(int64_t index) const;
  ReadBatch encode(std::span<const int64_t> indices, uint64_t epoch, bool is_alternative) const;

  std::shared_ptr<const io::TwoBitFile> genome_;
  std::string genome_path_;
  std::shared_ptr<const io::Variants> variants_;
  VariantOptions options_;
  std::vector<Item> items_;
  int64_t num_mismatches_ = 0;
  std::vector<std::string> notes_;
};

}  // namespace deepbio::data
