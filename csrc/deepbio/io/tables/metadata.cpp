// Sample metadata as QIIME 2 defines it (docs.qiime2.org, "Metadata in QIIME 2"): tab-separated
// text, an id column with one of a few names, comments, and lines that declare types and missing
// values. Cells stay text until a column is asked for as numbers.
#include "deepbio/io/tables/metadata.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <unordered_set>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/text.h"

namespace deepbio::io {
namespace {

// QIIME 2 strips blanks around every cell.
std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n\v\f";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

struct Row {
  std::vector<std::string> cells;
  int64_t line = 0;
  bool is_hashed = false;  // starts with a '#' that is not inside quotes
  bool is_blank() const {
    return std::all_of(cells.begin(), cells.end(),
                       [](const std::string& cell) { return cell.empty(); });
  }
};

[[noreturn]] void fail(const std::string& path, int64_t line, std::string expected,
                       std::string got) {
  Place place;
  place.path = path;
  place.line = line;
  throw ParseError(place, std::move(expected), std::move(got));
}

// Rows of tab-separated text; a cell that starts with a double quote may hold tabs and line ends.
class RowReader {
 public:
  RowReader(const std::string& text, const std::string& path) : text_(text), path_(path) {
    if (text_.starts_with("\xEF\xBB\xBF")) position_ = 3;
  }

  bool next(Row& row) {
    if (position_ >= text_.size()) return false;
    row = Row{};
    row.line = line_;
    // Before quotes are taken off: "#1" in quotes is an id.
    row.is_hashed = text_[position_] == '#';
    while (true) {
      row.cells.push_back(cell());
      if (position_ >= text_.size()) return true;
      const char separator = text_[position_++];
      if (separator == '\t') continue;
      if (separator == '\r' && text_.compare(position_, 1, "\n") == 0) ++position_;
      ++line_;
      return true;
    }
  }

 private:
  // Stops at the tab, the line end or the end of the text.
  std::string cell() {
    if (position_ < text_.size() && text_[position_] == '"') return quoted_cell();
    const size_t end = std::min(text_.find_first_of("\t\r\n", position_), text_.size());
    const std::string out(trimmed(std::string_view(text_).substr(position_, end - position_)));
    position_ = end;
    return out;
  }

  std::string quoted_cell() {
    const int64_t first_line = line_;
    std::string out;
    for (++position_; position_ < text_.size(); ++position_) {
      const char c = text_[position_];
      // A quoted cell may hold line ends, which count in the numbers of the lines after it.
      line_ += c == '\n' || (c == '\r' && text_.compare(position_ + 1, 1, "\n") != 0);
      if (c != '"') {
        out += c;
      } else if (position_ + 1 < text_.size() && text_[position_ + 1] == '"') {
        out += '"';
        ++position_;
      } else {
        ++position_;
        const bool is_end =
            position_ >= text_.size() || std::string_view("\t\r\n").find(text_[position_]) < 3;
        if (is_end) return std::string(trimmed(out));
        fail(path_, line_, "a tab or a line end after a closing double quote",
             quoted(std::string_view(text_).substr(position_, 20)));
      }
    }
    fail(path_, first_line, "a closing double quote", "the end of the file");
  }

  const std::string& text_;
  const std::string& path_;
  size_t position_ = 0;
  int64_t line_ = 1;
};

void read_header(Metadata& metadata, RowReader& rows) {
  Row row;
  while (rows.next(row)) {
    if (row.is_blank()) continue;
    if (is_id_header(row.cells[0])) break;
    if (row.is_hashed) continue;
    fail(metadata.path, row.line,
         "a header whose first column is the ids (sample-id, sample_name, #SampleID, id, ...)",
         quoted(row.cells[0]));
  }
  if (row.cells.empty() || !is_id_header(row.cells[0])) {
    // Of the last line; an empty file has none.
    fail(metadata.path, row.cells.empty() ? -1 : row.line,
         "a header line (sample-id and the names of the columns)", "the end of the file");
  }
  metadata.id_column = row.cells[0];
  // Spreadsheets leave tabs at the end of a header.
  while (row.cells.size() > 1 && row.cells.back().empty()) row.cells.pop_back();
  std::unordered_set<std::string> seen;
  for (size_t k = 1; k < row.cells.size(); ++k) {
    if (row.cells[k].empty())
      fail(metadata.path, row.line, "a name for column " + std::to_string(k + 1), "nothing");
    if (!seen.insert(row.cells[k]).second) {
      fail(metadata.path, row.line, "column names that differ", quoted(row.cells[k]) + " twice");
    }
    metadata.columns.push_back(row.cells[k]);
  }
  metadata.types.assign(metadata.columns.size(), "");
  metadata.values.resize(metadata.columns.size());
}

void read_types(Metadata& metadata, const Row& row) {
  if (!metadata.ids.empty())
    fail(metadata.path, row.line, "#q2:types right below the header", "it after the first row");
  for (size_t k = 1; k < row.cells.size() && k <= metadata.columns.size(); ++k) {
    const std::string type = lower(row.cells[k]);
    if (type != "numeric" && type != "categorical" && !type.empty()) {
      fail(metadata.path, row.line,
           "numeric or categorical for column " + quoted(metadata.columns[k - 1]),
           quoted(row.cells[k]));
    }
    metadata.types[k - 1] = type;
  }
}

// What a column holds for a missing value.
class MissingWords {
 public:
  explicit MissingWords(const MetadataOptions& options) {
    for (const std::string& word : options.missing_values) {
      if (word == "INSDC") {
        is_insdc_ = true;
      } else {
        words_.insert(std::string(trimmed(word)));
      }
    }
  }

  // A line of #q2:missing, right below the header as #q2:types is.
  void declare(const Metadata& metadata, const Row& row) {
    if (!metadata.ids.empty())
      fail(metadata.path, row.line, "#q2:missing right below the header", "it after the first row");
    rules_.resize(metadata.columns.size());
    for (size_t k = 1; k < row.cells.size() && k <= metadata.columns.size(); ++k) {
      const std::string& rule = row.cells[k];
      if (rule != "" && rule != "blank" && rule != "no-missing" && rule != "INSDC:missing") {
        fail(metadata.path, row.line,
             "blank, no-missing or INSDC:missing for column " + quoted(metadata.columns[k - 1]),
             quoted(rule));
      }
      rules_[k - 1] = rule;
    }
  }

  // Empties a cell that holds a missing value, and counts it.
  void take(const Metadata& metadata, size_t column, int64_t line, std::string& cell) {
    // The rule of the column, if the file declares any.
    const std::string_view rule =
        column < rules_.size() ? std::string_view(rules_[column]) : std::string_view();
    const bool is_word =
        words_.count(cell) > 0 || ((is_insdc_ || rule == "INSDC:missing") && is_insdc(cell));
    if (!cell.empty() && !is_word) return;
    if (rule == "no-missing") {
      fail(metadata.path, line,
           "a value in column " + quoted(metadata.columns[column]) + " (#q2:missing no-missing)",
           cell.empty() ? "an empty cell" : quoted(cell));
    }
    ++counts_[{column, cell}];
    cell.clear();
  }

  std::vector<MissingWord> counts(const Metadata& metadata) const {
    std::vector<MissingWord> out;
    for (const auto& [place, count] : counts_)
      out.push_back({metadata.columns[place.first], place.second, count});
    return out;
  }

 private:
  static bool is_insdc(std::string_view cell) {
    constexpr std::array<std::string_view, 5> kWords{"not applicable", "missing", "not collected",
                                                     "not provided", "restricted access"};
    const std::string word = lower(cell);
    return std::find(kWords.begin(), kWords.end(), word) != kWords.end() ||
           word.starts_with("missing:");
  }

  std::unordered_set<std::string> words_;
  bool is_insdc_ = false;
  std::vector<std::string> rules_;  // of each column; none when the file has no #q2:missing
  std::map<std::pair<size_t, std::string>, int64_t> counts_;
};

void add_row(Metadata& metadata, Row& row, MissingWords& missing) {
  const size_t width = metadata.columns.size() + 1;
  // Spreadsheets fill rows up with tabs; shorter rows end in missing values.
  while (row.cells.size() > width && row.cells.back().empty()) row.cells.pop_back();
  if (row.cells.size() > width) {
    fail(metadata.path, row.line, "at most " + std::to_string(width) + " cells, as in the header",
         std::to_string(row.cells.size()));
  }
  if (row.cells[0].empty()) fail(metadata.path, row.line, "an id in the first column", "nothing");
  const auto [before, is_new] =
      metadata.row_of.emplace(row.cells[0], static_cast<int64_t>(metadata.ids.size()));
  if (!is_new) {
    fail(metadata.path, row.line, "ids that differ",
         quoted(row.cells[0]) + " again (first on line " +
             std::to_string(metadata.lines[before->second]) + ")");
  }
  row.cells.resize(width);
  metadata.ids.push_back(std::move(row.cells[0]));
  metadata.lines.push_back(row.line);
  for (size_t k = 1; k < width; ++k) {
    missing.take(metadata, k - 1, row.line, row.cells[k]);
    metadata.values[k - 1].push_back(std::move(row.cells[k]));
  }
}

std::optional<double> finite_number(std::string_view digits) {
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (code != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

}  // namespace

bool is_id_header(std::string_view name) {
  constexpr std::array<std::string_view, 5> kHashed{"#SampleID", "#Sample ID", "#OTUID", "#OTU ID",
                                                    "#sample-id"};
  constexpr std::array<std::string_view, 12> kPlain{
      "id",          "sampleid",    "sample id",   "sample-id", "sample_id",  "samplename",
      "sample name", "sample-name", "sample_name", "featureid", "feature id", "feature-id"};
  if (std::find(kHashed.begin(), kHashed.end(), name) != kHashed.end()) return true;
  // The names with '#' are exact, the others in any case, as in QIIME 2.
  return std::find(kPlain.begin(), kPlain.end(), lower(name)) != kPlain.end();
}

int64_t Metadata::column(std::string_view name) const {
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found != columns.end()) return found - columns.begin();
  std::string known;
  for (size_t k = 0; k < columns.size() && k < 20; ++k) known += (k == 0 ? "" : ", ") + columns[k];
  if (columns.size() > 20) known += ", ... (" + std::to_string(columns.size()) + " in all)";
  const std::string near = nearest_name(name, columns);
  throw ConfigError(path + " has no column " + quoted(name) +
                    (near.empty() ? "" : "; did you mean " + quoted(near) + "?") +
                    "; its columns: " + known);
}

bool is_missing(std::string_view value) { return trimmed(value).empty(); }

std::string missing_report(const Metadata& metadata, int64_t column) {
  std::string out;
  for (const MissingWord& word : metadata.missing) {
    if (word.column != metadata.columns.at(column)) continue;
    out += (out.empty() ? "" : ", ") + std::to_string(word.count) + " " +
           (word.word.empty() ? "empty" : quoted(word.word));
  }
  return out;
}

std::optional<double> numeric_value(const Metadata& metadata, int64_t column, int64_t row) {
  const std::string& text = metadata.values.at(column).at(row);
  if (is_missing(text)) return std::nullopt;
  const std::optional<double> value = finite_number(text);
  if (!value) {
    fail(metadata.path, metadata.lines[row],
         "a number in column " + quoted(metadata.columns[column]) + " of " +
             quoted(metadata.ids[row]),
         quoted(text) + "; a word that stands for a missing value is named in `missing_values`");
  }
  return value;
}

bool is_numeric(const Metadata& metadata, int64_t column) {
  // What the file declares goes before what the cells look like: codes written as numbers can be
  // categories.
  const std::string& declared = metadata.types.at(column);
  if (!declared.empty()) return declared == "numeric";
  bool has_value = false;
  for (const std::string& text : metadata.values.at(column)) {
    if (is_missing(text)) continue;
    if (!finite_number(text)) return false;
    has_value = true;
  }
  return has_value;
}

bool holds_number(const Metadata& metadata, int64_t column) {
  const std::vector<std::string>& cells = metadata.values.at(column);
  return std::any_of(cells.begin(), cells.end(), [](const std::string& text) {
    return !is_missing(text) && finite_number(text).has_value();
  });
}

Metadata read_metadata(const std::string& path, const MetadataOptions& options) {
  const std::string text = read_text(path);
  Metadata metadata;
  metadata.path = path;
  RowReader rows(text, path);
  read_header(metadata, rows);
  MissingWords missing(options);
  Row row;
  while (rows.next(row)) {
    if (row.is_blank()) continue;
    if (row.is_hashed && lower(row.cells[0]) == "#q2:types") {
      read_types(metadata, row);
    } else if (row.is_hashed && lower(row.cells[0]) == "#q2:missing") {
      missing.declare(metadata, row);
    } else if (!row.is_hashed) {
      add_row(metadata, row, missing);
    }
  }
  metadata.missing = missing.counts(metadata);
  return metadata;
}

}  // namespace deepbio::io
