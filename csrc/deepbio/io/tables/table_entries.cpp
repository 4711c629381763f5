#include "deepbio/io/tables/table_entries.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/tables/delimited.h"

namespace deepbio::io {

void fail_table(const std::string& path, std::string expected, std::string got, int64_t line) {
  Place place;
  place.path = path;
  place.line = line;
  throw ParseError(place, std::move(expected), std::move(got));
}

// Entries in any order to rows of samples, by counting: a first pass counts the entries of each
// sample, a second puts them into place, and each row is then sorted by feature. Zeros are left
// out, equal entries stay beside each other for check_table() to refuse.
void set_entries(CountTable& table, const std::vector<Entry>& entries, const std::string& path) {
  table.indptr.assign(table.sample_ids.size() + 1, 0);
  for (const Entry& entry : entries) {
    if (!std::isfinite(entry.value) || entry.value < 0) {
      fail_table(path, "counts that are finite and not negative",
                 number_text(entry.value) + " for sample " +
                     quoted(table.sample_ids[entry.sample]) + ", feature " +
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

// By counting, too; samples come out in ascending order within a feature, since they are visited
// so.
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

std::string join_lineage(const std::vector<std::string>& levels) {
  size_t size = levels.size();
  // The rectangle of HDF5 fills short lineages up with empty levels.
  while (size > 0 && levels[size - 1].empty()) --size;
  std::string out;
  for (size_t k = 0; k < size; ++k) out += (k == 0 ? "" : "; ") + levels[k];
  return out;
}

std::vector<std::string> split_lineage(std::string_view lineage) {
  std::vector<std::string> out;
  while (!lineage.empty()) {
    const size_t end = std::min(lineage.find(';'), lineage.size());
    out.emplace_back(without_blanks(lineage.substr(0, end)));
    lineage.remove_prefix(std::min(end + 1, lineage.size()));
  }
  return out;
}

void leave_behind(CountTable& table, const std::string& axis,
                  const std::vector<std::string>& fields) {
  if (fields.empty()) return;
  std::string names;
  for (size_t k = 0; k < fields.size() && k < 5; ++k) names += (k == 0 ? "" : ", ") + fields[k];
  table.left_behind.push_back(axis + " (" + names + (fields.size() > 5 ? ", ..." : "") + ")");
}

}  // namespace deepbio::io
