// VCF text as records, line by line.
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/bytes.h"
#include "deepbio/io/foreign.h"
#include "deepbio/io/tables/variant_source.h"

namespace deepbio::io {
namespace {

constexpr std::array<std::string_view, 8> kColumns = {"#CHROM", "POS",  "ID",     "REF",
                                                      "ALT",    "QUAL", "FILTER", "INFO"};
constexpr size_t kFormat = kColumns.size(), kFirstSample = kFormat + 1;
constexpr size_t kPosition = 1, kId = 2, kReference = 3, kAlternative = 4, kFilter = 6;
using Cells = std::array<std::string_view, kColumns.size()>;

// The position as VCF counts it, from 1; nothing for what is none.
std::optional<int64_t> position_of(std::string_view cell) {
  int64_t out = 0;
  const auto [end, code] = std::from_chars(cell.data(), cell.data() + cell.size(), out);
  if (code != std::errc() || end != cell.data() + cell.size() || out < 1) return std::nullopt;
  return out;
}

// What comes before a mark; it and the mark are cut off the text.
std::string_view take_until(std::string_view& text, char mark) {
  const size_t end = std::min(text.find(mark), text.size());
  const std::string_view out = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return out;
}

// The first cells of a line; fewer leave the rest empty. The line is what follows them.
Cells take_cells(std::string_view& line) {
  Cells cells;
  for (std::string_view& cell : cells) cell = take_until(line, '\t');
  return cells;
}

size_t count_cells(std::string_view line) {
  return static_cast<size_t>(std::count(line.begin(), line.end(), '\t')) + 1;
}

// Where GT stands in a FORMAT cell; nothing without it.
std::optional<size_t> place_of_genotype(std::string_view format) {
  for (size_t i = 0; !format.empty(); ++i) {
    if (take_until(format, ':') == "GT") return i;
  }
  return std::nullopt;
}

struct Genotype {
  std::array<int32_t, 2> alleles{kNoCall, kNoCopy};
  bool is_phased = true;
};

// 0|1, 0/1, 1 or a point for an allele that was not called; nothing for what is none of these.
std::optional<Genotype> genotype_of(std::string_view text, size_t num_alternatives) {
  Genotype out;
  if (text.starts_with('|') || text.starts_with('/')) text.remove_prefix(1);
  for (size_t copy = 0; copy < out.alleles.size(); ++copy) {
    const size_t end = std::min(text.find_first_of("|/"), text.size());
    const char* const last = text.data() + end;
    int32_t& allele = out.alleles[copy];
    if (text.substr(0, end) == ".") {
      allele = kNoCall;
    } else {
      const auto [stop, code] = std::from_chars(text.data(), last, allele);
      const bool is_number = code == std::errc() && stop == last && allele >= 0;
      if (!is_number || static_cast<size_t>(allele) > num_alternatives) return std::nullopt;
    }
    if (end == text.size()) return out;
    if (copy == 0) out.is_phased = text[end] == '|';
    text.remove_prefix(end + 1);
  }
  return std::nullopt;
}

class VcfSource : public VariantSource {
 public:
  VcfSource(std::unique_ptr<TextWindow> window, const ChosenSamples& samples)
      : window_(std::move(window)) {
    read_header(samples);
  }

  bool next(VariantRecord& out) override {
    do {
      if (!next_line()) return false;
    } while (line_.empty());
    ++number_;
    take(out);
    return true;
  }

  [[noreturn]] void fail(VariantField field, const std::string& expected,
                         std::string_view got) const override {
    fail_cell(static_cast<size_t>(field), expected, got);
  }
  [[noreturn]] void fail_empty() const override { fail("variants", "none"); }
  int64_t place() const override { return line_number_; }
  bool has_lines() const override { return true; }
  std::string warning() const override { return window_->source().warning(); }

 private:
  [[noreturn]] void fail(const std::string& expected, const std::string& got,
                         std::string_view at = {}) const {
    const int64_t offset = at.data() == nullptr ? 0 : at.data() - line_.data();
    throw ParseError(
        {window_->source().path(), std::max<int64_t>(number_, 0), line_number_, offset_ + offset},
        expected, got, ErrorKind::kStructure);
  }

  [[noreturn]] void fail_cell(size_t column, const std::string& expected,
                              std::string_view got) const {
    fail("in column " + std::to_string(column + 1) + " (" +
             std::string(kColumns[column]).substr(column == 0 ? 1 : 0) + ") " + expected,
         quoted(got, 40), got);
  }

  // False at the end of the file.
  bool next_line() {
    size_t end = window_->text().find('\n');
    while (end == std::string_view::npos && !window_->is_end()) {
      if (!window_->more() && !window_->is_end()) fail("a line of at most 1 GiB", "a longer one");
      end = window_->text().find('\n');
    }
    const std::string_view text = window_->text();
    if (text.empty()) return false;
    ++line_number_;
    offset_ = window_->offset();
    line_ = text.substr(0, end);
    window_->drop(std::min(line_.size() + 1, text.size()));
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    return true;
  }

  void read_header(const ChosenSamples& samples) {
    if (!next_line()) fail("variants (VCF)", "no data");
    if (line_.starts_with("\xef\xbb\xbf")) line_.remove_prefix(3);
    if (!line_.starts_with("##fileformat=VCFv4")) {
      const std::string other = foreign_format(line_.substr(0, 512));
      fail("##fileformat=VCFv4 on the first line", other.empty() ? quoted(line_, 40) : other);
    }
    do {
      if (!next_line()) fail("a header that begins with #CHROM", "the end of the file");
    } while (line_.starts_with("##"));
    if (!line_.starts_with("#CHROM")) fail("a header that begins with #CHROM", quoted(line_, 40));
    num_cells_ = count_cells(line_);
    std::string_view rest = line_;
    const Cells cells = take_cells(rest);
    for (size_t column = 0; column < cells.size(); ++column) {
      if (cells[column] != kColumns[column])
        fail_cell(column, "the name " + std::string(kColumns[column]), cells[column]);
    }
    take_until(rest, '\t');
    std::vector<std::string_view> names;
    for (size_t i = kFirstSample; i < num_cells_; ++i) names.push_back(take_until(rest, '\t'));
    choose_samples(window_->source().path(), names, samples);
  }

  void take(VariantRecord& out) {
    const size_t found = count_cells(line_);
    if (found != num_cells_)
      fail(std::to_string(num_cells_) + " columns, as the header has", std::to_string(found));
    std::string_view rest = line_;
    const Cells cells = take_cells(rest);
    if (cells[0].empty()) fail_cell(0, "a chromosome", cells[0]);
    const auto position = position_of(cells[kPosition]);
    if (!position) fail_cell(kPosition, "a position, a whole number from 1", cells[kPosition]);
    if (cells[kId].empty()) fail_cell(kId, "an id or '.'", cells[kId]);
    out.chromosome = cells[0];
    out.position = *position - 1;
    out.id = cells[kId];
    out.reference = cells[kReference];
    out.is_passed = cells[kFilter] == "PASS" || cells[kFilter] == ".";
    take_alternatives(cells[kAlternative], out);
    if (!columns_.empty()) take_genotypes(rest, out);
  }

  static void take_alternatives(std::string_view cell, VariantRecord& out) {
    out.alternatives.clear();
    for (size_t end = 0; end != std::string_view::npos; cell.remove_prefix(end + 1)) {
      end = cell.find(',');
      out.alternatives.push_back(cell.substr(0, end));
      if (end == std::string_view::npos) break;
    }
  }

  // cells: FORMAT and the samples.
  void take_genotypes(std::string_view cells, VariantRecord& out) const {
    out.genotypes.assign(2 * columns_.size(), kNoCall);
    out.is_phased.assign(columns_.size(), 1);
    const auto place = place_of_genotype(take_until(cells, '\t'));
    if (!place) return;
    size_t number = 0;
    for (const Column& column : columns_) {
      for (; number < column.number; ++number) take_until(cells, '\t');
      std::string_view cell = take_until(cells, '\t'), text;
      ++number;
      for (size_t i = 0; i <= *place; ++i) text = take_until(cell, ':');
      const auto genotype = genotype_of(text, out.alternatives.size());
      if (!genotype)
        fail("in column " + std::to_string(kFirstSample + number) + " (" +
                 samples()[column.sample] + ") a genotype of one or two alleles, as 0|1, of 0 to " +
                 std::to_string(out.alternatives.size()),
             quoted(text, 40), text);
      out.genotypes[2 * column.sample] = genotype->alleles[0];
      out.genotypes[2 * column.sample + 1] = genotype->alleles[1];
      out.is_phased[column.sample] = genotype->is_phased ? 1 : 0;
    }
  }

  std::unique_ptr<TextWindow> window_;
  std::string_view line_;
  size_t num_cells_ = 0;
  int64_t line_number_ = 0, offset_ = 0, number_ = -1;
};

}  // namespace

std::unique_ptr<VariantSource> open_vcf(std::unique_ptr<TextWindow> window,
                                        const ChosenSamples& samples) {
  return std::make_unique<VcfSource>(std::move(window), samples);
}

}  // namespace deepbio::io
