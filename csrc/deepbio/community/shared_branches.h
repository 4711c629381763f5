// The branches that samples share, laid out for all pairs at once.
//
// A distance is made of a sum per sample and a sum over the branches that both hold, few of all.
// Branches in at least one sample of kCommonShare are common: lists by chunk of kChunk branches and
// by sample, for the kernel. The others are rare: lists of samples by branch. Branches that cannot
// count (length 0, held by none, left-out tips) are gone, those that one sample holds alone are in
// its sum only.
//
// Weights are rounded to multiples of one power of two (the grid), so fine that sums of them are
// exact: in double 2^-51 of the largest sum of a sample, in fixed point (uint32_t) 2^-31. So a sum
// does not depend on its order, and a distance neither on threads, instructions nor on the other
// samples; equal samples are at exactly 0. Where a sample is so small beside the largest that
// rounding could cost more than 1e-11 (fixed point: 1e-6), is_exact is false: doubles then stay as
// they are, and fixed point must not be used. Float weights are never rounded. Memory: for each
// (branch, sample) 1 + sizeof(T) bytes if common, 12 + sizeof(T) if rare (kSum: 1 and 12; kPower:
// both sizeof(T) twice), and 4 bytes x branches x threads. Threads: at::parallel_for.
#pragma once

#include <cstdint>
#include <vector>

#include "deepbio/community/shared_kernel.h"
#include "deepbio/community/unifrac.h"

namespace deepbio::community {

inline constexpr int64_t kCommonShare = 16;

Shared shared_form(const UnifracOptions& options);

// The largest sum of a sample, on which the grid depends. Samples with sums up to it get the same
// numbers.
double largest_sum(const Phylogeny& phylogeny, const std::vector<const BranchProfile*>& profiles,
                   const UnifracOptions& options);
// The same, and whether the grid of options.precision is fine enough for all of the samples.
Grid grid_for(const Phylogeny& phylogeny, const std::vector<const BranchProfile*>& profiles,
              const UnifracOptions& options);

template <class T>
struct SharedBranches {
  // grid: for larger sums than those of `profiles`; at least their own is taken, unless it is safe.
  SharedBranches(const Phylogeny& phylogeny, const std::vector<const BranchProfile*>& profiles,
                 const UnifracOptions& options, const Grid& grid = {});

  int64_t num_samples = 0, num_chunks = 0;
  Shared form = Shared::kSum;
  bool is_exact = true;
  double unit = 1;                 // what 1 of T stands for
  T rounder = 0;                   // of the kernel
  std::vector<double> own_sum;     // [N] of a sample's own weights (powers), in units
  std::vector<uint8_t> has_reads;  // [N]

  // Common: sample i holds in chunk c the entries [start[c (N+1) + i], start[c (N+1) + i + 1]).
  std::vector<int64_t> start;
  std::vector<uint8_t> index;
  std::vector<T> value, power;
  std::vector<T> common_length;  // [num_chunks, kChunk], rounded under kSum

  // Rare: branch b is held by the samples [rare_start[b], rare_start[b + 1]), ascending.
  std::vector<int64_t> rare_start;
  std::vector<int32_t> rare_sample;
  std::vector<T> rare_value, rare_power, rare_length;
  // Sample i stands in the lists own_branch[own_start[i] ...] at the places own_place[...].
  std::vector<int64_t> own_start;
  std::vector<int32_t> own_branch, own_place;
};

}  // namespace deepbio::community
