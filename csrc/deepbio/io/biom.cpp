#include "deepbio/io/biom.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"
#include "deepbio/io/artifact.h"
#include "deepbio/io/hdf5.h"

namespace deepbio::io {
namespace {

[[noreturn]] void fail(const std::string& path, std::string expected, std::string got, int64_t line = -1) {
  Place place;
  place.path = path;
  place.line = line;
  throw ParseError(place, std::move(expected), std::move(got));
}

std::string number_text(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof(digits), value).ptr};
}

// One entry as it stands in a file, before the table is put in order.
struct Entry {
  int64_t sample, feature;
  double value;
};

// Fills indptr, indices and values from entries in any order; zeros go, a place named twice is refused.
void set_entries(CountTable& table, const std::vector<Entry>& entries, const std::string& path) {
  table.indptr.assign(table.sample_ids.size() + 1, 0);
  for (const Entry& entry : entries) {
    if (!std::isfinite(entry.value) || entry.value < 0) {
      fail(path, "counts that are finite and not negative",
           number_text(entry.value) + " for sample " + quoted(table.sample_ids[entry.sample]) + ", feature " +
               quoted(table.feature_ids[entry.feature]));
    }
    table.indptr[entry.sample + 1] += entry.value != 0;
  }
  for (size_t i = 0; i < table.sample_ids.size(); ++i) table.indptr[i + 1] += table.indptr[i];
  std::vector<std::pair<int64_t, double>> rows(static_cast<size_t>(table.indptr.back()));
  std::vector<int64_t> next(table.indptr.begin(), table.indptr.end() - 1);
  for (const Entry& entry : entries) {
    if (entry.value != 0) rows[next[entry.sample]++] = {entry.feature, entry.value};
  }
  for (size_t i = 0; i < table.sample_ids.size(); ++i) {
    std::sort(rows.begin() + table.indptr[i], rows.begin() + table.indptr[i + 1]);
  }
  table.indices.clear();
  table.values.clear();
  for (const auto& [feature, value] : rows) {
    table.indices.push_back(feature);
    table.values.push_back(value);
  }
  check_table(table, path);
}

// --- BIOM 2 ---------------------------------------------------------------------------------------------

// One orientation: `major` is the axis whose entries stand together.
struct Compressed {
  std::string group;
  std::vector<int64_t> indptr, indices;
  std::vector<double> data;
};

Compressed read_compressed(const Hdf5Reader& file, const std::string& axis) {
  Compressed out;
  out.group = axis + "/matrix";
  out.data = file.doubles(out.group + "/data");
  out.indices = file.integers(out.group + "/indices");
  out.indptr = file.integers(out.group + "/indptr");
  return out;
}

void check_compressed(const Hdf5Reader& file, const Compressed& matrix, size_t num_major, size_t num_minor) {
  const auto text = [](size_t value) { return std::to_string(value); };
  const std::string& group = matrix.group;
  if (matrix.indices.size() != matrix.data.size()) {
    file.fail(group, "as many indices as data (" + text(matrix.data.size()) + ")", text(matrix.indices.size()));
  }
  // Some writers leave indptr out of an empty table.
  if (num_major == 0 && matrix.indptr.empty() && matrix.data.empty()) return;
  if (matrix.indptr.size() != num_major + 1) {
    file.fail(group, "an indptr of " + text(num_major + 1) + " (ids + 1)", text(matrix.indptr.size()));
  }
  if (matrix.indptr.front() != 0 || matrix.indptr.back() != static_cast<int64_t>(matrix.data.size())) {
    file.fail(group, "an indptr from 0 to " + text(matrix.data.size()),
              std::to_string(matrix.indptr.front()) + " to " + std::to_string(matrix.indptr.back()));
  }
  if (!std::is_sorted(matrix.indptr.begin(), matrix.indptr.end())) {
    file.fail(group, "an indptr that never falls", "one that does");
  }
  for (size_t k = 0; k < matrix.indices.size(); ++k) {
    if (matrix.indices[k] < 0 || matrix.indices[k] >= static_cast<int64_t>(num_minor)) {
      file.fail(group, "indices from 0 to below " + text(num_minor),
                std::to_string(matrix.indices[k]) + " at position " + text(k));
    }
  }
}

// As a CountTable has its entries: features ascending, counts that are finite and above zero. Most writers do so.
bool is_in_order(const Compressed& matrix) {
  for (size_t major = 0; major + 1 < matrix.indptr.size(); ++major) {
    int64_t before = -1;
    for (int64_t k = matrix.indptr[major]; k < matrix.indptr[major + 1]; ++k) {
      if (matrix.indices[k] <= before || !(matrix.data[k] > 0) || !std::isfinite(matrix.data[k])) return false;
      before = matrix.indices[k];
    }
  }
  return true;
}

CountTable read_biom_hdf5(const Hdf5Reader& file) {
  const std::string& path = file.path();
  CountTable table;
  if (!file.has("observation/ids") || !file.has("sample/ids")) {
    fail(path, "a BIOM table (observation/ids and sample/ids)", "HDF5 without them");
  }
  table.feature_ids = file.strings("observation/ids");
  table.sample_ids = file.strings("sample/ids");
  const auto shape = file.integer_attribute("shape");
  const std::vector<int64_t> counted{table.num_features(), table.num_samples()};
  if (shape.size() == 2 && shape != counted) {
    fail(path, "ids for a shape of " + std::to_string(shape[0]) + " x " + std::to_string(shape[1]),
         std::to_string(counted[0]) + " observation and " + std::to_string(counted[1]) + " sample ids");
  }
  const bool by_sample = file.has("sample/matrix/data");
  Compressed matrix = read_compressed(file, by_sample ? "sample" : "observation");
  const size_t num_samples = table.sample_ids.size(), num_features = table.feature_ids.size();
  check_compressed(file, matrix, by_sample ? num_samples : num_features, by_sample ? num_features : num_samples);
  if (by_sample && is_in_order(matrix)) {
    table.indptr = std::move(matrix.indptr);
    if (table.indptr.empty()) table.indptr.push_back(0);
    table.indices = std::move(matrix.indices);
    table.values = std::move(matrix.data);
    check_table(table, path);
    return table;
  }
  std::vector<Entry> entries;
  entries.reserve(matrix.data.size());
  for (size_t major = 0; major + 1 < matrix.indptr.size(); ++major) {
    for (int64_t k = matrix.indptr[major]; k < matrix.indptr[major + 1]; ++k) {
      const auto outer = static_cast<int64_t>(major);
      entries.push_back({by_sample ? outer : matrix.indices[k], by_sample ? matrix.indices[k] : outer, matrix.data[k]});
    }
  }
  set_entries(table, entries, path);
  return table;
}

// --- BIOM 1 ---------------------------------------------------------------------------------------------

const Json& member(const Json& document, std::string_view key, const std::string& path) {
  const Json* found = document.find(key);
  if (found == nullptr) fail(path, "a BIOM 1.0 table with " + quoted(key), "JSON without it");
  return *found;
}

std::vector<std::string> json_ids(const Json& document, std::string_view key, const std::string& path) {
  const Json& list = member(document, key, path);
  if (!list.is_array()) fail(path, "a list under " + quoted(key), "another type");
  std::vector<std::string> out;
  for (const Json& item : list.as_array()) {
    const Json* id = item.is_object() ? item.find("id") : nullptr;
    // MetaPhlAn writes numbers where ids belong; their digits are the id.
    if (id == nullptr || !(id->is_string() || id->is_number())) {
      fail(path, "an id in " + std::string(key) + "[" + std::to_string(out.size()) + "]", "none");
    }
    out.push_back(id->is_string() ? id->as_string() : id->dump());
  }
  return out;
}

Entry json_triple(const Json& item, const CountTable& table, size_t position, const std::string& path) {
  const std::string where = "data[" + std::to_string(position) + "]";
  if (!item.is_array() || item.as_array().size() != 3) fail(path, "[row, column, count] in " + where, item.dump());
  const auto& triple = item.as_array();
  if (!triple[0].is_int() || !triple[1].is_int() || !triple[2].is_number()) {
    fail(path, "[row, column, count] as numbers in " + where, item.dump());
  }
  const Entry out{triple[1].as_int(), triple[0].as_int(), triple[2].as_double()};
  if (out.feature < 0 || out.feature >= table.num_features() || out.sample < 0 || out.sample >= table.num_samples()) {
    fail(path,
         "a row below " + std::to_string(table.num_features()) + " and a column below " +
             std::to_string(table.num_samples()) + " in " + where,
         item.dump());
  }
  return out;
}

void add_json_row(std::vector<Entry>& entries, const Json& row, const CountTable& table, int64_t feature,
                  const std::string& path) {
  const std::string where = "data[" + std::to_string(feature) + "]";
  if (!row.is_array() || static_cast<int64_t>(row.as_array().size()) != table.num_samples()) {
    fail(path, "a row of " + std::to_string(table.num_samples()) + " counts in " + where, "another length");
  }
  int64_t sample = 0;
  for (const Json& value : row.as_array()) {
    if (!value.is_number()) fail(path, "counts in " + where, value.dump());
    entries.push_back({sample++, feature, value.as_double()});
  }
}

bool is_dense(const Json& document, const Json::Array& data, const CountTable& table, const std::string& path) {
  const Json* type = document.find("matrix_type");
  if (type != nullptr && type->is_string()) {
    if (type->as_string() == "dense" || type->as_string() == "sparse") return type->as_string() == "dense";
    fail(path, "matrix_type sparse or dense", quoted(type->as_string()));
  }
  // Without matrix_type the shape tells, except that a table of three samples could be either: sparse is the usual.
  return table.num_samples() != 3 && static_cast<int64_t>(data.size()) == table.num_features() && !data.empty() &&
         data[0].is_array() && static_cast<int64_t>(data[0].as_array().size()) == table.num_samples();
}

CountTable read_biom_json(const std::string& text, const std::string& path) {
  const Json document = Json::parse(text, path);
  CountTable table;
  table.feature_ids = json_ids(document, "rows", path);
  table.sample_ids = json_ids(document, "columns", path);
  if (const Json* shape = document.find("shape"); shape != nullptr && !shape->is_null()) {
    const Json counted = Json::array_of(std::vector<int64_t>{table.num_features(), table.num_samples()});
    if (!(*shape == counted)) fail(path, "ids for a shape of " + shape->dump(), counted.dump());
  }
  const Json& data = member(document, "data", path);
  std::vector<Entry> entries;
  if (!data.is_null()) {
    if (!data.is_array()) fail(path, "a list under \"data\"", "another type");
    const auto& items = data.as_array();
    const bool dense = is_dense(document, items, table, path);
    if (dense && static_cast<int64_t>(items.size()) != table.num_features()) {
      fail(path, std::to_string(table.num_features()) + " rows of data", std::to_string(items.size()));
    }
    for (size_t k = 0; k < items.size(); ++k) {
      if (dense) {
        add_json_row(entries, items[k], table, static_cast<int64_t>(k), path);
      } else {
        entries.push_back(json_triple(items[k], table, k, path));
      }
    }
  }
  set_entries(table, entries, path);
  return table;
}

// --- classic text ---------------------------------------------------------------------------------------

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
      fail(path_, "a table: BIOM (HDF5 or JSON) or text whose header starts with '#OTU ID'",
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
      fail(path_, std::to_string(width_) + " cells, as in the header", std::to_string(cells.size()), line_);
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
        fail(path_, "a count in column " + std::to_string(k + 1) + " (sample " + quoted(table_.sample_ids[k - 1]) + ")",
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

void check_ids(const std::vector<std::string>& ids, const std::string& what, const std::string& path) {
  std::unordered_set<std::string_view> seen;
  seen.reserve(ids.size());
  for (const auto& id : ids) {
    if (id.empty()) fail(path, "an id for every " + what, "an empty one");
    if (!seen.insert(id).second) fail(path, what + " ids that differ", quoted(id) + " twice");
  }
}

std::string now_iso() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts)};
}

void write_axis(Hdf5Writer& file, const std::string& axis, const std::vector<std::string>& ids,
                const Compressed& matrix) {
  for (const char* group : {"", "/matrix", "/metadata", "/group-metadata"}) file.group(axis + group);
  file.strings(axis + "/ids", ids);
  file.doubles(axis + "/matrix/data", matrix.data, {static_cast<int64_t>(matrix.data.size())});
  file.int32s(axis + "/matrix/indices", matrix.indices);
  file.int32s(axis + "/matrix/indptr", matrix.indptr);
}

// The same numbers with features as rows.
Compressed transposed(const CountTable& table) {
  Compressed out;
  out.indptr.assign(table.feature_ids.size() + 1, 0);
  for (const int64_t feature : table.indices) ++out.indptr[feature + 1];
  for (size_t f = 0; f < table.feature_ids.size(); ++f) out.indptr[f + 1] += out.indptr[f];
  out.indices.resize(table.indices.size());
  out.data.resize(table.indices.size());
  std::vector<int64_t> next(out.indptr.begin(), out.indptr.end() - 1);
  for (int64_t sample = 0; sample < table.num_samples(); ++sample) {
    for (int64_t k = table.indptr[sample]; k < table.indptr[sample + 1]; ++k) {
      const int64_t slot = next[table.indices[k]]++;
      out.indices[slot] = sample;
      out.data[slot] = table.values[k];
    }
  }
  return out;
}

// Entry k breaks an invariant of the table; `before` is the feature in front of it.
[[noreturn]] void fail_entry(const CountTable& table, int64_t sample, int64_t k, int64_t before,
                             const std::string& path) {
  const int64_t feature = table.indices[k];
  const std::string where = " for sample " + quoted(table.sample_ids[sample]);
  if (feature < 0 || feature >= table.num_features()) {
    fail(path, "features below " + std::to_string(table.num_features()) + where, std::to_string(feature));
  }
  if (feature == before) fail(path, "each feature once" + where, quoted(table.feature_ids[feature]) + " twice");
  if (feature < before) fail(path, "features in ascending order" + where, "another order");
  fail(path, "counts above zero" + where, number_text(table.values[k]));
}

}  // namespace

CountTable read_table(const std::string& path) {
  if (path != "-" && is_hdf5(path)) return read_biom_hdf5(Hdf5Reader(path));
  expect_artifact(path, "FeatureTable[", "a feature table");
  const std::string text = read_all(path);
  if (text.starts_with("\x89HDF")) return read_biom_hdf5(Hdf5Reader(path, text));
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) fail(path, "a table", text.empty() ? "an empty file" : "only blanks");
  if (text[first] == '{') return read_biom_json(text, path);
  return TextTable(text, path).read();
}

bool is_biom_hdf5(const std::string& path) {
  const bool is_plain = path != "-" && is_hdf5(path);
  const std::string image = is_plain ? std::string() : read_all(path);
  if (!is_plain && !image.starts_with("\x89HDF")) return false;
  const Hdf5Reader file = is_plain ? Hdf5Reader(path) : Hdf5Reader(path, image);
  return file.has("observation") || file.has("sample");
}

void check_table(const CountTable& table, const std::string& path) {
  check_ids(table.sample_ids, "sample", path);
  check_ids(table.feature_ids, "feature", path);
  const int64_t num_entries = table.num_entries();
  if (table.indptr.size() != table.sample_ids.size() + 1 || table.indptr.front() != 0 ||
      table.indptr.back() != num_entries || !std::is_sorted(table.indptr.begin(), table.indptr.end()) ||
      table.values.size() != table.indices.size()) {
    fail(path, "indptr, indices and values that agree for " + std::to_string(table.num_samples()) + " samples",
         std::to_string(table.indptr.size()) + ", " + std::to_string(num_entries) + " and " +
             std::to_string(table.values.size()) + " numbers");
  }
  for (int64_t sample = 0; sample < table.num_samples(); ++sample) {
    int64_t before = -1;
    for (int64_t k = table.indptr[sample]; k < table.indptr[sample + 1]; ++k) {
      const int64_t feature = table.indices[k];
      const double value = table.values[k];
      if (feature <= before || feature >= table.num_features() || !std::isfinite(value) || value <= 0) {
        fail_entry(table, sample, k, before, path);
      }
      before = feature;
    }
  }
}

void write_biom(const std::string& path, const CountTable& table, Overwrite overwrite) {
  refuse_existing(path, overwrite);
  check_table(table, path);
  if (table.num_entries() > INT32_MAX) throw ArgumentError(path + ": BIOM 2.1 holds at most 2147483647 counts");
  const std::string temporary = temporary_name(path);
  try {
    Hdf5Writer file(temporary);
    file.attribute("id", std::string("No Table ID"));
    file.attribute("type", std::string("OTU table"));
    file.attribute("format-url", std::string("http://biom-format.org"));
    file.attribute("format-version", std::vector<int64_t>{2, 1});
    file.attribute("generated-by", std::string("deepbio_torch"));
    file.attribute("creation-date", now_iso());
    file.attribute("shape", std::vector<int64_t>{table.num_features(), table.num_samples()});
    file.attribute("nnz", std::vector<int64_t>{table.num_entries()});
    write_axis(file, "observation", table.feature_ids, transposed(table));
    write_axis(file, "sample", table.sample_ids, {"", table.indptr, table.indices, table.values});
    file.close();
  } catch (...) {
    std::remove(temporary.c_str());
    throw;
  }
  commit_temporary(temporary, path);
}

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
