// BED, narrowPeak and broadPeak, GTF and GFF3, told apart by what their columns hold, not by the
// name of the file. Positions become 0-based and half open, as BED has them; the cells of other
// columns stay in the text and are looked up when a column is asked for.
#include "deepbio/io/tables/intervals.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/bytes.h"
#include "deepbio/io/bytes/text.h"
#include "deepbio/io/foreign.h"
#include "deepbio/io/tables/delimited.h"

namespace deepbio::io {
namespace {

constexpr std::array<const char*, 12> kBedColumns = {
    "chrom",      "start",    "end",     "name",       "score",      "strand",
    "thickStart", "thickEnd", "itemRgb", "blockCount", "blockSizes", "blockStarts"};
constexpr std::array<const char*, 4> kPeakColumns = {"signalValue", "pValue", "qValue", "peak"};
constexpr std::array<const char*, 9> kGtfColumns = {
    "seqname", "source", "feature", "start", "end", "score", "strand", "frame", "attributes"};
// Columns of narrowPeak (ENCODE): BED6, then signal, p, q and, of narrowPeak alone, the offset of
// the summit.
constexpr size_t kStrandPlace = 5, kFirstPeakPlace = 6, kPeakPlace = 9;

using Cells = std::vector<std::string_view>;

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t out = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

bool is_number(std::string_view text) {
  double value = 0;
  return to_number(text, value);
}

bool is_strand(std::string_view cell) { return cell == "+" || cell == "-" || cell == "."; }

// Numbers in the fourth and fifth column and a word in the second; BED has its positions in the
// second and third.
bool is_gtf(const Cells& cells) {
  return (cells.size() == 8 || cells.size() == 9) && !whole_number(cells[1]) &&
         whole_number(cells[3]) && whole_number(cells[4]);
}

// Signal values where BED keeps two positions inside of the interval and a colour.
bool is_peak(const Cells& cells) {
  if (cells.size() != kPeakPlace && cells.size() != kPeakPlace + 1) return false;
  const bool has_signal = is_number(cells[6]) && is_number(cells[7]) && is_number(cells[8]);
  if (cells.size() > kPeakPlace) return has_signal && whole_number(cells[kPeakPlace]);
  // Nine columns of BED have thickStart and thickEnd where broadPeak has a signal and a p-value.
  const auto start = whole_number(cells[1]), end = whole_number(cells[2]);
  const auto first = whole_number(cells[6]), last = whole_number(cells[7]);
  const bool is_bed =
      first && last && start && end && *start <= *first && *first <= *last && *last <= *end;
  return has_signal && !is_bed;
}

// Rows that hold no interval.
bool is_passed_over(std::string_view line) {
  const auto begins_with = [line](std::string_view word) {
    return line.starts_with(word) &&
           (line.size() == word.size() || line[word.size()] == ' ' || line[word.size()] == '\t');
  };
  return without_blanks(line).empty() || line[0] == '#' || begins_with("track") ||
         begins_with("browser");
}

// `gene_id "G1"; level 2` of GTF, `ID=G1;Name=x` of GFF3.
std::string attribute(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    size_t end = 0;
    // A semicolon inside of quotes separates nothing.
    for (bool is_quoted = false; end < text.size() && (is_quoted || text[end] != ';'); ++end)
      is_quoted = is_quoted != (text[end] == '"');
    const std::string_view part = without_blanks(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t key = part.find_first_of("= ");
    if (key == std::string_view::npos || part.substr(0, key) != name) continue;
    std::string_view value = without_blanks(part.substr(key + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    return std::string(value);
  }
  return "";
}

}  // namespace

// One pass over the lines of a file.
class IntervalReader {
 public:
  IntervalReader(const std::string& path, const IntervalOptions& options) : options_(options) {
    out_.path_ = path;
    out_.text_ = read_all(path);
    const std::string other = foreign_format(std::string_view(out_.text_).substr(0, 4096));
    if (!other.empty() && !other.starts_with("annotation"))
      throw ParseError({path}, "BED, peaks, GTF or GFF3", other, ErrorKind::kStructure);
    const size_t foreign = find_foreign_byte(out_.text_);
    if (foreign != std::string::npos)
      throw ParseError({path, -1, line_of(out_.text_, foreign), static_cast<int64_t>(foreign)},
                       "text in UTF-8", quoted(std::string_view(out_.text_).substr(foreign, 1)));
  }

  Intervals run() {
    // GFF3 may end with the sequences themselves, after ##FASTA.
    TextLines lines(out_.text_);
    for (std::string_view line; lines.next(line) && !line.starts_with("##FASTA");) {
      number_ = lines.number();
      if (is_passed_over(line)) continue;
      if (!splitter_) begin(line);
      const Cells& cells = splitter_->split(line, number_);
      if (out_.columns_.empty() && take_columns(cells)) continue;
      if (take(cells)) {
        out_.lines_.push_back(static_cast<size_t>(line.data() - out_.text_.data()));
        out_.line_numbers_.push_back(number_);
      }
    }
    finish();
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(const std::string& expected, std::string_view got) const {
    throw ParseError({out_.path_, out_.size(), number_}, expected, quoted(got),
                     ErrorKind::kStructure);
  }

  void begin(std::string_view line) {
    out_.separator_ = line.find('\t') == std::string_view::npos ? ' ' : '\t';
    splitter_.emplace(out_.separator_, false, out_.path_);
  }

  // What the columns are called; true when the line names them.
  bool take_columns(const Cells& cells) {
    if (cells.size() < 3) fail("at least 3 columns: chromosome, start, end", cells[0]);
    std::vector<std::string>& names = out_.columns_;
    is_gtf_ = is_gtf(cells);
    if (is_gtf_) {
      out_.format_ = "GTF";
      names.assign(kGtfColumns.begin(), kGtfColumns.begin() + static_cast<int64_t>(cells.size()));
      strand_ = 6;
      return false;
    }
    // A header line of one's own names the columns.
    if (!whole_number(cells[1]) && !whole_number(cells[2])) {
      for (const std::string_view cell : cells) names.emplace_back(cell);
      strand_ = place_of("strand");
      return true;
    }
    // Columns of one's own may follow the first three.
    const bool is_usual = cells.size() <= kStrandPlace || is_strand(cells[kStrandPlace]);
    for (size_t i = 0; i < cells.size(); ++i) {
      const bool is_known = i < 3 || (is_usual && i < kBedColumns.size());
      names.push_back(is_known ? kBedColumns[i] : "column" + std::to_string(i + 1));
    }
    strand_ = is_usual && cells.size() > kStrandPlace ? kStrandPlace : Cells::size_type(-1);
    may_be_peaks_ = strand_ == kStrandPlace;
    return false;
  }

  size_t place_of(std::string_view column) const {
    const auto found = std::find(out_.columns_.begin(), out_.columns_.end(), column);
    return found == out_.columns_.end() ? size_t(-1)
                                        : static_cast<size_t>(found - out_.columns_.begin());
  }

  // False for a row of another feature.
  bool take(const Cells& cells) {
    // GTF leaves its last column out where there are no attributes.
    if (cells.size() != out_.columns_.size() && !(is_gtf_ && is_gtf(cells))) {
      throw ParseError({out_.path_, out_.size(), number_},
                       std::to_string(out_.columns_.size()) + " columns, as the first line has",
                       std::to_string(cells.size()));
    }
    // For the message: which features there are.
    if (is_gtf_) features_.insert(std::string(cells[2]));
    if (is_gtf_ && !options_.feature.empty() && cells[2] != options_.feature) return false;
    const size_t first = is_gtf_ ? 3 : 1;
    const auto start = whole_number(cells[first]), end = whole_number(cells[first + 1]);
    // GTF and GFF3 count from 1 and include the end, BED counts from 0 and does not; so an end is
    // the same number in both.
    const int64_t lowest = is_gtf_ ? 1 : 0;
    if (!start || *start < lowest)
      fail("a start, a whole number from " + std::to_string(lowest), cells[first]);
    if (!end) fail("an end, a whole number", cells[first + 1]);
    if (*start - lowest >= *end) {
      throw ParseError({out_.path_, out_.size(), number_}, is_gtf_ ? "start <= end" : "start < end",
                       "start " + std::to_string(*start) + ", end " + std::to_string(*end));
    }
    if (strand_ < cells.size() && !is_strand(cells[strand_]))
      fail("a strand: +, - or .", cells[strand_]);
    // Every row has to look like a peak, and of broadPeak at least one has to look like nothing
    // else.
    may_be_peaks_ = may_be_peaks_ && (cells.size() > kPeakPlace ? is_peak(cells) : true);
    is_peaks_ = is_peaks_ || (may_be_peaks_ && is_peak(cells));
    add(cells, *start - lowest, *end);
    return true;
  }

  void add(const Cells& cells, int64_t start, int64_t end) {
    out_.chromosome.push_back(out_.chromosomes_.number_of(cells[0]));
    out_.starts.push_back(start);
    out_.ends.push_back(end);
    out_.strands += strand_ < cells.size() ? cells[strand_][0] : '.';
    if (may_be_peaks_ && cells.size() > kPeakPlace) {
      const int64_t offset = whole_number(cells[kPeakPlace]).value_or(-1);
      if (offset >= end - start)
        fail("a peak inside of " + std::to_string(end - start) + " bases", cells[kPeakPlace]);
      // -1 says that none was called.
      out_.summits.push_back(offset < 0 ? -1 : start + offset);
    }
  }

  void finish() {
    if (!options_.feature.empty()) check_feature();
    if (out_.size() == 0)
      throw ParseError({out_.path_}, "intervals", "none", ErrorKind::kStructure);
    if (!may_be_peaks_ || !is_peaks_) {
      out_.summits.clear();
      return;
    }
    out_.format_ = out_.columns_.size() > kPeakPlace ? "narrowPeak" : "broadPeak";
    for (size_t i = kFirstPeakPlace; i < out_.columns_.size(); ++i)
      out_.columns_[i] = kPeakColumns[i - kFirstPeakPlace];
  }

  void check_feature() const {
    if (!is_gtf_)
      throw ArgumentError("feature: expected GTF or GFF3, got " + out_.path_ + ", which is BED");
    if (features_.contains(options_.feature)) return;
    std::string known;
    for (const std::string& each : features_) known += (known.empty() ? "" : ", ") + each;
    throw ArgumentError("feature: expected one of " + known + ", which " + out_.path_ +
                        " has, got " + quoted(options_.feature));
  }

  const IntervalOptions& options_;
  Intervals out_;
  std::optional<CellSplitter> splitter_;
  std::set<std::string> features_;
  int64_t number_ = 0;
  size_t strand_ = size_t(-1);
  bool is_gtf_ = false, may_be_peaks_ = false, is_peaks_ = false;
};

Intervals Intervals::read(const std::string& path, const IntervalOptions& options) {
  return IntervalReader(path, options).run();
}

Intervals Intervals::from_values(std::string name, const std::vector<std::string>& chromosomes,
                                 std::vector<int64_t> starts, std::vector<int64_t> ends,
                                 const std::string& strands) {
  Intervals out;
  out.path_ = std::move(name);
  if (chromosomes.size() != starts.size() || starts.size() != ends.size() ||
      (!strands.empty() && strands.size() != starts.size())) {
    throw ShapeError(out.path_ + ": expected as many chromosomes, starts, ends and strands, got " +
                     std::to_string(chromosomes.size()) + ", " + std::to_string(starts.size()) +
                     ", " + std::to_string(ends.size()) + " and " + std::to_string(strands.size()));
  }
  out.starts = std::move(starts);
  out.ends = std::move(ends);
  out.strands = strands.empty() ? std::string(out.starts.size(), '.') : strands;
  for (size_t i = 0; i < out.starts.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    out.chromosome.push_back(out.chromosomes_.number_of(chromosomes[i]));
    if (out.starts[i] < 0 || out.starts[i] >= out.ends[i])
      out.fail(row, "0 <= start < end",
               "start " + std::to_string(out.starts[i]) + ", end " + std::to_string(out.ends[i]));
    if (!is_strand(std::string_view(out.strands).substr(i, 1)))
      out.fail(row, "a strand: +, - or .", quoted(out.strands.substr(i, 1)));
  }
  if (out.starts.empty()) throw ParseError({out.path_}, "intervals", "none");
  return out;
}

std::vector<std::string> Intervals::values(std::string_view column) const {
  const auto found = std::find(columns_.begin(), columns_.end(), column);
  const auto place = static_cast<size_t>(found - columns_.begin());
  const bool is_attribute = found == columns_.end() && format_ == "GTF";
  std::vector<std::string> out;
  CellSplitter splitter(separator_, false, path_);
  bool is_found = !is_attribute;
  if (found == columns_.end() && !is_attribute) {
    const std::string near = nearest_name(column, columns_);
    throw ArgumentError(path_ + ": no column " + quoted(column) +
                        (near.empty() ? "" : ", the nearest is " + quoted(near)));
  }
  for (size_t row = 0; row < lines_.size(); ++row) {
    // The rows were split when the file was read, and gave no error; they give none now.
    TextLines lines(std::string_view(text_).substr(lines_[row]));
    std::string_view line;
    lines.next(line);
    const Cells& cells = splitter.split(line, line_numbers_[row]);
    const bool has_cell = (is_attribute ? size_t{8} : place) < cells.size();
    out.push_back(!has_cell      ? ""
                  : is_attribute ? attribute(cells[8], column)
                                 : std::string(cells[place]));
    is_found = is_found || !out.back().empty();
  }
  if (!is_found) throw ArgumentError(path_ + ": no column or attribute " + quoted(column));
  return out;
}

std::optional<std::vector<double>> Intervals::numbers(std::string_view column) const {
  const std::vector<std::string> cells = values(column);
  std::vector<double> out(cells.size());
  int64_t first_number = -1, first_word = -1;
  for (size_t i = 0; i < cells.size(); ++i) {
    // A column is all numbers or all words: which row breaks that is told with one of the other
    // kind.
    int64_t& first = to_number(cells[i], out[i]) ? first_number : first_word;
    if (first < 0) first = static_cast<int64_t>(i);
  }
  if (first_number < 0) return std::nullopt;
  if (first_word >= 0) {
    fail(first_word,
         "a number in column " + quoted(column) + ", as " + where(first_number) + " has",
         quoted(cells[static_cast<size_t>(first_word)]) +
             "; `classifier=true` takes them for classes");
  }
  return out;
}

std::string Intervals::where(int64_t row) const {
  if (line_numbers_.empty()) return path_ + ": record " + std::to_string(row);
  return path_ + ": line " + std::to_string(line_numbers_[static_cast<size_t>(row)]);
}

void Intervals::fail(int64_t row, const std::string& expected, const std::string& got) const {
  const int64_t line = line_numbers_.empty() ? -1 : line_numbers_[static_cast<size_t>(row)];
  throw ParseError({path_, row, line}, expected, got, ErrorKind::kStructure);
}

}  // namespace deepbio::io
