// VCF 4, sites only: position, alleles and filter. Genotypes are not looked at, but a row must have
// as many columns as the header. Alternatives that name no sequence are left out with a count for
// each kind, since a window cannot be made of them.
#include "deepbio/io/tables/vcf.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/bytes.h"
#include "deepbio/io/bytes/text_window.h"
#include "deepbio/io/foreign.h"

namespace deepbio::io {
namespace {

constexpr uint64_t kMostLineBytes = uint64_t{1} << 30;
constexpr std::array<std::string_view, 8> kColumns = {"#CHROM", "POS",  "ID",     "REF",
                                                      "ALT",    "QUAL", "FILTER", "INFO"};
constexpr size_t kPosition = 1, kId = 2, kReference = 3, kAlternative = 4, kFilter = 6;
using Cells = std::array<std::string_view, kColumns.size()>;

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
// Section 1.6.1 of VCF 4.3: '.', '*', <SYMBOL>, and breakends, which have brackets or a dot at one
// end.
std::string_view kind_of(std::string_view allele) {
  if (allele == ".") return "no alternative allele";
  if (allele == "*" || allele == "<*>") return "an overlapping deletion (*)";
  if (allele.size() > 2 && allele.front() == '<' && allele.back() == '>')
    return "a symbolic allele";
  const bool has_end = allele.size() > 1 && (allele.front() == '.' || allele.back() == '.');
  return has_end || allele.find_first_of("[]") != std::string_view::npos ? "a breakend" : "";
}

// The position as VCF counts it, from 1; nothing for what is none.
std::optional<int64_t> position_of(std::string_view cell) {
  int64_t out = 0;
  const auto [end, code] = std::from_chars(cell.data(), cell.data() + cell.size(), out);
  if (code != std::errc() || end != cell.data() + cell.size() || out < 1) return std::nullopt;
  return out;
}

// The first cells of a line; fewer leave the rest empty.
Cells split(std::string_view line) {
  Cells cells;
  for (std::string_view& cell : cells) {
    const size_t end = std::min(line.find('\t'), line.size());
    cell = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return cells;
}

size_t count_cells(std::string_view line) {
  return static_cast<size_t>(std::count(line.begin(), line.end(), '\t')) + 1;
}

}  // namespace

// One pass over the lines of a file.
class VcfReader {
 public:
  VcfReader(const std::string& path, const VcfOptions& options)
      : options_(options), window_(open_bytes(path), kMostLineBytes) {
    out_.path_ = path;
  }

  Variants run() {
    read_header();
    while (next()) {
      if (!line_.empty()) take();
    }
    if (out_.size() == 0 && out_.left_out_.empty()) fail("variants", "none");
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(const std::string& expected, const std::string& got,
                         std::string_view at = {}) const {
    const int64_t offset = at.data() == nullptr ? 0 : at.data() - line_.data();
    throw ParseError({out_.path_, num_records_, number_, offset_ + offset}, expected, got,
                     ErrorKind::kStructure);
  }

  [[noreturn]] void fail_cell(size_t column, const std::string& expected,
                              std::string_view got) const {
    fail("in column " + std::to_string(column + 1) + " (" +
             std::string(kColumns[column]).substr(column == 0 ? 1 : 0) + ") " + expected,
         quoted(got, 40), got);
  }

  // False at the end of the file.
  bool next() {
    size_t end = window_.text().find('\n');
    while (end == std::string_view::npos && !window_.is_end()) {
      if (!window_.more() && !window_.is_end()) fail("a line of at most 1 GiB", "a longer one");
      end = window_.text().find('\n');
    }
    const std::string_view text = window_.text();
    if (text.empty()) return false;
    ++number_;
    offset_ = window_.offset();
    line_ = text.substr(0, end);
    window_.drop(std::min(line_.size() + 1, text.size()));
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    return true;
  }

  void read_header() {
    if (!next()) fail("variants (VCF)", "no data");
    if (line_.starts_with("\xef\xbb\xbf")) line_.remove_prefix(3);
    if (!line_.starts_with("##fileformat=VCFv4")) {
      const std::string other = foreign_format(line_.substr(0, 512));
      fail("##fileformat=VCFv4 on the first line", other.empty() ? quoted(line_, 40) : other);
    }
    do {
      if (!next()) fail("a header that begins with #CHROM", "the end of the file");
    } while (line_.starts_with("##"));
    if (!line_.starts_with("#CHROM")) fail("a header that begins with #CHROM", quoted(line_, 40));
    num_cells_ = count_cells(line_);
    const Cells cells = split(line_);
    for (size_t column = 0; column < cells.size(); ++column) {
      if (cells[column] != kColumns[column])
        fail_cell(column, "the name " + std::string(kColumns[column]), cells[column]);
    }
  }

  void take() {
    const size_t found = count_cells(line_);
    if (found != num_cells_)
      fail(std::to_string(num_cells_) + " columns, as the header has", std::to_string(found));
    const Cells cells = split(line_);
    if (cells[0].empty()) fail_cell(0, "a chromosome", cells[0]);
    const auto position = position_of(cells[kPosition]);
    if (!position) fail_cell(kPosition, "a position, a whole number from 1", cells[kPosition]);
    if (!is_sequence(cells[kReference]))
      fail_cell(kReference, "letters of ACGTN", cells[kReference]);
    if (cells[kId].empty()) fail_cell(kId, "an id or '.'", cells[kId]);
    Variants::Item item;
    item.num_alternatives = static_cast<int32_t>(std::count(cells[kAlternative].begin(),
                                                            cells[kAlternative].end(), ',')) +
                            1;
    item.position = *position - 1;
    item.line = number_;
    // '.' says that no filter was applied.
    const bool is_filtered =
        options_.is_passing && cells[kFilter] != "PASS" && cells[kFilter] != ".";
    // Chromosomes with filtered rows alone are not counted as there.
    if (!is_filtered) item.chromosome = out_.number_of(cells[0]);
    take_alternatives(cells, item, is_filtered);
    ++num_records_;
  }

  void take_alternatives(const Cells& cells, const Variants::Item& item, bool is_filtered) {
    std::string_view rest = cells[kAlternative];
    for (int32_t i = 0; i < item.num_alternatives; ++i) {
      const size_t end = std::min(rest.find(','), rest.size());
      const std::string_view allele = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const bool is_letters = is_sequence(allele);
      const std::string_view kind = is_filtered ? "a filter" : is_letters ? "" : kind_of(allele);
      if (!is_letters && kind.empty())
        fail_cell(kAlternative, "letters of ACGTN, '.', '*', <SYMBOL> or a breakend", allele);
      // Its score would be zero by construction; the row is a mistake.
      if (is_letters && is_same(allele, cells[kReference]))
        fail_cell(kAlternative, "another allele than REF", allele);
      if (kind.empty()) {
        out_.add(item, cells[kId], cells[kReference], allele);
      } else {
        ++out_.left_out_[std::string(kind)];
      }
    }
  }

  const VcfOptions& options_;
  TextWindow window_;
  Variants out_;
  std::string_view line_;
  size_t num_cells_ = 0;
  int64_t number_ = 0, offset_ = 0, num_records_ = 0;
};

Variants Variants::read(const std::string& path, const VcfOptions& options) {
  return VcfReader(path, options).run();
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
    item.chromosome = out.number_of(chromosomes[row]);
    out.add(item, ids.empty() || ids[row].empty() ? "." : ids[row], references[row],
            alternatives[row]);
  }
  if (out.items_.empty()) throw ParseError({out.path_}, "variants", "none");
  return out;
}

int32_t Variants::number_of(std::string_view name) {
  const auto next = static_cast<int32_t>(names_.size());
  const auto [found, is_new] = place_of_.emplace(std::string(name), next);
  if (is_new) names_.emplace_back(name);
  return found->second;
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
  const int64_t line = items_[static_cast<size_t>(i)].line;
  throw ParseError({path_, line < 0 ? i : -1, line}, expected, got, ErrorKind::kStructure);
}

}  // namespace deepbio::io
