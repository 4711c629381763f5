// Lines and cells of delimited text, as views without a copy; only a cell in quotes is copied, as
// its doubled quotes become single ones.
#include "deepbio/io/tables/delimited.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "deepbio/base/error.h"

namespace deepbio::io {

TextLines::TextLines(std::string_view text) : rest_(text) {
  // A byte-order mark, which Excel writes: it would otherwise belong to the first name.
  if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
}

bool TextLines::next(std::string_view& line) {
  if (rest_.empty()) return false;
  const size_t end = rest_.find('\n');
  line = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  ++number_;
  return true;
}

CellSplitter::CellSplitter(char separator, bool has_quotes, const std::string& path)
    : separator_(separator), has_quotes_(has_quotes), path_(path) {}

const std::vector<std::string_view>& CellSplitter::split(std::string_view line, int64_t number) {
  cells_.clear();
  kept_.clear();
  const std::string_view separators =
      separator_ == ' ' ? std::string_view(" \t") : std::string_view(&separator_, 1);
  size_t at = 0;
  while (true) {
    // Blanks and tabs in a row are one separator, and those at the ends separate nothing.
    if (separator_ == ' ') {
      at = line.find_first_not_of(separators, at);
      if (at == std::string_view::npos) return cells_;
    }
    // Only at the beginning of a cell, as RFC 4180 says; a quote further on is a letter (5'-end,
    // 12").
    if (has_quotes_ && line.substr(at, 1) == "\"") {
      cells_.push_back(quoted_cell(line, at, number));
    } else {
      const size_t end = std::min(line.find_first_of(separators, at), line.size());
      cells_.push_back(line.substr(at, end - at));
      at = end;
    }
    // A separator at the very end leaves one more cell, which is empty.
    if (at >= line.size()) return cells_;
    ++at;
  }
}

// Moves `at` from the opening quote to the separator or the end.
std::string_view CellSplitter::quoted_cell(std::string_view line, size_t& at, int64_t number) {
  std::string cell;
  for (++at;; ++at) {
    if (at >= line.size())
      throw ParseError({path_, -1, number}, "a closing double quote", "the end of the line");
    if (line[at] != '"') {
      cell += line[at];
    } else if (line.substr(at + 1, 1) == "\"") {
      cell += line[at++];
    } else {
      break;
    }
  }
  ++at;
  const std::string_view rest = line.substr(at);
  const bool is_end =
      rest.empty() || rest[0] == separator_ || (separator_ == ' ' && rest[0] == '\t');
  if (!is_end)
    throw ParseError({path_, -1, number}, "a separator after a quoted cell", quoted(rest));
  kept_.push_back(std::move(cell));
  return kept_.back();
}

char separator_of(std::string_view header) {
  if (header.find('\t') != std::string_view::npos) return '\t';
  // Spreadsheets of countries with a decimal comma separate by semicolons.
  const auto commas = std::count(header.begin(), header.end(), ',');
  const auto semicolons = std::count(header.begin(), header.end(), ';');
  if (commas == 0 && semicolons == 0) return '\0';
  return commas >= semicolons ? ',' : ';';
}

std::string_view without_blanks(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool to_number(std::string_view text, double& value) {
  text = without_blanks(text);
  // from_chars takes no plus sign, which R and spreadsheets write.
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

}  // namespace deepbio::io
