// Tables of text: BIOM's classic form, R's write.table, MetaPhlAn, HUMAnN, and spreadsheets. The
// header is the first line whose corner is a word for features, or empty, or that is one cell
// shorter than a row of numbers below it; what comes before is titles and comments.
#include "deepbio/io/tables/table_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/text.h"
#include "deepbio/io/tables/delimited.h"
#include "deepbio/io/tables/ids.h"
#include "deepbio/io/tables/table_entries.h"

namespace deepbio::io {
namespace {

constexpr std::string_view kExpected =
    "a table: BIOM (HDF5 or JSON) or text whose header line starts with '#OTU ID' (or Feature ID, "
    "ASV, #NAME, clade_name, ...) and has a column for each sample";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

// Letters and digits of a header cell: "#OTU ID", "otu_id" and "X.OTU.ID" (R) differ by nothing
// else.
std::string plain_name(std::string_view cell) {
  std::string out;
  for (const char c : lower(cell)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
  }
  // R puts an X before a name that begins with a sign.
  return out.starts_with("xotu") ? out.substr(1) : out;
}

// Classic tables may end with one column of taxonomy.
bool is_annotation(std::string_view column) {
  constexpr std::array<std::string_view, 7> kNames{
      "taxonomy",  "consensuslineage", "otumetadata",      "keggpathways",
      "ncbitaxid", "cladetaxid",       "additionalspecies"};
  return std::find(kNames.begin(), kNames.end(), plain_name(column)) != kNames.end();
}

bool is_lineage(std::string_view column) {
  const std::string name = plain_name(column);
  return name == "taxonomy" || name == "consensuslineage";
}

bool are_numbers(const std::vector<std::string_view>& cells) {
  double value = 0;
  return cells.size() > 1 &&
         std::all_of(cells.begin() + 1, cells.end(),
                     [&](std::string_view cell) { return to_number(cell, value); });
}

bool is_in_quotes(std::string_view cell) {
  return cell.size() > 1 && cell.front() == '"' && cell.back() == '"';
}

// The header is found first: named, or unnamed as R writes it; what comes above it is a title or a
// comment.
class TextTable {
 public:
  TextTable(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  CountTable read() {
    TextLines lines(text_);
    std::string_view line;
    while (!has_header_ && lines.next(line)) find_header(line, lines);
    if (!has_header_)
      fail_table(path_, std::string(kExpected), quoted(first_line_, 40), first_number_);
    while (lines.next(line)) {
      if (!line.empty() && !line.starts_with('#')) add_row(line, lines.number());
    }
    set_entries(table_, entries_, path_);
    return std::move(table_);
  }

 private:
  void find_header(std::string_view line, TextLines& lines) {
    if (line.empty()) return;
    // For the message when no header is found.
    if (first_line_.empty()) first_line_ = line, first_number_ = lines.number();
    const char separator = separator_of(line);
    CellSplitter plain(separator == '\0' ? '\t' : separator, false, path_);
    const auto& cells = plain.split(line, lines.number());
    std::string_view name = cells[0];
    if (is_in_quotes(name)) name = name.substr(1, name.size() - 2);
    // A single word may as well be a title; only our own writer's header of a table without samples
    // is alone on its line.
    const bool has_corner =
        cells.size() > 1 ? name.empty() || is_table_corner(name) : line == "#OTU ID";
    if (!has_corner && (line.starts_with('#') || separator == '\0'))
      return;  // a comment or a title
    if (has_corner) return set_header(line, lines.number(), separator, 1);
    // R's write.table puts nothing above the row names.
    // A copy: looking ahead moves nothing.
    TextLines ahead = lines;
    std::string_view row;
    while (ahead.next(row) && row.empty()) continue;
    const size_t num_samples = cells.size();
    CellSplitter below(separator, separator != '\t' || is_in_quotes(name), path_);
    const auto& row_cells = below.split(row, ahead.number());
    if (row_cells.size() != num_samples + 1 || !are_numbers(row_cells)) {
      const bool are_rows_samples = plain_name(name).starts_with("sample");
      fail_table(
          path_, std::string(kExpected),
          quoted(line, 40) + (are_rows_samples ? "; samples stand in rows here: transpose it" : ""),
          lines.number());
    }
    set_header(line, lines.number(), separator, 0);
  }

  void set_header(std::string_view line, int64_t number, char separator, size_t first_sample) {
    has_header_ = true;
    separator_ = separator == '\0' ? '\t' : separator;
    CellSplitter plain(separator_, false, path_);
    const auto& raw = plain.split(line, number);
    const bool has_quotes =
        separator_ != '\t' || std::all_of(raw.begin() + 1, raw.end(), is_in_quotes);
    cells_.emplace(separator_, has_quotes && line.find('"') != std::string_view::npos, path_);
    const auto& header = cells_->split(line, number);
    width_ = header.size() + 1 - first_sample;
    is_sample_.assign(width_, false);
    for (size_t k = 1; k < width_; ++k) {
      const std::string_view id = header[k - 1 + first_sample];
      // A column of taxonomy is at the end, MetaPhlAn's beside the names.
      is_sample_[k] = !((k == 1 || k + 1 == width_) && is_annotation(id));
      if (is_sample_[k]) {
        table_.sample_ids.emplace_back(id);
      } else if (k + 1 == width_ && is_lineage(id)) {
        lineage_ = k;
      } else {
        leave_behind(table_, "a column", {std::string(id)});
      }
    }
  }

  void add_row(std::string_view line, int64_t number) {
    const auto& cells = cells_->split(line, number);
    if (cells.size() != width_) {
      fail_table(path_, std::to_string(width_) + " cells, as in the header",
                 std::to_string(cells.size()), number);
    }
    const int64_t feature = table_.num_features();
    table_.feature_ids.emplace_back(cells[0]);
    if (lineage_ > 0) table_.taxonomy.push_back(join_lineage(split_lineage(cells[lineage_])));
    int64_t sample = 0;
    for (size_t k = 1; k < width_; ++k) {
      if (!is_sample_[k]) continue;
      double value = 0;
      if (!to_number(cells[k], value) || value < 0) {
        fail_table(path_,
                   "a count in column " + std::to_string(k + 1) + " (sample " +
                       quoted(table_.sample_ids[sample]) + ")",
                   quoted(cells[k]), number);
      }
      if (value != 0) entries_.push_back({sample, feature, value});
      ++sample;
    }
  }

  std::string_view text_;
  const std::string& path_;
  CountTable table_;
  std::vector<Entry> entries_;
  std::string_view first_line_;
  int64_t first_number_ = -1;
  std::optional<CellSplitter> cells_;
  char separator_ = '\t';
  size_t width_ = 0, lineage_ = 0;  // 0: no column of lineages
  std::vector<bool> is_sample_;     // of each column; the others are ids and taxonomy
  bool has_header_ = false;
};

// What the reader above would not give back.
void require_holdable(const CountTable& table, const std::string& path) {
  require_text_ids(table.sample_ids, path);
  require_text_ids(table.feature_ids, path);
  require_text_ids(table.taxonomy, path);
  for (const std::string& id : table.feature_ids) {
    if (id.starts_with('#')) {
      throw ArgumentError(
          path +
          ": text tables take a line that starts with '#' for a comment, so they cannot hold "
          "the feature " +
          quoted(id) + "; write BIOM");
    }
  }
  // Only the first and last column are asked whether they are taxonomy; with a taxonomy of its own
  // the last sample is no longer last.
  for (const std::string* id : {&table.sample_ids.front(), &table.sample_ids.back()}) {
    const bool is_inner = !table.taxonomy.empty() && id != &table.sample_ids.front();
    if (is_annotation(*id) && !is_inner) {
      throw ArgumentError(
          path + ": text tables take a first or last column " + quoted(*id) +
          " for an annotation, so they cannot hold a sample of this name there; write BIOM");
    }
  }
}

}  // namespace

bool is_table_corner(std::string_view cell) {
  constexpr std::array<std::string_view, 32> kNames{
      "otuid",      "otu",       "otus",     "featureid", "feature",    "features",      "asvid",
      "asv",        "asvs",      "zotu",     "zotuid",    "sv",         "svid",          "name",
      "names",      "cladename", "taxon",    "taxa",      "taxonid",    "species",       "genus",
      "genefamily", "pathway",   "sequence", "sequences", "sequenceid", "observationid", "gene",
      "geneid",     "rownames",  "genome",   "id"};
  return std::find(kNames.begin(), kNames.end(), plain_name(cell)) != kNames.end();
}

CountTable read_table_text(std::string text, const std::string& path) {
  check_text(text, path);
  end_lines_with_newline(text);
  return TextTable(text, path).read();
}

void write_table_tsv(const std::string& path, const CountTable& table, Overwrite overwrite) {
  if (!table.sample_ids.empty()) require_holdable(table, path);
  const Compressed rows = transposed(table);
  OutputFile file(path, overwrite);
  // The very line that biom-format writes, which some readers want.
  std::string line = "# Constructed from biom file\n#OTU ID";
  for (const auto& id : table.sample_ids) line += '\t' + id;
  if (!table.taxonomy.empty()) line += "\ttaxonomy";
  file.write(line + '\n');
  std::vector<double> row(table.sample_ids.size());
  for (size_t feature = 0; feature < table.feature_ids.size(); ++feature) {
    std::fill(row.begin(), row.end(), 0.0);
    for (int64_t k = rows.indptr[feature]; k < rows.indptr[feature + 1]; ++k)
      row[rows.indices[k]] = rows.data[k];
    line = table.feature_ids[feature];
    for (const double value : row) line += '\t' + number_text(value);
    if (!table.taxonomy.empty()) line += '\t' + table.taxonomy[feature];
    file.write(line + '\n');
  }
  file.commit();
}

}  // namespace deepbio::io
