#include "deepbio/community/branch_profile.h"

#include <ATen/Parallel.h>

#include <bit>
#include <string>
#include <utility>

#include "deepbio/base/error.h"

namespace deepbio::community {

ProfileBuilder::ProfileBuilder(const Phylogeny& phylogeny)
    : phylogeny_(phylogeny), reads_(phylogeny.length.size(), 0.0), waiting_(phylogeny.length.size() / 64 + 1, 0) {}

BranchProfile ProfileBuilder::build(std::span<const int64_t> features, std::span<const double> counts) {
  BranchProfile profile;
  const auto rise = [&](int64_t branch, double reads) {
    reads_[branch] += reads;
    waiting_[branch / 64] |= uint64_t{1} << (branch % 64);
  };
  for (const int64_t feature : features) phylogeny_.branch_of.at(feature);  // before anything is put down
  for (size_t k = 0; k < features.size(); ++k) {
    const int64_t branch = phylogeny_.branch_of[features[k]];
    if (branch < 0 || counts[k] <= 0) continue;
    rise(branch, counts[k]);
    profile.total += counts[k];
  }
  for (size_t word = 0; word < waiting_.size(); ++word) {
    // A parent may set a higher bit of the word that is being read.
    while (waiting_[word] != 0) {
      const auto branch = static_cast<int64_t>(word) * 64 + std::countr_zero(waiting_[word]);
      waiting_[word] &= waiting_[word] - 1;
      const double reads = std::exchange(reads_[branch], 0.0);
      profile.branch.push_back(static_cast<int32_t>(branch));
      profile.share.push_back(reads / profile.total);
      if (phylogeny_.parent[branch] >= 0) rise(phylogeny_.parent[branch], reads);
    }
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
      profiles[sample] =
          builder.build(std::span(table.indices).subspan(first, count), std::span(table.values).subspan(first, count));
    }
  });
  return profiles;
}

}  // namespace deepbio::community
