// A table of counts written as rows: samples s0, s1, ... over features f0, f1, ...
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deepbio/io/tables/biom.h"

namespace deepbio::community {

inline io::CountTable table_of(const std::vector<std::vector<double>>& rows) {
  io::CountTable table;
  for (size_t f = 0; f < rows.at(0).size(); ++f)
    table.feature_ids.push_back(std::string("f").append(std::to_string(f)));
  for (size_t i = 0; i < rows.size(); ++i) {
    table.sample_ids.push_back(std::string("s").append(std::to_string(i)));
    for (size_t f = 0; f < rows[i].size(); ++f) {
      if (rows[i][f] == 0) continue;
      table.indices.push_back(static_cast<int64_t>(f));
      table.values.push_back(rows[i][f]);
    }
    table.indptr.push_back(table.num_entries());
  }
  return table;
}

}  // namespace deepbio::community
