// The one place that decides which variants of a file may be used with a genome: windows of
// variants and copies of chromosomes ask it row by row, and show its counts and notes as theirs.
#include "deepbio/data/reference_alleles.h"

#include "deepbio/base/error.h"
#include "deepbio/data/window_bases.h"

namespace deepbio::data {
namespace {

const io::BaseSymbols kAlleleLetters({'A', 'C', 'G', 'T', 'N'});

}  // namespace

ReferenceMismatch parse_reference_mismatch(std::string_view name) {
  if (name == "error") return ReferenceMismatch::kError;
  if (name == "skip") return ReferenceMismatch::kSkip;
  throw ArgumentError("reference_mismatch: expected error or skip, got " + quoted(name));
}

std::string letters_between(const io::TwoBitFile& genome, int64_t chromosome, int64_t start,
                            int64_t end) {
  std::string out(static_cast<size_t>(end - start), 'N');
  decode_bases(genome, chromosome, start, end, false, kAlleleLetters, 'N', out.data());
  return out;
}

ReferenceAlleles::ReferenceAlleles(const io::TwoBitFile& genome, const std::string& genome_path,
                                   const io::Variants& variants, const ReferenceOptions& options)
    : genome_(genome),
      genome_path_(genome_path),
      variants_(variants),
      on_mismatch_(options.on_mismatch),
      chosen_(genome, genome_path, variants.names(), options.chromosomes, options.names) {}

int64_t ReferenceAlleles::chromosome_of(int64_t row) {
  const io::Variant variant = variants_.at(row);
  // Before anything is checked: variants on other chromosomes may be of a genome with more of them.
  if (!chosen_.is_wanted(variant.chromosome)) {
    ++num_elsewhere_;
    return -1;
  }
  const int64_t number = chosen_.number_of(variant.chromosome);
  const std::string& spelled = variants_.names()[static_cast<size_t>(variant.chromosome)];
  if (number < 0)
    variants_.fail(row, "a chromosome of " + genome_path_,
                   quoted(spelled) + chromosome_advice(genome_, spelled));
  // Before the bases are compared: past the end they would all be N.
  check_end(variant, row, number);
  if (is_as_in_genome(variant, row, number)) return number;
  ++num_mismatches_;
  return -1;
}

void ReferenceAlleles::check_end(const io::Variant& variant, int64_t row,
                                 int64_t chromosome) const {
  const auto& sequence = genome_.sequences()[static_cast<size_t>(chromosome)];
  const int64_t end = variant.position + static_cast<int64_t>(variant.reference.size());
  if (end <= sequence.length_bp) return;
  variants_.fail(row,
                 "a reference allele within the " + std::to_string(sequence.length_bp) +
                     " bases of " + quoted(sequence.name),
                 "one that ends at " + std::to_string(end));
}

bool ReferenceAlleles::is_as_in_genome(const io::Variant& variant, int64_t row,
                                       int64_t chromosome) const {
  const int64_t end = variant.position + static_cast<int64_t>(variant.reference.size());
  // An allele of another reference would be put into a sequence that it never occurred in, so that
  // scores would be of no variant at all.
  const std::string found = letters_between(genome_, chromosome, variant.position, end);
  if (found == variant.reference) return true;
  if (on_mismatch_ == ReferenceMismatch::kError) {
    variants_.fail(row,
                   "the reference allele " + quoted(found, 40) + ", as " + genome_path_ +
                       " has at " + variants_.names()[static_cast<size_t>(variant.chromosome)] +
                       ":" + std::to_string(variant.position + 1),
                   quoted(variant.reference, 40) + " (`reference_mismatch=skip` leaves it out)");
  }
  return false;
}

std::vector<std::string> ReferenceAlleles::notes() const {
  std::vector<std::string> out;
  const auto add = [&](int64_t count, const std::string& why) {
    if (count > 0) out.push_back("left out " + std::to_string(count) + ": " + why);
  };
  // In the order in which a reader would look for them: the file, its records, the genome.
  if (!variants_.warning().empty()) out.push_back(variants_.path() + ": " + variants_.warning());
  for (const auto& [reason, count] : variants_.left_out()) add(count, reason);
  add(num_mismatches_, "another reference allele than the genome's");
  add(num_elsewhere_, "on other chromosomes than those asked for");
  return out;
}

}  // namespace deepbio::data
