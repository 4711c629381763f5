// A table with what breaks writers: a sample without features, a feature of no sample, a number as
// a name, UTF-8.
#pragma once

#include "deepbio/io/tables/biom.h"

namespace deepbio::test {

inline io::CountTable example_table() {
  io::CountTable table;
  table.sample_ids = {"s1", "2538.10", "empty", "s\xC3\xA4"};
  table.feature_ids = {"ACGT", "f 2", "unused"};
  table.indptr = {0, 2, 3, 3, 4};
  table.indices = {0, 1, 1, 0};
  table.values = {3, 0.25, 1e9, 7};
  return table;
}

}  // namespace deepbio::test
