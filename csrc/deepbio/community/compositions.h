// Counts as compositions: only the ratios between the features of a sample mean something
// (Aitchison 1982). Threads: pure functions.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "deepbio/community/table.h"

namespace deepbio::community {

// Centred log-ratios: ln (x + pseudocount) less the mean over all F features, as scikit-bio's clr.
//   returns  float64 [N, F]
//   throws   ArgumentError for a pseudocount that is not above 0 (0 is taken for a table without
//   zeros)
at::Tensor centred_log_ratios(const CountTable& table, double pseudocount = 1);

// Robust centred log-ratios (Martino 2019): ln x less the mean over the sample's features with
// reads; NaN where there are none, as scikit-bio's rclr.
//   returns  float64 [N, F]
at::Tensor robust_centred_log_ratios(const CountTable& table);

// Hellinger transformation: square roots of relative abundances (Legendre & Gallagher 2001); 0 for
// an empty sample.
//   returns  float64 [N, F]
at::Tensor hellinger(const CountTable& table);

// The same numbers for the entries of the table alone, in its order.
std::vector<double> robust_log_ratios(const CountTable& table);
std::vector<double> root_shares(const CountTable& table);

}  // namespace deepbio::community
