#include "deepbio/data/variants.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/data/window_bases.h"

namespace deepbio::data {
namespace {

const io::BaseSymbols kAlleleLetters({'A', 'C', 'G', 'T', 'N'});

std::string bases_between(const io::TwoBitFile& genome, int64_t chromosome, int64_t start,
                          int64_t end) {
  std::string out(static_cast<size_t>(end - start), 'N');
  decode_bases(genome, chromosome, start, end, false, kAlleleLetters, 'N', out.data());
  return out;
}

}  // namespace

ReferenceMismatch parse_reference_mismatch(std::string_view name) {
  if (name == "error") return ReferenceMismatch::kError;
  if (name == "skip") return ReferenceMismatch::kSkip;
  throw ArgumentError("reference_mismatch: expected error or skip, got " + quoted(name));
}

VariantWindows::VariantWindows(std::shared_ptr<const io::TwoBitFile> genome,
                               std::string genome_path,
                               std::shared_ptr<const io::Variants> variants, VariantOptions options)
    : genome_(std::move(genome)),
      genome_path_(std::move(genome_path)),
      variants_(std::move(variants)),
      options_(std::move(options)) {
  if (options_.window < 1)
    throw ArgumentError("window: expected at least 1, got " + std::to_string(options_.window));
  const ChosenChromosomes chosen(*genome_, genome_path_, variants_->names(), options_.chromosomes,
                                 options_.names);
  for (int64_t row = 0; row < variants_->size(); ++row) {
    const int32_t name = variants_->at(row).chromosome;
    if (!chosen.is_wanted(name)) {
      ++num_elsewhere_;
      continue;
    }
    const auto number = static_cast<int32_t>(chosen.number_of(name));
    const std::string& spelled = variants_->names()[static_cast<size_t>(name)];
    if (number < 0)
      variants_->fail(row, "a chromosome of " + genome_path_,
                      quoted(spelled) + chromosome_advice(*genome_, spelled));
    check_end(row, number);
    if (is_as_in_genome(row, number)) {
      items_.push_back({row, number});
    } else {
      ++num_mismatches_;
    }
  }
  if (items_.empty()) {
    std::string why;
    for (const std::string& note : notes()) why += (why.empty() ? ": " : "; ") + note;
    throw ArgumentError(variants_->path() + ": no variants are left" + why);
  }
}

void VariantWindows::check_end(int64_t row, int32_t chromosome) const {
  const io::Variant variant = variants_->at(row);
  const auto& sequence = genome_->sequences()[static_cast<size_t>(chromosome)];
  const int64_t end = variant.position + static_cast<int64_t>(variant.reference.size());
  if (end <= sequence.length_bp) return;
  variants_->fail(row,
                  "a reference allele within the " + std::to_string(sequence.length_bp) +
                      " bases of " + quoted(sequence.name),
                  "one that ends at " + std::to_string(end));
}

bool VariantWindows::is_as_in_genome(int64_t row, int32_t chromosome) const {
  const io::Variant variant = variants_->at(row);
  const int64_t end = variant.position + static_cast<int64_t>(variant.reference.size());
  const std::string found = bases_between(*genome_, chromosome, variant.position, end);
  if (found == variant.reference) return true;
  if (options_.on_mismatch == ReferenceMismatch::kError) {
    variants_->fail(row,
                    "the reference allele " + quoted(found, 40) + ", as " + genome_path_ +
                        " has at " + variants_->names()[static_cast<size_t>(variant.chromosome)] +
                        ":" + std::to_string(variant.position + 1),
                    quoted(variant.reference, 40) + " (`reference_mismatch=skip` leaves it out)");
  }
  return false;
}

std::vector<std::string> VariantWindows::notes() const {
  std::vector<std::string> out;
  for (const auto& [reason, count] : variants_->left_out())
    out.push_back("left out " + std::to_string(count) + ": " + reason);
  if (num_mismatches_ > 0)
    out.push_back("left out " + std::to_string(num_mismatches_) +
                  ": another reference allele than the genome's");
  if (num_elsewhere_ > 0)
    out.push_back("left out " + std::to_string(num_elsewhere_) +
                  ": on other chromosomes than those asked for");
  return out;
}

const VariantWindows::Item& VariantWindows::item(int64_t index) const {
  if (index < 0 || index >= size())
    throw ArgumentError("variant index: expected 0 to " + std::to_string(size() - 1) + ", got " +
                        std::to_string(index));
  return items_[static_cast<size_t>(index)];
}

io::Variant VariantWindows::variant(int64_t index) const { return variants_->at(item(index).row); }

int64_t VariantWindows::chromosome(int64_t index) const { return item(index).chromosome; }

const std::string& VariantWindows::chromosome_name(int64_t index) const {
  return genome_->sequences()[static_cast<size_t>(item(index).chromosome)].name;
}

std::string VariantWindows::letters(int64_t index, bool is_alternative) const {
  const int32_t chromosome = item(index).chromosome;
  const io::Variant variant = this->variant(index);
  const int64_t start = variant.position - options_.window / 2;
  if (!is_alternative) return bases_between(*genome_, chromosome, start, start + options_.window);
  std::string out = bases_between(*genome_, chromosome, start, variant.position);
  out += variant.alternative;
  if (const int64_t rest = options_.window - static_cast<int64_t>(out.size()); rest > 0) {
    const int64_t next = variant.position + static_cast<int64_t>(variant.reference.size());
    out += bases_between(*genome_, chromosome, next, next + rest);
  }
  out.resize(static_cast<size_t>(options_.window));
  return out;
}

ReadBatch VariantWindows::encode(std::span<const int64_t> indices, uint64_t epoch,
                                 bool is_alternative) const {
  io::RecordBatch records;
  for (const int64_t index : indices)
    records.append(io::RecordView{
        .name = "", .description = "", .sequence = letters(index, is_alternative), .quality = ""});
  std::vector<int64_t> rows(indices.size());
  std::iota(rows.begin(), rows.end(), 0);
  ReadBatch out = encode_reads(records, rows, indices, epoch, options_.encoding);
  out.index.assign(indices.begin(), indices.end());
  return out;
}

VariantBatch VariantWindows::batch(std::span<const int64_t> indices, uint64_t epoch) const {
  genome_->check_unchanged();
  return {encode(indices, epoch, false), encode(indices, epoch, true)};
}

}  // namespace deepbio::data
