#include "deepbio/data/haplotypes.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "deepbio/data/window_bases.h"

namespace deepbio::data {
namespace {

char complement(char letter) {
  constexpr std::string_view kLetters = "ACGT";
  const size_t place = kLetters.find(letter);
  return place == std::string_view::npos ? letter : kLetters[3 - place];
}

size_t num_shared(std::string_view a, std::string_view b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                             a.begin());
}

// Whether letters are only added, or only left out, and not at the beginning.
bool is_plain_indel(std::string_view reference, std::string_view alternative) {
  const size_t shorter = std::min(reference.size(), alternative.size());
  // Both ends are walked from outside: what is left of the longer allele between them is what was
  // added or left out, and nothing of the shorter one may remain.
  const size_t at_front = num_shared(reference, alternative);
  if (at_front == 0 || reference.size() == alternative.size()) return false;
  size_t at_back = 0;
  while (at_front + at_back < shorter &&
         reference[reference.size() - 1 - at_back] == alternative[alternative.size() - 1 - at_back])
    ++at_back;
  return at_front + at_back == shorter;
}

// The allele that a copy took last.
struct Taken {
  int64_t chromosome = -1, last = -1;  // last: of its reference bases
  bool is_insertion = false;

  // An indel is written from the base before it on: at the last base of the allele taken before, it
  // changes only what follows, and the two do not contradict each other.
  bool allows(const io::Variant& next, int64_t on) const {
    if (on != chromosome || next.position > last) return true;
    return next.position == last && !is_insertion &&
           is_plain_indel(next.reference, next.alternative);
  }
};

}  // namespace

Haplotypes::Haplotypes(std::shared_ptr<const io::TwoBitFile> genome, const std::string& genome_path,
                       const io::Variants& variants, const ReferenceOptions& options)
    : genome_(std::move(genome)), samples_(variants.samples()) {
  ReferenceAlleles alleles(*genome_, genome_path, variants, options);
  std::vector<int64_t> chromosomes;
  for (int64_t row = 0; row < variants.size(); ++row) {
    // Once a row, not once for each copy: there may be thousands of samples.
    chromosomes.push_back(alleles.chromosome_of(row));
    add_edit(variants.at(row));
  }
  const auto num_copies = static_cast<int64_t>(2 * samples_.size());
  for (int64_t i = 0; i < num_copies; ++i)
    copies_.push_back(copy_of(variants.carried(i), variants, chromosomes));

  notes_ = alleles.notes();
  const auto add = [&](int64_t count, const std::string& what) {
    if (count > 0) notes_.push_back(std::to_string(count) + what);
  };
  // Each of these made the copies differ from what a caller may take them for, so all are told.
  const io::GenotypeGaps& gaps = variants.gaps();
  add(num_overlaps_, " alleles left out of a copy: they overlap with the one before");
  add(gaps.num_missing, " genotypes with an allele that was not called: the reference stays there");
  add(gaps.num_unphased, " genotypes without a phase: the first allele is that of the first copy");
  add(gaps.num_single, " genotypes of one allele: the second copy keeps the reference");
}

// Without the letters that both alleles begin with.
void Haplotypes::add_edit(const io::Variant& variant) {
  const size_t shared = num_shared(variant.reference, variant.alternative);
  Edit edit;
  edit.position = variant.position + static_cast<int64_t>(shared);
  edit.size = static_cast<uint32_t>(variant.reference.size() - shared);
  edit.text = letters_.size();
  edit.num_letters = static_cast<uint32_t>(variant.alternative.size() - shared);
  letters_.append(variant.alternative.substr(shared));
  edits_.push_back(edit);
}

Haplotypes::Copy Haplotypes::copy_of(const std::vector<uint32_t>& carried,
                                     const io::Variants& variants,
                                     const std::vector<int64_t>& chromosomes) {
  std::vector<uint32_t> rows;
  std::copy_if(carried.begin(), carried.end(), std::back_inserter(rows),
               [&](uint32_t row) { return chromosomes[row] >= 0; });
  // Stable: alleles at one position keep the order of the file, which decides which of them is
  // taken.
  std::stable_sort(rows.begin(), rows.end(), [&](uint32_t a, uint32_t b) {
    return std::pair(chromosomes[a], variants.at(a).position) <
           std::pair(chromosomes[b], variants.at(b).position);
  });
  Copy out;
  Taken before;
  for (const uint32_t row : rows) {
    const io::Variant variant = variants.at(row);
    if (!before.allows(variant, chromosomes[row])) {
      ++num_overlaps_;
      continue;
    }
    const size_t length = variant.reference.size();
    before = {chromosomes[row], variant.position + static_cast<int64_t>(length) - 1,
              variant.alternative.size() > length};
    // Rows come by chromosome, so that this fills in those without any edit and leaves known ones
    // alone.
    out.first_of.resize(static_cast<size_t>(chromosomes[row]) + 1, out.edits.size());
    out.edits.push_back(row);
  }
  out.first_of.resize(genome_->sequences().size() + 1, out.edits.size());
  return out;
}

// Calls of_genome(at, position, size) and of_allele(at, edit, skipped, size) for the stretches of a
// window in their order; `at` counts from its beginning.
template <class OfGenome, class OfAllele>
void Haplotypes::for_each_piece(const HaplotypeWindow& window, OfGenome of_genome,
                                OfAllele of_allele) const {
  const Copy& copy = copies_[static_cast<size_t>(window.haplotype)];
  const auto chromosome = static_cast<size_t>(window.chromosome);
  const auto begin = copy.edits.begin();
  const auto last = begin + static_cast<std::ptrdiff_t>(copy.first_of[chromosome + 1]);
  int64_t at = 0, position = window.start;
  auto next =
      // Edits of a copy do not overlap, hence their ends rise as their beginnings do.
      std::partition_point(begin + static_cast<std::ptrdiff_t>(copy.first_of[chromosome]), last,
                           [&](uint32_t number) { return edits_[number].end() <= position; });
  for (; next != last && at < window.size; ++next) {
    const Edit& edit = edits_[*next];
    if (edit.position > position) {
      const int64_t size = std::min(edit.position - position, window.size - at);
      of_genome(at, position, size);
      at += size;
      position = edit.position;
    }
    // Above 0 only for the first edit, when the window begins inside of it.
    const int64_t skipped = std::min<int64_t>(position - edit.position, edit.num_letters);
    const int64_t size = std::min(edit.num_letters - skipped, window.size - at);
    if (size > 0) of_allele(at, edit, skipped, size);
    at += size;
    position = edit.end();
  }
  if (at < window.size) of_genome(at, position, window.size - at);
}

void Haplotypes::decode(const HaplotypeWindow& window, bool is_reversed,
                        const io::BaseSymbols& symbols, char unknown, char* out) const {
  const auto place = [&](int64_t at, int64_t size) {
    // Each stretch is turned round by itself and put at the mirrored place.
    return out + (is_reversed ? window.size - at - size : at);
  };
  for_each_piece(
      window,
      [&](int64_t at, int64_t position, int64_t size) {
        decode_bases(*genome_, window.chromosome, position, position + size, is_reversed, symbols,
                     unknown, place(at, size));
      },
      [&](int64_t at, const Edit& edit, int64_t skipped, int64_t size) {
        const char* const letters = letters_.data() + edit.text + skipped;
        char* const to = place(at, size);
        for (int64_t i = 0; i < size; ++i)
          to[i] = symbols.of(is_reversed ? complement(letters[size - 1 - i]) : letters[i]);
      });
}

void Haplotypes::positions(const HaplotypeWindow& window, std::span<int64_t> out) const {
  for_each_piece(
      window,
      [&](int64_t at, int64_t position, int64_t size) {
        std::iota(out.begin() + at, out.begin() + at + size, position);
      },
      [&](int64_t at, const Edit& edit, int64_t skipped, int64_t size) {
        for (int64_t i = 0; i < size; ++i)
          // An allele longer than its reference has more letters than positions: the last one is
          // repeated.
          out[static_cast<size_t>(at + i)] = std::min(edit.position + skipped + i, edit.end() - 1);
      });
}

}  // namespace deepbio::data
