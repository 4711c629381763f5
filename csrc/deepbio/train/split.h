// Which samples a model learns from and which are held back to judge it.
//
// Keyed by seed: the same samples, labels and groups give the same split. Stratified as
// scikit-learn's `stratify=`: every class has its share among the held-back samples. With groups
// (hosts, say) all samples of a group are on one side, and the sides come as near to the wished
// sizes, class by class, as whole groups allow. Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace deepbio::train {

struct Split {
  std::vector<int64_t> train, val;  // indices into the dataset, ascending
  // Of each sample of the dataset (host, study), numbered; empty: no groups.
  std::vector<int64_t> groups;
};

// Random split keyed by seed; both parts get at least one item. throws ArgumentError for fewer than
// 2 items.
Split split_samples(const std::vector<int64_t>& items, double test_size, uint64_t seed);

struct SplitRules {
  double test_size = 0.2;  // share of the samples to hold back, in (0, 1)
  uint64_t seed = 0;
  std::vector<std::string> labels;  // class of each sample; empty: classes do not matter
  // Group of each sample, "": a group of its own; empty: no groups.
  std::vector<std::string> groups;
};

// Splits samples 0 .. num_samples - 1. A class of two samples or more has at least one that trains,
// and one held back while that keeps to the test size; a class of one trains.
//   throws ArgumentError: fewer than 2 samples, a test size outside (0, 1), all samples in one
//   group
Split split_samples(int64_t num_samples, const SplitRules& rules);

// A split by lists of sample ids; where one list is empty, it is what the other leaves. Listed
// samples that are not among sample_ids are left out.
//   throws ArgumentError: a sample on both lists, a side without samples
Split split_by_lists(const std::vector<std::string>& sample_ids,
                     const std::vector<std::string>& train, const std::vector<std::string>& val);

// What a user should know about a split, a line each: classes without a training or validation
// sample, groups with samples on both sides. labels and groups as in SplitRules; group_name is the
// column they come from.
std::vector<std::string> split_notes(const Split& split, const SplitRules& rules,
                                     const std::string& group_name);

}  // namespace deepbio::train
