// One sample as the branches of a tree that hold its reads.
//
// Reads rise from the tips towards the root. Branches are numbered in post-order, so a bit set of
// those above some tip, read from its low end, gives each branch once, children before parents,
// without sorting. Threads: a ProfileBuilder belongs to one thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "deepbio/community/table.h"
#include "deepbio/community/tree.h"

namespace deepbio::community {

struct BranchProfile {
  std::vector<int32_t> branch;  // ascending
  // Of the sample's reads in the tree that are below the branch, in (0, 1]
  std::vector<double> share;
  double total = 0;  // the sample's reads in the tree
};

// Builds profiles one after the other with the same scratch memory.
class ProfileBuilder {
 public:
  explicit ProfileBuilder(const Phylogeny& phylogeny);
  // features, counts: the sample's entries; features absent from the tree are left out of the
  // total. complexity  O(branches of the sample + M / 64)
  BranchProfile build(std::span<const int64_t> features, std::span<const double> counts);

 private:
  void put_down(std::span<const int64_t> features, std::span<const double> counts, double& total);
  const std::vector<int64_t>& branch_of_;  // of the phylogeny, which must outlive the builder
  const std::vector<int32_t> parent_;      // [M]
  std::vector<double> reads_;              // [M], 0 between samples
  std::vector<uint64_t> is_held_;          // [M / 64], 0 between samples
  std::vector<int32_t> held_;              // branches of one sample
};

BranchProfile branch_profile(const Phylogeny& phylogeny, std::span<const int64_t> features,
                             std::span<const double> counts);
// throws ArgumentError when the tree was matched to another number of features.
std::vector<BranchProfile> branch_profiles(const CountTable& table, const Phylogeny& phylogeny);
// Pointers to each, which live as long as the profiles.
std::vector<const BranchProfile*> views_of(const std::vector<BranchProfile>& profiles);

}  // namespace deepbio::community
