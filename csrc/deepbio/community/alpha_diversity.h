// Diversity within samples, without a tree (faith_pd of unifrac.h is the one with a tree).
//
// Of a sample with n reads over S features, p_f the share of feature f, f_k the number of features
// with k reads:
//   observed_features  S
//   shannon            -sum p log p, in a base (Shannon 1948)
//   simpson            1 - sum p^2 (Simpson 1949)
//   inverse_simpson    1 / sum p^2
//   pielou_evenness    shannon / log S (Pielou 1966)
//   berger_parker      the largest p (Berger & Parker 1970)
//   goods_coverage     1 - f_1 / n (Good 1953)
//   chao1              S + f_1 (f_1 - 1) / (2 (f_2 + 1)), bias-corrected (Chao 1984, 2005)
//   ace                features of more than 10 reads, and the others by their coverage
//                      (Chao & Lee 1992)
// Values are those of scikit-bio (which calls some sobs, pielou_e, inv_simpson, berger_parker_d). A
// sample without reads has observed_features, chao1 and ace 0; where a formula says nothing (the
// other metrics of such a sample, the evenness of one feature, ACE when all rare features are
// singletons) the value is NaN. Threads: pure functions.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <string_view>
#include <vector>

#include "deepbio/community/table.h"

namespace deepbio::community {

struct AlphaOptions {
  // 2 as in QIIME 2; e = 2.718... as in vegan and scikit-bio. Above 0, not 1.
  double shannon_base = 2;
};

// "observed_features", "shannon", ... throws ArgumentError naming the nearest.
void check_alpha_metric(std::string_view name);
std::vector<std::string> alpha_metrics();
// The same where faith_pd is taken, too, the metric that needs a tree (unifrac.h).
void check_alpha_or_faith(std::string_view metric);
// throws ArgumentError: a tree that the metric has no use for, or none for faith_pd
void check_alpha_tree(std::string_view metric, bool has_tree);

//   counts   of one sample, above 0
//   throws   ArgumentError: an unknown metric, counts that are no whole numbers (chao1, ace,
//   goods_coverage), a base
double alpha_diversity(std::span<const double> counts, std::string_view metric,
                       const AlphaOptions& options = {});
// returns  float64 [N] in table order. throws as above, with the sample.
at::Tensor alpha_diversity(const CountTable& table, std::string_view metric,
                           const AlphaOptions& options = {});

}  // namespace deepbio::community
