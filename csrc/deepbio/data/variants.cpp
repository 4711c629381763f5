#include "deepbio/data/variants.h"

#include <numeric>
#include <utility>

#include "deepbio/base/error.h"

namespace deepbio::data {
VariantWindows::VariantWindows(std::shared_ptr<const io::TwoBitFile> genome,
                               std::string genome_path,
                               std::shared_ptr<const io::Variants> variants, VariantOptions options)
    : genome_(std::move(genome)),
      genome_path_(std::move(genome_path)),
      variants_(std::move(variants)),
      options_(std::move(options)) {
  if (options_.window < 1)
    throw ArgumentError("window: expected at least 1, got " + std::to_string(options_.window));
  ReferenceAlleles alleles(*genome_, genome_path_, *variants_, options_);
  for (int64_t row = 0; row < variants_->size(); ++row) {
    const int64_t chromosome = alleles.chromosome_of(row);
    if (chromosome >= 0) items_.push_back({row, static_cast<int32_t>(chromosome)});
  }
  num_mismatches_ = alleles.num_mismatches();
  notes_ = alleles.notes();
  if (items_.empty()) {
    std::string why;
    // All that was left out, as that is why nothing is left.
    for (const std::string& note : notes_) why += (why.empty() ? ": " : "; ") + note;
    throw ArgumentError(variants_->path() + ": no variants are left" + why);
  }
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
  if (!is_alternative) return letters_between(*genome_, chromosome, start, start + options_.window);
  // Up to the variant both windows are the same; from there on what follows the reference allele
  // moves up to the end of the alternative one.
  std::string out = letters_between(*genome_, chromosome, start, variant.position);
  out += variant.alternative;
  if (const int64_t rest = options_.window - static_cast<int64_t>(out.size()); rest > 0) {
    const int64_t next = variant.position + static_cast<int64_t>(variant.reference.size());
    out += letters_between(*genome_, chromosome, next, next + rest);
  }
  // An allele longer than the rest of the window is cut.
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
  // By the variant's index for both alleles, so that what the encoding draws is the same for the
  // pair.
  ReadBatch out = encode_reads(records, rows, indices, epoch, options_.encoding);
  out.index.assign(indices.begin(), indices.end());
  return out;
}

VariantBatch VariantWindows::batch(std::span<const int64_t> indices, uint64_t epoch) const {
  genome_->check_unchanged();
  return {encode(indices, epoch, false), encode(indices, epoch, true)};
}

}  // namespace deepbio::data
