// A number told as a distribution over bins, and several networks' answers as one. Pure functions
// of tensors.
//
// The histogram head (Imani & White 2018, "Improving regression performance with distributional
// losses"): logits over bins of equal width are fitted to a Gaussian around the target, cut to the
// range of the bins and normalised. The answer is then the median (least absolute error), the mean
// (least squared error) or any quantile. Axes: M members (networks), B samples, C classes or bins.
// Probabilities come and go as logarithms.
#pragma once

#include <ATen/core/Tensor.h>

namespace deepbio::model::functional {

using at::Tensor;

// The share of each bin of a Gaussian around the target, of deviation kBinDeviation bins.
//   target [B], bin_edges [C + 1] of equal width -> [B, C], rows sum to 1; a target outside counts
//   as the nearest edge
constexpr double kBinDeviation = 0.75;
Tensor soft_targets(const Tensor& target, const Tensor& bin_edges);

// The quantile of level 0..1, with mass spread evenly inside a bin.
//   log_probabilities [B, C], bin_edges [C + 1] -> [B], in the unit of the edges
Tensor distribution_quantile(const Tensor& log_probabilities, const Tensor& bin_edges,
                             double level);
// [B, C], [C + 1] -> [B]: the mean over the centres of the bins.
Tensor distribution_mean(const Tensor& log_probabilities, const Tensor& bin_edges);

// The weighted mean of the members' probabilities, each after its temperature.
//   logits [M, B, C], weight [M] (sum 1), temperature [M] -> log-probabilities [B, C]
Tensor mix_members(const Tensor& logits, const Tensor& weight, const Tensor& temperature);

}  // namespace deepbio::model::functional
