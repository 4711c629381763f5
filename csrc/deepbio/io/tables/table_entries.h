// How the readers of feature tables put what they found in order, and how writers turn it.
// Private to io/tables/biom and its parts. Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deepbio/io/bytes/text.h"
#include "deepbio/io/tables/biom.h"

namespace deepbio::io {

// throws ParseError of the file at `path`.
[[noreturn]] void fail_table(const std::string& path, std::string expected, std::string got,
                             int64_t line = -1);

// One entry as it is in a file, before the table is put in order.
struct Entry {
  int64_t sample, feature;
  double value;
};
// Fills indptr, indices and values from entries in any order; zeros go.
//   throws ParseError for counts that are negative or not finite, and for a place named twice
void set_entries(CountTable& table, const std::vector<Entry>& entries, const std::string& path);

// One orientation: `major` is the axis whose entries stand together.
struct Compressed {
  std::string group;
  std::vector<int64_t> indptr, indices;
  std::vector<double> data;
};
// The numbers of a table with features as rows.
Compressed transposed(const CountTable& table);

// "k__A; p__B" of the levels of a lineage without empty levels at its end, and the levels of such
// text.
std::string join_lineage(const std::vector<std::string>& levels);
std::vector<std::string> split_lineage(std::string_view lineage);
// Notes fields of metadata that a table has no place for: `axis` (fields).
void leave_behind(CountTable& table, const std::string& axis,
                  const std::vector<std::string>& fields);

}  // namespace deepbio::io
