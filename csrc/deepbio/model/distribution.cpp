#include "deepbio/model/distribution.h"

#include <ATen/ATen.h>

#include <cmath>

namespace deepbio::model::functional {
namespace {

constexpr double kSmallestShare = 1e-12;

Tensor normal_cdf(const Tensor& z) { return 0.5 * (1 + at::erf(z / std::sqrt(2.0))); }

}  // namespace

Tensor soft_targets(const Tensor& target, const Tensor& bin_edges) {
  const Tensor first = bin_edges.select(0, 0), last = bin_edges.select(0, -1),
               width = bin_edges.select(0, 1) - first;
  const Tensor inside = at::minimum(at::maximum(target, first), last).unsqueeze(-1);
  // [B, C + 1]: the mass up to each edge; differences of neighbours are the bins'.
  const Tensor below = normal_cdf((bin_edges - inside) / (kBinDeviation * width));
  const Tensor share = at::diff(below, 1, -1);
  // What the Gaussian has outside of the range is given to the bins in proportion.
  return share / share.sum(-1, /*keepdim=*/true);
}

Tensor distribution_quantile(const Tensor& log_probabilities, const Tensor& bin_edges,
                             double level) {
  const Tensor share = log_probabilities.exp();
  const Tensor upto = share.cumsum(-1);
  // The first bin that reaches the level; rounding may leave the whole sum below it. The number of
  // bins is that of the edges: a size of `share` would bind an export to its number of samples.
  const Tensor bin = upto.lt(level).sum(-1, /*keepdim=*/true).clamp_max(bin_edges.size(0) - 2);
  const Tensor held = share.gather(-1, bin).clamp_min(kSmallestShare);
  // How far into the bin the level is: 1 where the mass up to its end is just the level.
  const Tensor part = ((level - upto.gather(-1, bin)) / held + 1).clamp(0, 1);
  const Tensor width = bin_edges.select(0, 1) - bin_edges.select(0, 0);
  return (bin_edges.select(0, 0) + (bin.to(part.scalar_type()) + part) * width).squeeze(-1);
}

Tensor distribution_mean(const Tensor& log_probabilities, const Tensor& bin_edges) {
  const Tensor centres = 0.5 * (bin_edges.slice(0, 1) + bin_edges.slice(0, 0, -1));
  return at::matmul(log_probabilities.exp(), centres);
}

Tensor mix_members(const Tensor& logits, const Tensor& weight, const Tensor& temperature) {
  const Tensor of_member = (logits / temperature.view({-1, 1, 1})).log_softmax(-1);
  // ln of a sum of weighted probabilities, without leaving logarithms: small ones would become 0. A
  // member of weight 0 has ln 0 = -inf and adds nothing.
  return at::logsumexp(of_member + weight.log().view({-1, 1, 1}), {0});
}

}  // namespace deepbio::model::functional
