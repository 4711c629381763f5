// UniFrac as its papers have it, a pair at a time: slow, and the yardstick of the fast version. It
// is used where there is no other way, for the variance adjustment and for nearly equal samples.
#include <ATen/Parallel.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "deepbio/community/unifrac.h"

namespace deepbio::community {
namespace {

// Walks two ascending branch lists at once: visit(branch, share in a, share in b) for each branch
// in either.
template <class Visit>
void merge(const BranchProfile& a, const BranchProfile& b, const Visit& visit) {
  const size_t size_a = a.branch.size(), size_b = b.branch.size();
  size_t i = 0, j = 0;
  while (i < size_a && j < size_b) {
    const int64_t branch_a = a.branch[i], branch_b = b.branch[j];
    if (branch_a == branch_b) {
      visit(branch_a, a.share[i++], b.share[j++]);
    } else if (branch_a < branch_b) {
      visit(branch_a, a.share[i++], 0.0);
    } else {
      visit(branch_b, 0.0, b.share[j++]);
    }
  }
  for (; i < size_a; ++i) visit(a.branch[i], a.share[i], 0.0);
  for (; j < size_b; ++j) visit(b.branch[j], 0.0, b.share[j]);
}

// v of the variance adjustment. Fractional counts are added in different orders: a branch that
// holds all reads but for rounding holds all.
double deviation(const BranchProfile& a, const BranchProfile& b, double share_a, double share_b) {
  const double all = a.total + b.total, below = share_a * a.total + share_b * b.total;
  const double rest = all - below;
  return rest <= 1e-12 * all ? 0.0 : std::sqrt(below * rest);
}

struct Terms {
  double numerator, denominator;
};

Terms terms(double length, double share_a, double share_b, const UnifracOptions& options,
            double v) {
  const double both = share_a + share_b;
  switch (options.metric) {
    case Metric::kUnweighted:
    case Metric::kUnweightedUnnormalized:
      return {share_a == 0 || share_b == 0 ? length / v : 0.0, length / v};
    case Metric::kWeightedNormalized:
    case Metric::kWeightedUnnormalized:
      return {length * std::abs(share_a - share_b) / v, length * both / v};
    case Metric::kGeneralized:
      break;
  }
  // With v: Chang et al. (2011) put L / v^alpha where L stands, and alpha 1 gives the weighted one.
  const double weight = length * std::pow(both / v, options.alpha);
  return {weight * std::abs(share_a - share_b) / both, weight};
}

std::vector<bool> tips_of(const Phylogeny& phylogeny) {
  std::vector<bool> is_tip(phylogeny.length.size(), false);
  for (const int64_t branch : phylogeny.branch_of) {
    if (branch >= 0) is_tip[branch] = true;
  }
  return is_tip;
}

// is_tip is empty unless tips are left out.
double pair_distance(const Phylogeny& phylogeny, const BranchProfile& a, const BranchProfile& b,
                     const UnifracOptions& options, const std::vector<bool>& is_tip) {
  double numerator = 0, denominator = 0;
  merge(a, b, [&](int64_t branch, double share_a, double share_b) {
    if (!is_tip.empty() && is_tip[branch]) return;
    const double v = options.variance_adjusted ? deviation(a, b, share_a, share_b) : 1.0;
    // Below the branch are all reads of both samples, or none: it cannot tell them apart.
    if (v == 0) return;
    const Terms of_branch = terms(phylogeny.length[branch], share_a, share_b, options, v);
    numerator += of_branch.numerator;
    denominator += of_branch.denominator;
  });
  if (options.metric == Metric::kWeightedUnnormalized ||
      options.metric == Metric::kUnweightedUnnormalized) {
    return numerator;
  }
  // Against a sample without reads nothing is shared, whatever the lengths.
  if (a.branch.empty() != b.branch.empty()) return 1.0;
  return denominator > 0 ? numerator / denominator : 0.0;
}

}  // namespace

double distance(const Phylogeny& phylogeny, const BranchProfile& a, const BranchProfile& b,
                const UnifracOptions& options) {
  return pair_distance(phylogeny, a, b, options,
                       options.bypass_tips ? tips_of(phylogeny) : std::vector<bool>{});
}

double distance(const Phylogeny& phylogeny, const BranchProfile& a, const BranchProfile& b,
                Metric metric) {
  return distance(phylogeny, a, b, UnifracOptions{.metric = metric});
}

at::Tensor plain_pairwise_distances(const Phylogeny& phylogeny,
                                    const std::vector<const BranchProfile*>& profiles,
                                    const UnifracOptions& options) {
  const auto n = static_cast<int64_t>(profiles.size());
  const auto is_tip = options.bypass_tips ? tips_of(phylogeny) : std::vector<bool>{};
  at::Tensor out = at::zeros({n, n}, at::kDouble);
  double* values = out.mutable_data_ptr<double>();
  const auto fill_row = [&](int64_t i) {
    for (int64_t j = i + 1; j < n; ++j) {
      const double value = pair_distance(phylogeny, *profiles[i], *profiles[j], options, is_tip);
      values[i * n + j] = values[j * n + i] = value;
    }
  };
  // Row i has n-1-i pairs; a long row goes with a short one so that threads get equal shares.
  at::parallel_for(0, (n + 1) / 2, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      fill_row(i);
      if (n - 1 - i != i) fill_row(n - 1 - i);
    }
  });
  return out;
}

at::Tensor plain_pairwise_distances(const Phylogeny& phylogeny,
                                    const std::vector<BranchProfile>& profiles,
                                    const UnifracOptions& options) {
  std::vector<const BranchProfile*> views;
  for (const BranchProfile& profile : profiles) views.push_back(&profile);
  return plain_pairwise_distances(phylogeny, views, options);
}

}  // namespace deepbio::community
