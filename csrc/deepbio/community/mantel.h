// Mantel test: whether two distance matrices of the same samples go together (Mantel 1967).
//
// r is the correlation of the distances of all pairs; the samples of one matrix change places. As
// in scikit-bio and vegan. p as in permutations.h: of |r| (two-sided), r (greater) or -r (less).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "deepbio/community/permutations.h"

namespace deepbio::community {

enum class Correlation { kPearson, kSpearman };
enum class Alternative { kTwoSided, kGreater, kLess };
// "pearson", "spearman"; "two-sided", "greater", "less". throws ArgumentError.
Correlation parse_correlation(std::string_view name);
Alternative parse_alternative(std::string_view name);

struct MantelOptions {
  Correlation method = Correlation::kPearson;
  Alternative alternative = Alternative::kTwoSided;
  PermutationOptions permutations = {};
};

struct Mantel {
  double r = 0, p_value = 0;
  int64_t num_samples = 0, num_permutations = 0;
};

//   first, second  [N, N] of the same samples in the same order, N at least 3
//   ids            N, or none: they name samples in errors
//   complexity     N^2 for each permutation
//   throws         ShapeError when sizes differ; ArgumentError: what is no distance, fewer than
//                  three samples, all distances of a matrix the same, no permutation, strata that
//                  do not fit
Mantel mantel(const at::Tensor& first, const at::Tensor& second, const MantelOptions& options,
              const std::vector<std::string>& ids = {});

}  // namespace deepbio::community
