#include "deepbio/community/distance_request.h"

#include <ATen/ATen.h>

#include "deepbio/base/error.h"
#include "deepbio/community/beta_diversity.h"
#include "deepbio/community/unifrac.h"

namespace deepbio::community {

bool DistanceRequest::needs_tree() const { return !is_beta_metric(metric); }

void DistanceRequest::check(bool has_tree, bool has_root) const {
  const auto refuse = [&](bool is_given, const std::string& option, const std::string& owner) {
    if (is_given)
      throw ArgumentError("`" + option + "` belongs to " + owner + ", got `metric=" + metric + "`");
  };
  refuse(pseudocount && metric != "aitchison", "pseudocount", "`metric=aitchison`");
  const bool is_generalized = needs_tree() && parse_metric(metric) == Metric::kGeneralized;
  refuse(alpha && !is_generalized, "alpha", "`metric=generalized`");
  if (needs_tree()) {
    if (!has_tree) throw ArgumentError("`metric=" + metric + "` needs `tree`");
    return;
  }
  refuse(has_tree, "tree", "UniFrac");
  refuse(has_root, "root", "UniFrac");
  refuse(variance_adjusted, "variance_adjusted", "UniFrac");
  refuse(bypass_tips, "bypass_tips", "UniFrac");
}

at::Tensor DistanceRequest::of(const CountTable& table, const Phylogeny* phylogeny) const {
  if (!needs_tree()) {
    BetaOptions options{parse_beta_metric(metric)};
    options.pseudocount = pseudocount.value_or(options.pseudocount);
    return beta_diversity(table, options);
  }
  UnifracOptions options;
  options.metric = parse_metric(metric);
  options.alpha = alpha.value_or(options.alpha);
  options.variance_adjusted = variance_adjusted;
  options.bypass_tips = bypass_tips;
  options.precision = precision == "float" ? Precision::kFloat : Precision::kDouble;
  return unifrac(table, *phylogeny, options).to(at::kDouble);
}

void check_distance_metric(const std::string& name) {
  if (is_beta_metric(name)) return;
  try {
    parse_metric(name);
  } catch (const ArgumentError& error) {
    throw ArgumentError(std::string(error.what()) + "; without a tree: " + beta_metric_names());
  }
}

}  // namespace deepbio::community
