// Tables of any format: the first bytes choose the reader (formats.cpp), and check_table() is the
// one place that says what a CountTable may be. Readers and Python come through it, so everything
// that takes a table can rely on it.
#include "deepbio/io/tables/biom.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/text.h"
#include "deepbio/io/formats.h"
#include "deepbio/io/tables/artifact.h"
#include "deepbio/io/tables/biom_hdf5.h"
#include "deepbio/io/tables/ids.h"
#include "deepbio/io/tables/table_entries.h"

namespace deepbio::io {
namespace {

void check_ids(const std::vector<std::string>& ids, const std::string& what,
               const std::string& path) {
  std::unordered_set<std::string_view> seen;
  seen.reserve(ids.size());
  for (const auto& id : ids) {
    if (id.empty()) fail_table(path, "an id for every " + what, "an empty one");
    if (!seen.insert(id).second) fail_table(path, what + " ids that differ", quoted(id) + " twice");
    // Ids go into JSON, HDF5 and Python, which all want UTF-8.
    if (find_foreign_byte(id) != std::string::npos)
      fail_table(path, what + " ids in UTF-8", quoted(id));
  }
}

// Entry k breaks an invariant of the table; `before` is the feature in front of it.
[[noreturn]] void fail_entry(const CountTable& table, int64_t sample, int64_t k, int64_t before,
                             const std::string& path) {
  const int64_t feature = table.indices[k];
  const std::string where = " for sample " + quoted(table.sample_ids[sample]);
  if (feature < 0 || feature >= table.num_features()) {
    fail_table(path, "features below " + std::to_string(table.num_features()) + where,
               std::to_string(feature));
  }
  if (feature == before)
    fail_table(path, "each feature once" + where, quoted(table.feature_ids[feature]) + " twice");
  if (feature < before) fail_table(path, "features in ascending order" + where, "another order");
  fail_table(path, "counts above zero" + where, number_text(table.values[k]));
}

}  // namespace

CountTable read_table(const std::string& path) {
  // A file is read where it is; what comes from a pipe, gzip or a zip is given to libhdf5 as an
  // image in memory.
  if (path != "-" && is_hdf5(path)) return read_biom_hdf5(Hdf5Reader(path));
  expect_artifact(path, "FeatureTable[", "a feature table");
  std::string text = read_all(path);
  if (text.starts_with("\x89HDF")) return read_biom_hdf5(Hdf5Reader(path, text));
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos)
    fail_table(path, "a table", text.empty() ? "an empty file" : "only blanks");
  const FormatHead head{text, path};
  const auto formats = text_formats();
  const auto reader = std::find_if(formats.begin(), formats.end(), [&](const FormatRow& row) {
    return row.table != nullptr && (row.is == nullptr || row.is(head));
  });
  return reader->table(std::move(text), path);  // the last of them has no sign and takes all text
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
  if (!table.taxonomy.empty() && table.taxonomy.size() != table.feature_ids.size()) {
    fail_table(path, "a taxonomy for each of " + std::to_string(table.num_features()) + " features",
               std::to_string(table.taxonomy.size()));
  }
  // All of the arrays first: the loop below indexes by them.
  const int64_t num_entries = table.num_entries();
  if (table.indptr.size() != table.sample_ids.size() + 1 || table.indptr.front() != 0 ||
      table.indptr.back() != num_entries ||
      !std::is_sorted(table.indptr.begin(), table.indptr.end()) ||
      table.values.size() != table.indices.size()) {
    fail_table(path,
               "indptr, indices and values that agree for " + std::to_string(table.num_samples()) +
                   " samples",
               std::to_string(table.indptr.size()) + ", " + std::to_string(num_entries) + " and " +
                   std::to_string(table.values.size()) + " numbers");
  }
  for (int64_t sample = 0; sample < table.num_samples(); ++sample) {
    int64_t before = -1;
    for (int64_t k = table.indptr[sample]; k < table.indptr[sample + 1]; ++k) {
      const int64_t feature = table.indices[k];
      const double value = table.values[k];
      // One comparison for the good entry; which rule is broken is found out in fail_entry(). A NaN
      // is not finite.
      if (feature <= before || feature >= table.num_features() || !std::isfinite(value) ||
          value <= 0) {
        fail_entry(table, sample, k, before, path);
      }
      before = feature;
    }
  }
}

void write_biom(const std::string& path, const CountTable& table, Overwrite overwrite) {
  refuse_existing(path, overwrite);
  check_table(table, path);
  require_utf8_ids(table.sample_ids, path);
  require_utf8_ids(table.feature_ids, path);
  // The format stores indptr and indices as 32-bit numbers.
  if (table.num_entries() > INT32_MAX)
    throw ArgumentError(path + ": BIOM 2.1 holds at most 2147483647 counts");
  // libhdf5 writes files by name, so it is given the temporary one.
  const std::string temporary = temporary_name(path);
  try {
    write_biom_hdf5(temporary, table);
  } catch (...) {
    std::remove(temporary.c_str());
    throw;
  }
  commit_temporary(temporary, path);
}

}  // namespace deepbio::io
