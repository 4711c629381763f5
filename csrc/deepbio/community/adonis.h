// PERMANOVA of several factors and numbers (McArdle & Anderson 2001), as vegan's adonis2.
//
// G = -1/2 squared distances, doubly centred. A term has the sum of squares that its columns add to
// those before (terms: one after the other; the order matters) or to all others (margin: each as if
// it came last; terms that are part of an interaction are not tested). pseudo-F = (SS / degrees) /
// (residual SS / residual degrees); p as in permutations.h, samples changing places against all
// terms at once. Threads: LAPACK's products; p does not depend on their number, except where
// statistics are equal to 1e-9.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/community/permutations.h"

namespace deepbio::community {

// What samples are told apart by: labels, or numbers where `values` is not empty.
struct Factor {
  std::string name;
  std::vector<std::string> labels;  // [N]
  std::vector<double> values;       // [N]
};

enum class TermOrder { kTerms, kMargin };
TermOrder parse_term_order(std::string_view name);  // "terms", "margin"; throws ArgumentError

// A term is a factor, or an interaction of several.
using Term = std::vector<std::string>;
// "site + age + site:age", "site * age" (both, and the interaction): R's formula without its other
// operators. As in R, interactions come after the others, and a term counts once. throws
// ArgumentError: an empty term.
std::vector<Term> parse_terms(std::string_view formula);

struct AdonisRow {
  std::string name;  // of a term, then "Residual" and "Total"
  int64_t degrees = 0;
  double sum_of_squares = 0, r2 = 0;
  double pseudo_f = 0, p_value = 0;  // NaN where there is none
};

//   distances  [N, N]
//   factors    those that terms name
//   ids        N, or none: they name samples in errors
//   returns    a row for each term that is tested, then Residual and Total
//   complexity  N^2 for each permutation and degree of freedom
//   throws     ShapeError, ArgumentError: what is no distance, an unknown factor, a factor that
//              misses a sample or holds a number that is not finite, a term that adds nothing, no
//              degree left for the residual, no permutation, strata that do not fit
std::vector<AdonisRow> adonis(const at::Tensor& distances, const std::vector<Factor>& factors,
                              const std::vector<Term>& terms, TermOrder order,
                              const PermutationOptions& options,
                              const std::vector<std::string>& ids = {});

}  // namespace deepbio::community
