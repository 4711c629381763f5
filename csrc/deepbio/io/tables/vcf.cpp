// What is taken of the records of VCF and BCF: alternatives that are letters, and who carries them.
// Alternatives that name no sequence are left out with a count for each kind, since a window cannot
// be made of them.
#include "deepbio/io/tables/vcf.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/tables/variant_source.h"

namespace deepbio::io {
namespace {

char upper(char letter) { return static_cast<char>(letter & ~0x20); }

bool is_sequence(std::string_view allele) {
  return !allele.empty() && std::all_of(allele.begin(), allele.end(), [](char c) {
    return std::string_view("ACGTN").find(upper(c)) != std::string_view::npos;
  });
}

bool is_same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return upper(x) == upper(y); });
}

// What an alternative is that names no sequence; "" when it is nothing that VCF knows.
std::string_view kind_of(std::string_view allele) {
  if (allele == ".") return "no alternative allele";
  if (allele == "*" || allele == "<*>") return "an overlapping deletion (*)";
  if (allele.size() > 2 && allele.front() == '<' && allele.back() == '>')
    return "a symbolic allele";
  const bool has_end = allele.size() > 1 && (allele.front() == '.' || allele.back() == '.');
  return has_end || allele.find_first_of("[]") != std::string_view::npos ? "a breakend" : "";
}

}  // namespace

// Takes what is wanted of the records of a file.
class VariantReader {
 public:
  VariantReader(const std::string& path, const VcfOptions& options)
      : options_(options), source_(open_variants(path, options.samples)) {
    out_.path_ = path;
    out_.has_lines_ = source_->has_lines();
    out_.samples_ = source_->samples();
    out_.carried_.resize(2 * out_.samples_.size());
  }

  Variants run() {
    VariantRecord record;
    int64_t num_records = 0;
    for (; source_->next(record); ++num_records) take(record);
    if (num_records == 0) source_->fail_empty();
    out_.warning_ = source_->warning();
    return std::move(out_);
  }

 private:
  void take(const VariantRecord& record) {
    if (!is_sequence(record.reference))
      source_->fail(VariantField::kReference, "letters of ACGTN", record.reference);
    Variants::Item item;
    item.num_alternatives = static_cast<int32_t>(record.alternatives.size());
    item.position = record.position;
    item.place = source_->place();
    const bool is_filtered = options_.is_passing && !record.is_passed;
    // Chromosomes with filtered rows alone are not counted as there.
    if (!is_filtered) item.chromosome = out_.chromosomes_.number_of(record.chromosome);
    find_carried(record);
    item_of_.assign(record.alternatives.size(), kNone);
    for (size_t i = 0; i < record.alternatives.size(); ++i)
      take_alternative(record, i, item, is_filtered);
    carry(record);
  }

  // Which alternatives are wanted: those that a chosen sample has, or all.
  void find_carried(const VariantRecord& record) {
    is_carried_.assign(record.alternatives.size(), options_.samples ? 0 : 1);
    for (const int32_t allele : record.genotypes) {
      if (allele > 0) is_carried_[static_cast<size_t>(allele - 1)] = 1;
    }
  }

  void take_alternative(const VariantRecord& record, size_t i, const Variants::Item& item,
                        bool is_filtered) {
    const std::string_view allele = record.alternatives[i];
    const bool is_letters = is_sequence(allele);
    const std::string_view kind = is_filtered ? "a filter" : is_letters ? "" : kind_of(allele);
    if (!is_letters && kind.empty())
      source_->fail(VariantField::kAlternative,
                    "letters of ACGTN, '.', '*', <SYMBOL> or a breakend", allele);
    // Its score would be zero by construction; the row is a mistake.
    if (is_letters && is_same(allele, record.reference))
      source_->fail(VariantField::kAlternative, "another allele than REF", allele);
    if (is_carried_[i] == 0) return;
    if (kind.empty()) {
      item_of_[i] = static_cast<uint32_t>(out_.items_.size());
      out_.add(item, record.id, record.reference, allele);
    } else {
      ++out_.left_out_[std::string(kind)];
    }
  }

  void carry(const VariantRecord& record) {
    for (size_t sample = 0; sample < out_.samples_.size(); ++sample) {
      const int32_t* const alleles = record.genotypes.data() + 2 * sample;
      if (alleles[0] == kNoCall || alleles[1] == kNoCall) {
        ++out_.gaps_.num_missing;
      } else if (alleles[1] == kNoCopy) {
        ++out_.gaps_.num_single;
      } else if (alleles[0] != alleles[1] && record.is_phased[sample] == 0) {
        ++out_.gaps_.num_unphased;
      }
      for (size_t copy = 0; copy < 2; ++copy) {
        const uint32_t found =
            alleles[copy] > 0 ? item_of_[static_cast<size_t>(alleles[copy] - 1)] : kNone;
        if (found != kNone) out_.carried_[2 * sample + copy].push_back(found);
      }
    }
  }

  static constexpr uint32_t kNone = UINT32_MAX;
  const VcfOptions& options_;
  std::unique_ptr<VariantSource> source_;
  Variants out_;
  std::vector<char> is_carried_;   // of the alternatives of the record
  std::vector<uint32_t> item_of_;  // kNone for those that are not kept
};

Variants Variants::read(const std::string& path, const VcfOptions& options) {
  return VariantReader(path, options).run();
}

Variants Variants::from_values(std::string name, const std::vector<std::string>& chromosomes,
                               const std::vector<int64_t>& positions,
                               const std::vector<std::string>& references,
                               const std::vector<std::string>& alternatives,
                               const std::vector<std::string>& ids) {
  Variants out;
  out.path_ = std::move(name);
  for (const size_t size : {positions.size(), references.size(), alternatives.size(),
                            ids.empty() ? chromosomes.size() : ids.size()}) {
    if (size != chromosomes.size())
      throw ShapeError(out.path_ + ": expected " + std::to_string(chromosomes.size()) +
                       " of each value, as chromosomes, got " + std::to_string(size));
  }
  for (size_t row = 0; row < chromosomes.size(); ++row) {
    const auto refuse = [&](const std::string& expected, const std::string& got) {
      throw ParseError({out.path_, static_cast<int64_t>(row)}, expected, got,
                       ErrorKind::kStructure);
    };
    if (positions[row] < 1)
      refuse("a position, a whole number from 1", std::to_string(positions[row]));
    for (const std::string& allele : {references[row], alternatives[row]}) {
      if (!is_sequence(allele)) refuse("an allele of the letters ACGTN", quoted(allele, 40));
    }
    if (is_same(references[row], alternatives[row]))
      refuse("another alternative than the reference", quoted(alternatives[row], 40));
    Item item;
    item.position = positions[row] - 1;
    item.place = static_cast<int64_t>(row);
    item.chromosome = out.chromosomes_.number_of(chromosomes[row]);
    out.add(item, ids.empty() || ids[row].empty() ? "." : ids[row], references[row],
            alternatives[row]);
  }
  if (out.items_.empty()) throw ParseError({out.path_}, "variants", "none");
  return out;
}

void Variants::add(Item item, std::string_view id, std::string_view reference,
                   std::string_view alternative) {
  item.text = text_.size();
  item.id_bytes = static_cast<uint32_t>(id.size());
  item.reference_bytes = static_cast<uint32_t>(reference.size());
  item.alternative_bytes = static_cast<uint32_t>(alternative.size());
  // All text in one string: a file has millions of variants, and three strings each would be three
  // allocations.
  text_.append(id);
  for (const std::string_view allele : {reference, alternative})
    std::transform(allele.begin(), allele.end(), std::back_inserter(text_), upper);
  items_.push_back(item);
}

Variant Variants::at(int64_t i) const {
  const Item& item = items_[static_cast<size_t>(i)];
  const std::string_view text = std::string_view(text_).substr(item.text);
  const size_t alternative = size_t{item.id_bytes} + item.reference_bytes;
  return {item.chromosome,
          item.position,
          text.substr(0, item.id_bytes),
          text.substr(item.id_bytes, item.reference_bytes),
          text.substr(alternative, item.alternative_bytes),
          item.num_alternatives};
}

void Variants::fail(int64_t i, const std::string& expected, const std::string& got) const {
  const int64_t place = items_[static_cast<size_t>(i)].place;
  throw ParseError({path_, has_lines_ ? -1 : place, has_lines_ ? place : -1}, expected, got,
                   ErrorKind::kStructure);
}

}  // namespace deepbio::io
