// Distances as text: a square table under a header (scikit-bio, R, spreadsheets), PHYLIP in a
// square or a lower triangle, and mothur's columns of pairs. The first lines tell which; every row
// is then held to that shape, with its line number.
#include "deepbio/io/tables/matrix_text.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/text.h"
#include "deepbio/io/tables/delimited.h"

namespace deepbio::io {
namespace {

constexpr double kNotGiven = std::numeric_limits<double>::quiet_NaN();

[[noreturn]] void fail(const std::string& path, std::string expected, std::string got,
                       int64_t line = -1) {
  throw ParseError({path, -1, line}, std::move(expected), std::move(got));
}

struct Line {
  std::string_view text;
  int64_t number = 0;
};

// NaN and infinities are read: what is wrong with them is said with the pair.
double parse_distance(std::string_view cell, const std::string& path, int64_t line) {
  std::string_view digits = without_blanks(cell);
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
  if (digits == "NA") return kNotGiven;  // R
  double value = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || code != std::errc() || end != digits.data() + digits.size()) {
    fail(path, "a distance", quoted(cell), line);
  }
  return value;
}

void set_size(DistanceMatrix& matrix, double value) {
  matrix.num_rows = static_cast<int64_t>(matrix.ids.size());
  matrix.values.assign(matrix.ids.size() * matrix.ids.size(), value);
}

// --- tables
// ---------------------------------------------------------------------------------------------

class TableParser {
 public:
  TableParser(std::vector<Line> lines, char separator, bool has_quotes, const std::string& path)
      : lines_(std::move(lines)), cells_(separator, has_quotes, path), path_(path) {}

  // The first line is the header.
  DistanceMatrix parse() {
    const auto header = cells_.split(lines_[0].text, lines_[0].number);
    DistanceMatrix out;
    out.ids.assign(header.begin(), header.end());
    if (!is_without_corner(header.size())) out.ids.erase(out.ids.begin());
    if (out.ids.empty()) {
      fail(path_, "a distance matrix: ids in the first row, separated by tabs or commas",
           quoted(lines_[0].text), lines_[0].number);
    }
    // Before memory for n x n numbers is asked for: a header alone cannot do that.
    if (lines_.size() != out.ids.size() + 1) {
      fail(path_, std::to_string(out.ids.size()) + " rows, one for each column",
           std::to_string(lines_.size() - 1));
    }
    set_size(out, 0);
    for (size_t row = 0; row < out.ids.size(); ++row) add_row(out, row, lines_[row + 1]);
    return out;
  }

 private:
  // R's write.table puts nothing above the row names.
  // Both must fit, since a table with one row too many would otherwise be called one without a
  // corner.
  bool is_without_corner(size_t num_cells) {
    return lines_.size() > 1 &&
           cells_.split(lines_[1].text, lines_[1].number).size() == num_cells + 1 &&
           lines_.size() == num_cells + 1;
  }

  void add_row(DistanceMatrix& out, size_t row, const Line& line) {
    const auto& cells = cells_.split(line.text, line.number);
    const size_t n = out.ids.size();
    if (cells.size() != n + 1)
      fail(path_, std::to_string(n + 1) + " cells", std::to_string(cells.size()), line.number);
    // Rows in another order than columns would still be square and wrong.
    if (cells[0] != out.ids[row])
      fail(path_, "row " + quoted(out.ids[row]), quoted(cells[0]), line.number);
    for (size_t k = 0; k < n; ++k)
      out.values[row * n + k] = parse_distance(cells[k + 1], path_, line.number);
  }

  std::vector<Line> lines_;
  CellSplitter cells_;
  const std::string& path_;
};

// Lines that start with '#' come before the header; one of them is the header where it has
// the row's cells.
size_t header_of(const std::vector<Line>& lines, const std::string& path) {
  size_t first = 0;
  while (first < lines.size() && lines[first].text.starts_with('#')) ++first;
  if (first == 0 || first == lines.size()) return first;
  const char separator = separator_of(lines[first].text);
  CellSplitter above(separator, false, path), row(separator, false, path);
  const auto& header = above.split(lines[first - 1].text, lines[first - 1].number);
  const auto& cells = row.split(lines[first].text, lines[first].number);
  return header.size() > 1 && header.size() == cells.size() && header[1] == cells[0] ? first - 1
                                                                                     : first;
}

// Under tabs a quote is taken as such only where every cell has a pair of them, as R writes them;
// ids may hold quotes.
bool are_quoted(std::string_view header, char separator, const std::string& path) {
  CellSplitter splitter(separator, false, path);
  const auto& cells = splitter.split(header, 0);
  return std::all_of(cells.begin(), cells.end(), [](std::string_view cell) {
    return cell.empty() || (cell.size() > 1 && cell.front() == '"' && cell.back() == '"');
  });
}

// --- PHYLIP and mothur
// ----------------------------------------------------------------------------------

// The number of samples that a PHYLIP matrix begins with, 0 when it is none.
size_t phylip_size(std::string_view first_line) {
  if (first_line.starts_with('\t')) return 0;  // a matrix of one sample, whose id is a number
  const std::string_view digits = without_blanks(first_line);
  size_t size = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  return !digits.empty() && code == std::errc() && end == digits.data() + digits.size() ? size : 0;
}

DistanceMatrix parse_phylip(const std::vector<Line>& lines, size_t n, const std::string& path) {
  if (lines.size() != n + 1) {
    fail(path, std::to_string(n) + " rows, as the first line says (PHYLIP)",
         std::to_string(lines.size() - 1));
  }
  CellSplitter splitter(' ', false, path);
  const size_t first_cells = splitter.split(lines[1].text, lines[1].number).size();
  // The first row of a lower triangle has its name alone, or with the diagonal one number.
  const bool is_square = n > 1 && first_cells == n + 1,
             has_diagonal = first_cells == 2 || is_square;
  DistanceMatrix out;
  for (size_t row = 0; row < n; ++row) {
    const Line& line = lines[row + 1];
    const auto& cells = splitter.split(line.text, line.number);
    if (cells.empty()) fail(path, "an id and distances (PHYLIP)", "a line of blanks", line.number);
    out.ids.emplace_back(cells[0]);
  }
  set_size(out, 0);
  for (size_t row = 0; row < n; ++row) {
    const Line& line = lines[row + 1];
    const auto& cells = splitter.split(line.text, line.number);
    const size_t expected = is_square ? n : row + has_diagonal;
    if (cells.size() != expected + 1) {
      fail(path, "an id and " + std::to_string(expected) + " distances (PHYLIP)",
           std::to_string(cells.size()) + " cells", line.number);
    }
    for (size_t k = 0; k < expected; ++k) {
      const double value = parse_distance(cells[k + 1], path, line.number);
      out.values[row * n + k] = value;
      if (!is_square) out.values[k * n + row] = value;
    }
  }
  return out;
}

bool is_pair_line(const std::vector<std::string_view>& cells) {
  double value = 0;
  return cells.size() == 3 && !cells[0].empty() && !cells[1].empty() && to_number(cells[2], value);
}

// Two ids and a number on the first two lines, and no square of two samples under a named corner.
bool is_mothur_columns(const std::vector<Line>& lines, const std::string& path) {
  const char separator = lines[0].text.find('\t') == std::string_view::npos ? ' ' : '\t';
  CellSplitter first(separator, false, path), second(separator, false, path);
  const auto& a = first.split(lines[0].text, 1);
  if (!is_pair_line(a)) return false;
  if (lines.size() == 1) return true;
  const auto& b = second.split(lines[1].text, 2);
  return is_pair_line(b) && !(lines.size() == 3 && b[0] == a[1]);
}

DistanceMatrix parse_mothur_columns(const std::vector<Line>& lines, const std::string& path) {
  CellSplitter splitter(lines[0].text.find('\t') == std::string_view::npos ? ' ' : '\t', false,
                        path);
  DistanceMatrix out;
  std::unordered_map<std::string, size_t> place_of;
  struct Pair {
    size_t first, second;
    double value;
    int64_t line;
  };
  std::vector<Pair> pairs;
  // Samples in the order in which they first appear.
  const auto place = [&](std::string_view id) {
    const auto [found, is_new] = place_of.emplace(id, out.ids.size());
    if (is_new) out.ids.emplace_back(id);
    return found->second;
  };
  for (const Line& line : lines) {
    const auto& cells = splitter.split(line.text, line.number);
    if (cells.size() != 3)
      fail(path, "two ids and a distance", std::to_string(cells.size()) + " cells", line.number);
    const size_t first = place(cells[0]), second = place(cells[1]);
    pairs.push_back({first, second, parse_distance(cells[2], path, line.number), line.number});
  }
  set_size(out, kNotGiven);
  const size_t n = out.ids.size();
  // Pairs of a sample with itself are not written.
  for (size_t k = 0; k < n; ++k) out.values[k * n + k] = 0;
  for (const Pair& pair : pairs) {
    out.values[pair.first * n + pair.second] = pair.value;
    double& mirrored = out.values[pair.second * n + pair.first];
    // NaN alone differs from itself: nothing was given for the other way.
    if (!(mirrored == mirrored))
      mirrored = pair.value;  // the other way has a line of its own, or none
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < i; ++j) {
      const double value = out.values[i * n + j];
      if (value == value) continue;
      fail(path, "a distance for every pair (a cutoff of mothur leaves pairs out)",
           "none for " + quoted(out.ids[j]) + " and " + quoted(out.ids[i]));
    }
  }
  return out;
}

std::vector<Line> lines_of(std::string_view text) {
  TextLines lines(text);
  std::vector<Line> out;
  for (std::string_view line; lines.next(line);) {
    if (!line.empty()) out.push_back({line, lines.number()});
  }
  return out;
}

}  // namespace

DistanceMatrix parse_distances(std::string text, const std::string& path) {
  check_text(text, path);
  end_lines_with_newline(text);
  std::vector<Line> lines = lines_of(text);
  const size_t first = header_of(lines, path);
  if (first == lines.size())
    fail(path, "a distance matrix", text.empty() ? "an empty file" : "no header");
  lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(first));
  if (const size_t size = phylip_size(lines[0].text); size > 0 && lines.size() > 1) {
    return parse_phylip(lines, size, path);
  }
  if (is_mothur_columns(lines, path)) return parse_mothur_columns(lines, path);
  const char separator = separator_of(lines[0].text);
  const bool has_quotes = separator != '\t' || are_quoted(lines[0].text, separator, path);
  return TableParser(std::move(lines), separator == '\0' ? '\t' : separator, has_quotes, path)
      .parse();
}

}  // namespace deepbio::io
