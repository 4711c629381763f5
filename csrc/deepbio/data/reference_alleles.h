// Variants of a file checked against a genome: chromosomes that it has, alleles of the reference
// that are its own. Threads: belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/data/window_places.h"
#include "deepbio/io/reads/twobit.h"
#include "deepbio/io/tables/vcf.h"

namespace deepbio::data {

// What becomes of a variant whose reference allele is not what the genome has there.
enum class ReferenceMismatch { kError, kSkip };
ReferenceMismatch parse_reference_mismatch(std::string_view name);  // "error", "skip"

struct ReferenceOptions {
  ReferenceMismatch on_mismatch = ReferenceMismatch::kError;
  ChromosomeNames names = ChromosomeNames::kExact;
  std::vector<std::string> chromosomes = {};  // variants on others are left out; empty: all stay
};

class ReferenceAlleles {
 public:
  // genome_path names the genome in messages. All must outlive this. throws ArgumentError: a
  // chromosome was asked for that the genome does not have
  ReferenceAlleles(const io::TwoBitFile& genome, const std::string& genome_path,
                   const io::Variants& variants, const ReferenceOptions& options);
  // The number of the sequence that a variant is on; -1 for one that is left out, and counted.
  //   throws ParseError with the line: an unknown chromosome, a position beyond its end, another
  //   reference allele (kError)
  int64_t chromosome_of(int64_t row);
  int64_t num_mismatches() const { return num_mismatches_; }
  // What was left out, by the file and here, a line each.
  std::vector<std::string> notes() const;

 private:
  void check_end(const io::Variant& variant, int64_t row, int64_t chromosome) const;
  bool is_as_in_genome(const io::Variant& variant, int64_t row, int64_t chromosome) const;

  const io::TwoBitFile& genome_;
  const std::string& genome_path_;
  const io::Variants& variants_;
  const ReferenceMismatch on_mismatch_;
  const ChosenChromosomes chosen_;
  int64_t num_mismatches_ = 0, num_elsewhere_ = 0;
};

// Letters of the positions [start, end), N beyond the ends of the chromosome.
std::string letters_between(const io::TwoBitFile& genome, int64_t chromosome, int64_t start,
                            int64_t end);

}  // namespace deepbio::data
