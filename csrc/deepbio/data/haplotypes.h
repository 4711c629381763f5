// Both copies of the chromosomes of samples: a genome with the alleles of their genotypes put in.
//
// A copy takes its alleles in the order of their positions, those of one position in that of the
// file. The first that fits is taken: one that begins before the end of the one taken before is
// left out and counted, but for one at its last base that only adds or leaves out letters after
// this base, and does not follow an insertion, as bcftools consensus does. Alleles that were not
// called, symbolic ones and breakends leave the reference; of two that are not phased the first
// belongs to the first copy. Letters that an insertion brings stand at the position before them.
// Threads: constant after construction.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "deepbio/data/reference_alleles.h"
#include "deepbio/io/reads/twobit.h"
#include "deepbio/io/tables/vcf.h"

namespace deepbio::data {

// A window of a copy, counted in letters from the reference position `start`, which may be below 0.
// Where the copy lacks `start` it begins with the next letter that it has.
struct HaplotypeWindow {
  int64_t haplotype = 0;   // 2 * sample, and one more for the second copy
  int64_t chromosome = 0;  // number of the sequence in the genome
  int64_t start = 0, size = 0;
};

class Haplotypes {
 public:
  // genome_path names the genome in messages; variants were read with samples.
  //   throws as ReferenceAlleles
  Haplotypes(std::shared_ptr<const io::TwoBitFile> genome, const std::string& genome_path,
             const io::Variants& variants, const ReferenceOptions& options = {});

  // Two for each sample.
  int64_t size() const { return static_cast<int64_t>(copies_.size()); }
  const std::vector<std::string>& samples() const { return samples_; }
  // What was left out or taken as it is, a line each.
  const std::vector<std::string>& notes() const { return notes_; }
  // Symbols of a window to out[0, size): `unknown` beyond the ends of the chromosome.
  //   is_reversed  the other strand, from the end
  void decode(const HaplotypeWindow& window, bool is_reversed, const io::BaseSymbols& symbols,
              char unknown, char* out) const;
  // The position in the genome of each letter of a window, in ascending order.
  void positions(const HaplotypeWindow& window, std::span<int64_t> out) const;

 private:
  // Reference bases [position, position + size) that are letters_[text, text + num_letters).
  struct Edit {
    int64_t position = 0;
    uint64_t text = 0;
    uint32_t size = 0, num_letters = 0;
    int64_t end() const { return position + size; }
  };
  // What a copy takes: numbers of edits, by chromosome and position.
  struct Copy {
    std::vector<uint32_t> edits;
    std::vector<size_t> first_of;  // where those of a chromosome begin; one more at the end
  };
  void add_edit(const io::Variant& variant);
  Copy copy_of(const std::vector<uint32_t>& carried, const io::Variants& variants,
               const std::vector<int64_t>& chromosomes);
  template <class OfGenome, class OfAllele>
  void for_each_piece(const HaplotypeWindow& window, OfGenome of_genome, OfAllele of_allele) const;

  std::shared_ptr<const io::TwoBitFile> genome_;
  std::string letters_;
  std::vector<Edit> edits_;  // of each variant
  std::vector<Copy> copies_;
  std::vector<std::string> samples_, notes_;
  int64_t num_overlaps_ = 0;
};

}  // namespace deepbio::data
