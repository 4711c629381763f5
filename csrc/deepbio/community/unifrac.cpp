#include "deepbio/community/unifrac.h"

#include <ATen/Parallel.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <queue>
#include <utility>

#include "deepbio/base/error.h"

namespace deepbio::community {
namespace {

constexpr std::array<std::pair<std::string_view, Metric>, 3> kMetrics{{
    {"unweighted", Metric::kUnweighted},
    {"weighted_normalized", Metric::kWeightedNormalized},
    {"weighted_unnormalized", Metric::kWeightedUnnormalized},
}};

// Walks two ascending branch lists at once: visit(branch, share in a, share in b) for each branch in either.
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

// Of two empty samples, or two that only differ on branches of length zero, the distance is 0.
double ratio(double numerator, double denominator) { return denominator > 0 ? numerator / denominator : 0.0; }

// Both families of metrics are sums of branch weights w (L_b, or L_b p_ib): with S = sum w of a sample and
// H = sum min(w_i, w_j), what differs is S_i + S_j - 2H. Identical samples add the same numbers in the same order, so
// they come out at exactly 0.
struct Weights {
  std::vector<double> weight;
  double sum = 0;
  bool is_empty() const { return weight.empty(); }
};

std::vector<Weights> weights_of(const Phylogeny& phylogeny, const std::vector<BranchProfile>& profiles, Metric metric) {
  std::vector<Weights> out(profiles.size());
  for (size_t i = 0; i < profiles.size(); ++i) {
    const BranchProfile& profile = profiles[i];
    for (size_t k = 0; k < profile.branch.size(); ++k) {
      const double length = phylogeny.length[profile.branch[k]];
      out[i].weight.push_back(metric == Metric::kUnweighted ? length : length * profile.share[k]);
      out[i].sum += out[i].weight.back();
    }
  }
  return out;
}

// dense: the weights of the other sample by branch, 0 where it has none.
double shared_weight(const std::vector<double>& dense, const BranchProfile& profile, const Weights& weights) {
  double shared = 0;
  for (size_t k = 0; k < weights.weight.size(); ++k) shared += std::min(dense[profile.branch[k]], weights.weight[k]);
  return shared;
}

double from_sums(const Weights& a, const Weights& b, double shared, Metric metric) {
  const double both = a.sum + b.sum, differing = std::max(0.0, both - 2 * shared);
  if (metric == Metric::kWeightedUnnormalized) return differing;
  if (a.is_empty() != b.is_empty()) return 1.0;
  return ratio(differing, metric == Metric::kUnweighted ? both - shared : both);
}

BranchProfile profile_of(const CountTable& table, const Phylogeny& phylogeny, int64_t sample) {
  const int64_t first = table.indptr[sample], count = table.indptr[sample + 1] - first;
  return branch_profile(phylogeny, std::span(table.indices).subspan(first, count),
                        std::span(table.values).subspan(first, count));
}

std::vector<BranchProfile> profiles_of(const CountTable& table, const Phylogeny& phylogeny) {
  if (phylogeny.branch_of.size() != table.feature_ids.size()) {
    throw ArgumentError("the tree was matched to " + std::to_string(phylogeny.branch_of.size()) +
                        " features, the table has " + std::to_string(table.num_features()));
  }
  std::vector<BranchProfile> profiles(table.sample_ids.size());
  at::parallel_for(0, table.num_samples(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t sample = begin; sample < end; ++sample) profiles[sample] = profile_of(table, phylogeny, sample);
  });
  return profiles;
}

}  // namespace

Metric parse_metric(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& [known, metric] : kMetrics) {
    if (known == name) return metric;
    names.emplace_back(known);
  }
  const std::string near = nearest_name(name, names);
  throw ArgumentError("unknown UniFrac metric " + quoted(name) +
                      (near.empty() ? "" : "; did you mean " + quoted(near) + "?") +
                      " Known: unweighted, weighted_normalized, weighted_unnormalized");
}

std::string_view to_string(Metric metric) {
  const auto found =
      std::find_if(kMetrics.begin(), kMetrics.end(), [&](const auto& item) { return item.second == metric; });
  return found->first;
}

BranchProfile branch_profile(const Phylogeny& phylogeny, std::span<const int64_t> features,
                             std::span<const double> counts) {
  // Reads rise from the tips: branches leave the queue in ascending order, and a parent has a higher number.
  using Item = std::pair<int64_t, double>;
  std::vector<Item> items;
  items.reserve(features.size());
  double total = 0;
  for (size_t k = 0; k < features.size(); ++k) {
    const int64_t branch = phylogeny.branch_of.at(features[k]);
    if (branch < 0 || counts[k] <= 0) continue;
    items.emplace_back(branch, counts[k]);
    total += counts[k];
  }
  std::priority_queue<Item, std::vector<Item>, std::greater<>> queue(std::greater<>(), std::move(items));
  BranchProfile profile;
  while (!queue.empty()) {
    const int64_t branch = queue.top().first;
    double reads = 0;
    for (; !queue.empty() && queue.top().first == branch; queue.pop()) reads += queue.top().second;
    profile.branch.push_back(branch);
    profile.share.push_back(reads / total);
    if (phylogeny.parent[branch] >= 0) queue.emplace(phylogeny.parent[branch], reads);
  }
  return profile;
}

double distance(const Phylogeny& phylogeny, const BranchProfile& a, const BranchProfile& b, Metric metric) {
  const double* length = phylogeny.length.data();
  double numerator = 0, denominator = 0;
  if (metric == Metric::kUnweighted) {
    merge(a, b, [&](int64_t branch, double share_a, double share_b) {
      denominator += length[branch];
      numerator += share_a == 0 || share_b == 0 ? length[branch] : 0.0;
    });
  } else {
    merge(a, b, [&](int64_t branch, double share_a, double share_b) {
      numerator += length[branch] * std::abs(share_a - share_b);
      denominator += length[branch] * (share_a + share_b);
    });
  }
  if (metric == Metric::kWeightedUnnormalized) return numerator;
  if (a.branch.empty() != b.branch.empty()) return 1.0;
  return ratio(numerator, denominator);
}

at::Tensor pairwise_distances(const Phylogeny& phylogeny, const std::vector<BranchProfile>& profiles, Metric metric) {
  const auto n = static_cast<int64_t>(profiles.size());
  at::Tensor out = at::zeros({n, n}, at::kDouble);
  double* values = out.mutable_data_ptr<double>();
  const auto weights = weights_of(phylogeny, profiles, metric);
  // Row i has n-1-i pairs; a long row goes with a short one so that threads get equal shares.
  at::parallel_for(0, (n + 1) / 2, 1, [&](int64_t begin, int64_t end) {
    std::vector<double> dense(phylogeny.length.size(), 0.0);
    const auto fill_row = [&](int64_t i) {
      const Weights& row = weights[i];
      for (size_t k = 0; k < row.weight.size(); ++k) dense[profiles[i].branch[k]] = row.weight[k];
      for (int64_t j = i + 1; j < n; ++j) {
        const double shared = shared_weight(dense, profiles[j], weights[j]);
        values[i * n + j] = values[j * n + i] = from_sums(row, weights[j], shared, metric);
      }
      for (const int64_t branch : profiles[i].branch) dense[branch] = 0;
    };
    for (int64_t i = begin; i < end; ++i) {
      fill_row(i);
      if (n - 1 - i != i) fill_row(n - 1 - i);
    }
  });
  return out;
}

at::Tensor unifrac(const CountTable& table, const Phylogeny& phylogeny, Metric metric) {
  return pairwise_distances(phylogeny, profiles_of(table, phylogeny), metric);
}

at::Tensor faith_pd(const CountTable& table, const Phylogeny& phylogeny) {
  const auto profiles = profiles_of(table, phylogeny);
  at::Tensor out = at::zeros({table.num_samples()}, at::kDouble);
  double* values = out.mutable_data_ptr<double>();
  for (size_t sample = 0; sample < profiles.size(); ++sample) {
    for (const int64_t branch : profiles[sample].branch) values[sample] += phylogeny.length[branch];
  }
  return out;
}

}  // namespace deepbio::community
