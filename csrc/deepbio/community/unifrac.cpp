#include "deepbio/community/unifrac.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>
#include <utility>

#include "deepbio/base/error.h"

namespace deepbio::community {
namespace {

constexpr std::array<std::pair<std::string_view, Metric>, 5> kMetrics{{
    {"unweighted", Metric::kUnweighted},
    {"weighted_normalized", Metric::kWeightedNormalized},
    {"weighted_unnormalized", Metric::kWeightedUnnormalized},
    {"generalized", Metric::kGeneralized},
    {"unweighted_unnormalized", Metric::kUnweightedUnnormalized},
}};

}  // namespace

Metric parse_metric(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& [known, metric] : kMetrics) {
    if (known == name) return metric;
    names.emplace_back(known);
  }
  // A guess would be right for half of the users, and wrong without a word for the others.
  if (name == "weighted") {
    throw ArgumentError(
        "metric weighted has two meanings: weighted_unnormalized (what QIIME 2 calls weighted) or "
        "weighted_normalized (values from 0 to 1); name one");
  }
  const std::string near = nearest_name(name, names);
  throw ArgumentError("unknown UniFrac metric " + quoted(name) +
                      (near.empty() ? "" : "; did you mean " + quoted(near) + "?") +
                      " Known: unweighted, weighted_normalized, weighted_unnormalized, "
                      "generalized, unweighted_unnormalized");
}

std::string_view to_string(Metric metric) {
  const auto found = std::find_if(kMetrics.begin(), kMetrics.end(),
                                  [&](const auto& item) { return item.second == metric; });
  return found->first;
}

at::Tensor pairwise_distances(const Phylogeny& phylogeny,
                              const std::vector<BranchProfile>& profiles, Metric metric) {
  return pairwise_distances(phylogeny, profiles, UnifracOptions{.metric = metric});
}

at::Tensor unifrac(const CountTable& table, const Phylogeny& phylogeny,
                   const UnifracOptions& options) {
  return pairwise_distances(phylogeny, branch_profiles(table, phylogeny), options);
}

at::Tensor unifrac(const CountTable& table, const Phylogeny& phylogeny, Metric metric) {
  return unifrac(table, phylogeny, UnifracOptions{.metric = metric});
}

at::Tensor faith_pd(const CountTable& table, const Phylogeny& phylogeny) {
  const auto profiles = branch_profiles(table, phylogeny);
  at::Tensor out = at::zeros({table.num_samples()}, at::kDouble);
  double* values = out.mutable_data_ptr<double>();
  for (size_t sample = 0; sample < profiles.size(); ++sample) {
    for (const int64_t branch : profiles[sample].branch) values[sample] += phylogeny.length[branch];
  }
  return out;
}

}  // namespace deepbio::community
