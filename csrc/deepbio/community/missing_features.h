// What is lost with the features of a table that are not tips of a tree and are left out
// (MissingFeatures::kDrop). Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deepbio/community/table.h"
#include "deepbio/community/tree.h"

namespace deepbio::community {

struct MissingReport {
  int64_t num_missing = 0, num_features = 0;
  std::vector<std::string> examples;     // three at most, in table order
  double lost_reads = 0, all_reads = 0;  // over all samples
  std::string worst_sample;              // empty when no reads are lost
  double worst_share = 0;                // of that sample's reads, in (0, 1]
};

// throws ArgumentError when the tree was matched to another number of features.
MissingReport missing_report(const CountTable& table, const Phylogeny& phylogeny);
// One line that names `tree_path`; empty when nothing is missing.
std::string to_text(const MissingReport& report, const std::string& tree_path);

}  // namespace deepbio::community
