// UniFrac of batches of samples from a prepared tree and table, made for a training step, also from
// counts that were drawn a moment ago (benchmarks/unifrac.py, row 2000x20000/batch).
//
// Prepared samples keep their branch profiles (12 bytes for each branch that a sample holds). In
// double the distances are the same bits as in unifrac() of the whole table, in any order and
// selection, unless a sample of the table is too small for the grid (shared_branches.h; then they
// agree to 1e-13). Generalized with alpha > 1 or in float, and variance adjusted distances agree to
// rounding. Threads: distances() may be called by several threads at once; each call also uses
// at::parallel_for.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "deepbio/community/unifrac.h"

namespace deepbio::community {

// B samples, compressed rows, features numbered as in the table that the tree was matched to.
struct BatchCounts {
  std::span<const int64_t> indptr;    // [B + 1]
  std::span<const int64_t> features;  // each once per sample, any order
  std::span<const double> counts;     // finite, >= 0
};

class UnifracBatch {
 public:
  // throws ArgumentError when the tree was matched to another number of features, or options are
  // out of range.
  UnifracBatch(const CountTable& table, Phylogeny phylogeny, const UnifracOptions& options = {});
  ~UnifracBatch();
  UnifracBatch(const UnifracBatch&) = delete;
  UnifracBatch& operator=(const UnifracBatch&) = delete;

  // returns [B, B] float64 or float32 between samples of the table. throws ArgumentError for an
  // index out of range.
  at::Tensor distances(std::span<const int64_t> samples) const;
  // The same from fresh counts; features that are not in the tree are left out.
  // throws ArgumentError for spans that disagree, features out of range, counts that are negative
  // or not finite.
  at::Tensor distances(const BatchCounts& batch) const;

  const Phylogeny& phylogeny() const { return phylogeny_; }
  int64_t num_samples() const { return static_cast<int64_t>(profiles_.size()); }

 private:
  std::unique_ptr<ProfileBuilder> take_builder() const;
  void give_back(std::unique_ptr<ProfileBuilder> builder) const;

  const Phylogeny phylogeny_;
  const UnifracOptions options_;
  std::vector<BranchProfile> profiles_;
  Grid grid_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<ProfileBuilder>> idle_;  // scratch memory of earlier calls
};

}  // namespace deepbio::community
