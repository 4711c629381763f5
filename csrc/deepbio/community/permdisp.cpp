// Distances need not be Euclidean, so a sample's place has real and imaginary axes. A centre is
// sought in each part by itself, as in vegan, and the squared distances to them are subtracted.
#include "deepbio/community/permdisp.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "deepbio/base/error.h"
#include "deepbio/community/distances.h"
#include "deepbio/community/groups.h"
#include "deepbio/community/ordination.h"

namespace deepbio::community {
namespace {

constexpr int kMostSteps = 10000;
constexpr double kLeastAxis = 1e-12;  // of the largest eigenvalue: what is below is rounding

struct AllAxes {
  at::Tensor real, imaginary;  // [N, K], [N, L]: of positive and of negative eigenvalue
};

AllAxes all_axes(const at::Tensor& distances) {
  // All axes: those left out would take a part of every distance to a centre with them.
  const auto [values, vectors] = at::linalg_eigh(gower_centred(distances));
  const double least = kLeastAxis * values.abs().max().item<double>();
  const auto scaled = [&](const at::Tensor& is_chosen) {
    const at::Tensor chosen = is_chosen.nonzero().squeeze(1);
    return vectors.index_select(1, chosen) * values.index_select(0, chosen).abs().sqrt();
  };
  return {scaled(values > least), scaled(values < -least)};
}

at::Tensor squares_to_centre(const at::Tensor& points, Centre centre) {
  const at::Tensor middle = centre == Centre::kMedian ? spatial_median(points) : points.mean(0);
  return (points - middle).square().sum(1);
}

// F of a one-way analysis of variance; the values of each group lie at `of_sample`.
double anova_f(std::span<const double> value, const Groups& groups) {
  std::vector<double> mean(groups.size.size(), 0.0);
  double total = 0;
  for (size_t i = 0; i < value.size(); ++i) {
    mean[groups.of_sample[i]] += value[i];
    total += value[i];
  }
  const double n = static_cast<double>(value.size()), grand = total / n;
  double between = 0, within = 0;
  for (size_t g = 0; g < mean.size(); ++g) {
    mean[g] /= groups.size[g];
    between += groups.size[g] * (mean[g] - grand) * (mean[g] - grand);
  }
  double largest = 0;
  for (size_t i = 0; i < value.size(); ++i) {
    const double left = value[i] - mean[groups.of_sample[i]];
    within += left * left;
    largest = std::max(largest, std::abs(value[i]));
  }
  // Squares of numbers that differ in their last digits only, 1e-14 of the largest.
  const double rounding = n * 1e-28 * largest * largest;
  // Before the other: spreads that are all the same have no F of 0 / 0.
  if (between <= rounding) return 0;
  if (within <= rounding) return std::numeric_limits<double>::infinity();
  const auto num_groups = static_cast<double>(mean.size());
  return between / (num_groups - 1) / (within / (n - num_groups));
}

double p_of_residuals(std::span<const double> value, const Permdisp& found, const Groups& groups,
                      const Orders& orders) {
  // Without the group's mean, as under the hypothesis that spreads do not differ; `anova_f` takes
  // the means of the groups anew for each order.
  std::vector<double> residual(value.begin(), value.end());
  for (size_t i = 0; i < residual.size(); ++i) residual[i] -= found.spread[groups.of_sample[i]];
  return p_value(orders, found.f * (1 - 1e-10), [&](std::span<const int64_t> order) {
    std::vector<double> moved(residual.size());
    for (size_t i = 0; i < moved.size(); ++i) moved[i] = residual[order[i]];
    return anova_f(moved, groups);
  });
}

}  // namespace

Centre parse_centre(std::string_view name) {
  if (name == "median") return Centre::kMedian;
  if (name == "centroid") return Centre::kCentroid;
  throw ArgumentError("centre: expected median or centroid, got " + quoted(name));
}

ImaginaryAxes parse_imaginary_axes(std::string_view name) {
  if (name == "subtract") return ImaginaryAxes::kSubtract;
  if (name == "drop") return ImaginaryAxes::kDrop;
  throw ArgumentError("imaginary: expected subtract or drop, got " + quoted(name));
}

at::Tensor spatial_median(const at::Tensor& points) {
  // Weiszfeld's steps: the mean of the points, each weighed by 1 / its distance. They converge
  // linearly, and to the point itself where one is the median, hence the many steps and the case
  // below.
  at::Tensor place = points.mean(0);
  const double scale = (points - place).norm().item<double>();
  for (int step = 0; step < kMostSteps; ++step) {
    const at::Tensor apart = (points - place).norm(2, {1});
    const at::Tensor is_here = apart <= 1e-14 * scale;
    const at::Tensor pull = at::where(is_here, at::zeros_like(apart), apart.reciprocal());
    const double sum = pull.sum().item<double>(), num_here = is_here.sum().item<double>();
    if (sum == 0) return place;  // every point is here
    at::Tensor next = pull.unsqueeze(0).matmul(points).squeeze(0) / sum;
    if (num_here > 0) {
      // Points that are here hold it back, as far as the others pull less than they do (Vardi &
      // Zhang).
      // The sum of unit vectors to the other points, against one for each point that is here.
      const double force = ((next - place) * sum).norm().item<double>();
      if (force <= num_here) return place;
      next = place + (1 - num_here / force) * (next - place);
    }
    const double moved = (next - place).norm().item<double>();
    place = next;
    if (moved <= 1e-15 * scale) break;
  }
  return place;
}

Permdisp permdisp(const at::Tensor& given, const std::vector<std::string>& labels,
                  const PermdispOptions& options, const std::vector<std::string>& ids) {
  const at::Tensor distances = sound_distances(given, ids, "permdisp");
  const int64_t n = distances.size(0);
  const Groups groups = comparable_groups(labels, n, ids, "permdisp");
  const Orders orders(n, options.permutations, "permdisp");
  const AllAxes axes = all_axes(distances);
  const at::Tensor of_sample = at::tensor(groups.of_sample, at::kInt);

  Permdisp out;
  out.num_samples = n;
  out.num_permutations = options.permutations.num_permutations;
  out.to_centre = at::zeros({n}, at::kDouble);
  for (int64_t g = 0; g < groups.count(); ++g) {
    const at::Tensor rows = of_sample.eq(g).nonzero().squeeze(1);
    at::Tensor squares = squares_to_centre(axes.real.index_select(0, rows), options.centre);
    if (options.imaginary == ImaginaryAxes::kSubtract) {
      squares = squares - squares_to_centre(axes.imaginary.index_select(0, rows), options.centre);
    }
    // As vegan: a sample that is imaginary far from its centre has a distance nevertheless.
    const at::Tensor apart = squares.abs().sqrt();
    out.to_centre.index_copy_(0, rows, apart);
    out.groups.push_back(labels[static_cast<size_t>(rows[0].item<int64_t>())]);
    out.spread.push_back(apart.mean().item<double>());
  }
  const std::span<const double> value(out.to_centre.const_data_ptr<double>(),
                                      static_cast<size_t>(n));
  out.f = anova_f(value, groups);
  out.p_value = p_of_residuals(value, out, groups, orders);
  return out;
}

}  // namespace deepbio::community
