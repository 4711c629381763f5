// BIOM 2.x (biom-format.org): two groups, observation and sample, each with ids, metadata and the
// whole matrix compressed along its axis. Either matrix is enough to read a table; both are
// written, since readers expect both.
#include "deepbio/io/tables/biom_hdf5.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <utility>
#include <vector>

#include "deepbio/io/tables/table_entries.h"

namespace deepbio::io {
namespace {

Compressed read_compressed(const Hdf5Reader& file, const std::string& axis) {
  Compressed out;
  out.group = axis + "/matrix";
  out.data = file.doubles(out.group + "/data");
  out.indices = file.integers(out.group + "/indices");
  out.indptr = file.integers(out.group + "/indptr");
  return out;
}

void check_compressed(const Hdf5Reader& file, const Compressed& matrix, size_t num_major,
                      size_t num_minor) {
  const auto text = [](size_t value) { return std::to_string(value); };
  const std::string& group = matrix.group;
  if (matrix.indices.size() != matrix.data.size()) {
    file.fail(group, "as many indices as data (" + text(matrix.data.size()) + ")",
              text(matrix.indices.size()));
  }
  // Some writers leave indptr out of an empty table.
  if (num_major == 0 && matrix.indptr.empty() && matrix.data.empty()) return;
  if (matrix.indptr.size() != num_major + 1) {
    file.fail(group, "an indptr of " + text(num_major + 1) + " (ids + 1)",
              text(matrix.indptr.size()));
  }
  if (matrix.indptr.front() != 0 ||
      matrix.indptr.back() != static_cast<int64_t>(matrix.data.size())) {
    file.fail(
        group, "an indptr from 0 to " + text(matrix.data.size()),
        std::to_string(matrix.indptr.front()) + " to " + std::to_string(matrix.indptr.back()));
  }
  if (!std::is_sorted(matrix.indptr.begin(), matrix.indptr.end())) {
    file.fail(group, "an indptr that never falls", "one that does");
  }
  // Before they index anything.
  for (size_t k = 0; k < matrix.indices.size(); ++k) {
    if (matrix.indices[k] < 0 || matrix.indices[k] >= static_cast<int64_t>(num_minor)) {
      file.fail(group, "indices from 0 to below " + text(num_minor),
                std::to_string(matrix.indices[k]) + " at position " + text(k));
    }
  }
}

// As a CountTable has its entries: features ascending, counts that are finite and above zero. Most
// writers do so.
bool is_in_order(const Compressed& matrix) {
  for (size_t major = 0; major + 1 < matrix.indptr.size(); ++major) {
    int64_t before = -1;
    for (int64_t k = matrix.indptr[major]; k < matrix.indptr[major + 1]; ++k) {
      if (matrix.indices[k] <= before || !(matrix.data[k] > 0) || !std::isfinite(matrix.data[k]))
        return false;
      before = matrix.indices[k];
    }
  }
  return true;
}

// The one thing that differs between two writings of a table; the format requires it.
std::string now_iso() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts)};
}

// Lineages are [F, levels], [F] texts, or (some writers) one JSON text, which is left out.
void read_taxonomy(const Hdf5Reader& file, CountTable& table, std::vector<std::string>& fields) {
  const std::string name = "observation/metadata/taxonomy";
  if (std::erase(fields, "taxonomy") == 0) return;
  const std::vector<int64_t> shape = file.shape(name);
  const auto num_features = static_cast<size_t>(table.num_features());
  if (shape.empty() || shape.size() > 2 || static_cast<size_t>(shape[0]) != num_features ||
      num_features == 0) {
    fields.emplace_back("taxonomy");
    return;
  }
  const std::vector<std::string> levels = file.strings(name);
  // 1 for texts, the number of levels for the rectangle.
  const size_t width = levels.size() / num_features;
  for (size_t f = 0; f < num_features; ++f) {
    const auto first = levels.begin() + static_cast<std::ptrdiff_t>(f * width);
    table.taxonomy.push_back(join_lineage({first, first + static_cast<std::ptrdiff_t>(width)}));
  }
  const bool are_utf8 = std::all_of(levels.begin(), levels.end(), [](const std::string& level) {
    return find_foreign_byte(level) == std::string::npos;
  });
  if (!are_utf8) fail_table(file.path(), "taxonomy in UTF-8", "other text");
}

void read_metadata_of_axes(const Hdf5Reader& file, CountTable& table) {
  std::vector<std::string> fields = file.names("observation/metadata");
  read_taxonomy(file, table, fields);
  // Said and not refused: a table is of use without them, but nobody should believe that they were
  // kept.
  leave_behind(table, "metadata of features", fields);
  leave_behind(table, "metadata of samples", file.names("sample/metadata"));
  for (const std::string axis : {"observation", "sample"}) {
    leave_behind(table, "group metadata of " + axis + "s", file.names(axis + "/group-metadata"));
  }
}

void write_taxonomy(Hdf5Writer& file, const std::vector<std::string>& taxonomy) {
  if (taxonomy.empty()) return;
  std::vector<std::vector<std::string>> lineages;
  size_t width = 1;
  for (const std::string& lineage : taxonomy) {
    lineages.push_back(split_lineage(lineage));
    width = std::max(width, lineages.back().size());
  }
  std::vector<std::string> flat;
  for (auto& levels : lineages) {
    // HDF5 holds a rectangle: shorter lineages end in empty levels, which readers leave out.
    levels.resize(width);
    flat.insert(flat.end(), levels.begin(), levels.end());
  }
  file.strings("observation/metadata/taxonomy", flat,
               {static_cast<int64_t>(taxonomy.size()), static_cast<int64_t>(width)});
}

void write_axis(Hdf5Writer& file, const std::string& axis, const std::vector<std::string>& ids,
                const Compressed& matrix) {
  // All four groups must be there, also empty ones: biom-format opens them without asking.
  for (const char* group : {"", "/matrix", "/metadata", "/group-metadata"})
    file.group(axis + group);
  file.strings(axis + "/ids", ids);
  file.doubles(axis + "/matrix/data", matrix.data, {static_cast<int64_t>(matrix.data.size())});
  file.int32s(axis + "/matrix/indices", matrix.indices);
  file.int32s(axis + "/matrix/indptr", matrix.indptr);
}

}  // namespace

CountTable read_biom_hdf5(const Hdf5Reader& file) {
  const std::string& path = file.path();
  CountTable table;
  if (!file.has("observation/ids") || !file.has("sample/ids")) {
    fail_table(path, "a BIOM table (observation/ids and sample/ids)", "HDF5 without them");
  }
  table.feature_ids = file.strings("observation/ids");
  table.sample_ids = file.strings("sample/ids");
  // The attribute is optional in practice; where it is given it must agree, or the file was cut or
  // mixed up.
  const auto shape = file.integer_attribute("shape");
  const std::vector<int64_t> counted{table.num_features(), table.num_samples()};
  if (shape.size() == 2 && shape != counted) {
    fail_table(path,
               "ids for a shape of " + std::to_string(shape[0]) + " x " + std::to_string(shape[1]),
               std::to_string(counted[0]) + " observation and " + std::to_string(counted[1]) +
                   " sample ids");
  }
  read_metadata_of_axes(file, table);
  // Samples as rows are what a CountTable has, so nothing needs to be turned; the other orientation
  // is enough, too.
  const bool by_sample = file.has("sample/matrix/data");
  Compressed matrix = read_compressed(file, by_sample ? "sample" : "observation");
  const size_t num_samples = table.sample_ids.size(), num_features = table.feature_ids.size();
  check_compressed(file, matrix, by_sample ? num_samples : num_features,
                   by_sample ? num_features : num_samples);
  // The arrays of the file become those of the table: no entry is looked at one by one.
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
      entries.push_back({by_sample ? outer : matrix.indices[k],
                         by_sample ? matrix.indices[k] : outer, matrix.data[k]});
    }
  }
  set_entries(table, entries, path);
  return table;
}

void write_biom_hdf5(const std::string& path, const CountTable& table) {
  Hdf5Writer file(path);
  // The attributes that biom-format's reader and QIIME 2 ask for; the id is the one biom-format
  // writes for none.
  file.attribute("id", std::string("No Table ID"));
  file.attribute("type", std::string("OTU table"));
  file.attribute("format-url", std::string("http://biom-format.org"));
  file.attribute("format-version", std::vector<int64_t>{2, 1});
  file.attribute("generated-by", std::string("deepbio_torch"));
  file.attribute("creation-date", now_iso());
  file.attribute("shape", std::vector<int64_t>{table.num_features(), table.num_samples()});
  file.attribute("nnz", std::vector<int64_t>{table.num_entries()});
  write_axis(file, "observation", table.feature_ids, transposed(table));
  write_taxonomy(file, table.taxonomy);
  write_axis(file, "sample", table.sample_ids, {"", table.indptr, table.indices, table.values});
  file.close();
}

}  // namespace deepbio::io
