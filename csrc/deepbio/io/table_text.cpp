#include "deepbio/io/table_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "deepbio/base/error.h"
#include "deepbio/io/table_entries.h"

namespace deepbio::io {
namespace {

std::vector<std::string_view> split_tabs(std::string_view line) {
  std::vector<std::string_view> out;
  for (size_t first = 0;;) {
    const size_t tab = line.find('\t', first);
    out.push_back(line.substr(first, tab - first));
    if (tab == std::string_view::npos) return out;
    first = tab + 1;
  }
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

bool is_table_header(std::string_view first_cell) {
  constexpr std::array<std::string_view, 11> kNames{"#otu id",    "#otuid",    "#otu_id",     "otu id",
                                                    "otuid",      "otu_id",    "#feature id", "feature id",
                                                    "feature-id", "featureid", "#featureid"};
  return std::find(kNames.begin(), kNames.end(), lower(first_cell)) != kNames.end();
}

// Classic tables may end with one column of taxonomy.
bool is_annotation(std::string_view column) {
  constexpr std::array<std::string_view, 5> kNames{"taxonomy", "consensus lineage", "consensuslineage", "otu metadata",
                                                   "kegg_pathways"};
  return std::find(kNames.begin(), kNames.end(), lower(column)) != kNames.end();
}

class TextTable {
 public:
  TextTable(const std::string& text, const std::string& path) : text_(text), path_(path) {}

  CountTable read() {
    std::string_view rest(text_);
    if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
    while (!rest.empty()) {
      const size_t end = rest.find('\n');
      std::string_view line = rest.substr(0, end);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      if (line.ends_with('\r')) line.remove_suffix(1);
      ++line_;
      if (line.empty()) continue;
      const auto cells = split_tabs(line);
      if (has_header_) {
        if (!line.starts_with('#')) add_row(cells);
      } else if (is_table_header(cells[0])) {
        set_header(cells);
      } else if (!line.starts_with('#')) {
        break;
      }
    }
    if (!has_header_) {
      fail_table(path_, "a table: BIOM (HDF5 or JSON) or text whose header starts with '#OTU ID'",
                 quoted(std::string_view(text_).substr(0, 20)), 1);
    }
    set_entries(table_, entries_, path_);
    return std::move(table_);
  }

 private:
  void set_header(const std::vector<std::string_view>& cells) {
    has_header_ = true;
    width_ = cells.size();
    has_annotation_ = width_ > 1 && is_annotation(cells.back());
    for (size_t k = 1; k < width_ - has_annotation_; ++k) table_.sample_ids.emplace_back(cells[k]);
  }

  void add_row(const std::vector<std::string_view>& cells) {
    if (cells.size() != width_) {
      fail_table(path_, std::to_string(width_) + " cells, as in the header", std::to_string(cells.size()), line_);
    }
    const int64_t feature = table_.num_features();
    table_.feature_ids.emplace_back(cells[0]);
    for (size_t k = 1; k < width_ - has_annotation_; ++k) {
      std::string_view cell = cells[k];
      while (cell.starts_with(' ')) cell.remove_prefix(1);
      while (cell.ends_with(' ')) cell.remove_suffix(1);
      double value = 0;
      const auto [end, code] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
      if (code != std::errc() || end != cell.data() + cell.size() || !std::isfinite(value) || value < 0) {
        fail_table(path_,
                   "a count in column " + std::to_string(k + 1) + " (sample " + quoted(table_.sample_ids[k - 1]) + ")",
                   quoted(cell), line_);
      }
      if (value != 0) entries_.push_back({static_cast<int64_t>(k - 1), feature, value});
    }
  }

  const std::string& text_;
  const std::string& path_;
  CountTable table_;
  std::vector<Entry> entries_;
  int64_t line_ = 0;
  size_t width_ = 0;
  bool has_header_ = false;
  bool has_annotation_ = false;
};

}  // namespace

CountTable read_table_text(const std::string& text, const std::string& path) { return TextTable(text, path).read(); }

void write_table_tsv(const std::string& path, const CountTable& table, Overwrite overwrite) {
  const Compressed rows = transposed(table);
  OutputFile file(path, overwrite);
  std::string line = "# Constructed from biom file\n#OTU ID";
  for (const auto& id : table.sample_ids) line += '\t' + id;
  file.write(line + '\n');
  std::vector<double> row(table.sample_ids.size());
  for (size_t feature = 0; feature < table.feature_ids.size(); ++feature) {
    std::fill(row.begin(), row.end(), 0.0);
    for (int64_t k = rows.indptr[feature]; k < rows.indptr[feature + 1]; ++k) row[rows.indices[k]] = rows.data[k];
    line = table.feature_ids[feature];
    for (const double value : row) line += '\t' + number_text(value);
    file.write(line + '\n');
  }
  file.commit();
}

}  // namespace deepbio::io
