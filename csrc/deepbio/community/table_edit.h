// What may be done to tables before anything is computed from them: which options go with which
// action, and the result. Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "deepbio/base/json.h"
#include "deepbio/community/table.h"

namespace deepbio::community {

struct TableEdit {
  std::string action = "convert";  // convert, filter, merge, collapse, summarize
  double min_reads = 0;            // filter: that a sample must have
  int64_t min_samples = 0;         // filter: that a feature must be in
  std::optional<std::vector<std::string>> samples, features;  // filter: ids to keep
  int64_t level = 0;              // collapse: levels of the lineage to keep
  std::string overlap = "error";  // merge: a sample in two tables; error, sum

  // throws ArgumentError: an option of another action, a missing one, several tables where one is
  // taken
  void check(int64_t num_tables) const;
  CountTable apply(std::vector<CountTable> tables) const;  // summarize: the table as it is
};

// Of each sample its sample_id, its reads and how many features it has: an array of objects.
Json summarize(const CountTable& table);

}  // namespace deepbio::community
