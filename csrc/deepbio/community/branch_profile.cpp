#include "deepbio/community/branch_profile.h"

#include <ATen/Parallel.h>

#include <bit>
#include <string>
#include <utility>

#include "deepbio/base/error.h"

namespace deepbio::community {

ProfileBuilder::ProfileBuilder(const Phylogeny& phylogeny)
    : branch_of_(phylogeny.branch_of),
      parent_(phylogeny.parent.begin(), phylogeny.parent.end()),
      reads_(phylogeny.length.size(), 0.0),
      is_held_(phylogeny.length.size() / 64 + 1, 0) {}

void ProfileBuilder::put_down(std::span<const int64_t> features, std::span<const double> counts,
                              double& total) {
  for (size_t k = 0; k < features.size(); ++k) {
    int64_t branch = branch_of_[features[k]];
    if (branch < 0 || counts[k] <= 0) continue;
    reads_[branch] += counts[k];
    total += counts[k];
    // Upwards until a branch is known: it has its ancestors already.
    for (; branch >= 0; branch = parent_[branch]) {
      uint64_t& word = is_held_[branch / 64];
      const uint64_t bit = uint64_t{1} << (branch % 64);
      if ((word & bit) != 0) break;
      word |= bit;
    }
  }
}

BranchProfile ProfileBuilder::build(std::span<const int64_t> features,
                                    std::span<const double> counts) {
  // Throws for a feature that the tree was not matched to, while the scratch memory is still all
  // zero: a builder that caught it later would carry reads over into the next sample.
  for (const int64_t feature : features) branch_of_.at(feature);  // before anything is put down
  double total = 0;
  put_down(features, counts, total);
  held_.clear();
  for (size_t word = 0; word < is_held_.size(); ++word) {
    for (uint64_t bits = std::exchange(is_held_[word], 0); bits != 0; bits &= bits - 1) {
      held_.push_back(static_cast<int32_t>(word * 64 + std::countr_zero(bits)));
    }
  }
  BranchProfile profile;
  profile.total = total;
  profile.branch.assign(held_.begin(), held_.end());
  profile.share.resize(held_.size());
  // Children stand before their parents.
  for (size_t k = 0; k < held_.size(); ++k) {
    // Read and zeroed in one go: the parent comes later, and has all its children's reads by then.
    const double reads = std::exchange(reads_[held_[k]], 0.0);
    profile.share[k] = reads / total;
    if (parent_[held_[k]] >= 0) reads_[parent_[held_[k]]] += reads;
  }
  return profile;
}

BranchProfile branch_profile(const Phylogeny& phylogeny, std::span<const int64_t> features,
                             std::span<const double> counts) {
  return ProfileBuilder(phylogeny).build(features, counts);
}

std::vector<BranchProfile> branch_profiles(const CountTable& table, const Phylogeny& phylogeny) {
  if (phylogeny.branch_of.size() != table.feature_ids.size()) {
    throw ArgumentError("the tree was matched to " + std::to_string(phylogeny.branch_of.size()) +
                        " features, the table has " + std::to_string(table.num_features()));
  }
  std::vector<BranchProfile> profiles(table.sample_ids.size());
  at::parallel_for(0, table.num_samples(), 16, [&](int64_t begin, int64_t end) {
    ProfileBuilder builder(phylogeny);
    for (int64_t sample = begin; sample < end; ++sample) {
      const int64_t first = table.indptr[sample], count = table.indptr[sample + 1] - first;
      profiles[sample] = builder.build(std::span(table.indices).subspan(first, count),
                                       std::span(table.values).subspan(first, count));
    }
  });
  return profiles;
}

std::vector<const BranchProfile*> views_of(const std::vector<BranchProfile>& profiles) {
  std::vector<const BranchProfile*> views;
  for (const BranchProfile& profile : profiles) views.push_back(&profile);
  return views;
}

}  // namespace deepbio::community
