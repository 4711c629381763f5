#include "deepbio/community/unifrac_batch.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/community/shared_branches.h"

namespace deepbio::community {
namespace {

void check_batch(const BatchCounts& batch, int64_t num_features) {
  const auto size = static_cast<int64_t>(batch.features.size());
  if (batch.indptr.empty() || batch.indptr.front() != 0 || batch.indptr.back() != size ||
      !std::is_sorted(batch.indptr.begin(), batch.indptr.end()) ||
      batch.counts.size() != batch.features.size()) {
    throw ArgumentError("batch of counts: expected indptr rising from 0 to " +
                        std::to_string(size) + " features and as many counts, got " +
                        std::to_string(batch.indptr.size()) + " and " +
                        std::to_string(batch.counts.size()));
  }
  for (size_t k = 0; k < batch.features.size(); ++k) {
    if (batch.features[k] < 0 || batch.features[k] >= num_features) {
      throw ArgumentError("batch of counts: expected features below " +
                          std::to_string(num_features) + ", got " +
                          std::to_string(batch.features[k]) + " at position " + std::to_string(k));
    }
    if (!std::isfinite(batch.counts[k]) || batch.counts[k] < 0) {
      throw ArgumentError("batch of counts: expected finite counts of 0 or more, got " +
                          std::to_string(batch.counts[k]) + " at position " + std::to_string(k));
    }
  }
}

}  // namespace

UnifracBatch::UnifracBatch(const CountTable& table, Phylogeny phylogeny,
                           const UnifracOptions& options)
    : phylogeny_(std::move(phylogeny)), options_(options) {
  check_options(options_);
  profiles_ = branch_profiles(table, phylogeny_);
  // Of the whole table, so that a pair has the same distance in each batch it is drawn into.
  grid_ = grid_for(phylogeny_, views_of(profiles_), options_);
}

UnifracBatch::~UnifracBatch() = default;

at::Tensor UnifracBatch::distances(std::span<const int64_t> samples) const {
  std::vector<const BranchProfile*> chosen;
  chosen.reserve(samples.size());
  for (const int64_t sample : samples) {
    if (sample < 0 || sample >= num_samples()) {
      throw ArgumentError("sample " + std::to_string(sample) + " is out of range for a table of " +
                          std::to_string(num_samples()) + " samples");
    }
    chosen.push_back(&profiles_[sample]);
  }
  return pairwise_distances(phylogeny_, chosen, options_, grid_);
}

at::Tensor UnifracBatch::distances(const BatchCounts& batch) const {
  check_batch(batch, static_cast<int64_t>(phylogeny_.branch_of.size()));
  std::vector<BranchProfile> profiles(batch.indptr.size() - 1);
  at::parallel_for(0, static_cast<int64_t>(profiles.size()), 8, [&](int64_t begin, int64_t end) {
    // A builder has memory for each branch of the tree; making one for each batch would cost more
    // than the profiles do.
    auto builder = take_builder();
    for (int64_t sample = begin; sample < end; ++sample) {
      const int64_t first = batch.indptr[sample], count = batch.indptr[sample + 1] - first;
      profiles[sample] =
          builder->build(batch.features.subspan(first, count), batch.counts.subspan(first, count));
    }
    give_back(std::move(builder));
  });
  // The bound alone: fresh counts may have larger sums than the table's samples, and are looked at.
  return pairwise_distances(phylogeny_, views_of(profiles), options_, grid_.bound);
}

std::unique_ptr<ProfileBuilder> UnifracBatch::take_builder() const {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<ProfileBuilder>(phylogeny_);
  auto builder = std::move(idle_.back());
  idle_.pop_back();
  return builder;
}

void UnifracBatch::give_back(std::unique_ptr<ProfileBuilder> builder) const {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(builder));
}

}  // namespace deepbio::community
