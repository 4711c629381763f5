#include "deepbio/community/distance_request.h"

#include <ATen/ATen.h>

#include "deepbio/base/error.h"
#include "deepbio/community/beta_diversity.h"
#include "deepbio/community/distance_parts.h"
#include "deepbio/io/tables/matrix.h"

namespace deepbio::community {

// A name that is unknown needs a tree as well: parse_metric is then the one that refuses it.
bool DistanceRequest::needs_tree() const { return !is_beta_metric(metric); }

void DistanceRequest::check(bool has_tree, bool has_root) const {
  const auto refuse = [&](bool is_given, const std::string& option, const std::string& owner) {
    if (is_given)
      throw ArgumentError("`" + option + "` belongs to " + owner + ", got `metric=" + metric + "`");
  };
  refuse(pseudocount && metric != "aitchison", "pseudocount", "`metric=aitchison`");
  const bool is_generalized = needs_tree() && parse_metric(metric) == Metric::kGeneralized;
  refuse(alpha && !is_generalized, "alpha", "`metric=generalized`");
  // What else UniFrac needs is checked with the tree, where samples and features are known.
  if (needs_tree()) {
    if (!has_tree) throw ArgumentError("`metric=" + metric + "` needs `tree`");
    return;
  }
  refuse(has_tree, "tree", "UniFrac");
  refuse(has_root, "root", "UniFrac");
  refuse(variance_adjusted, "variance_adjusted", "UniFrac");
  refuse(bypass_tips, "bypass_tips", "UniFrac");
  refuse(!part.empty(), "part", "UniFrac");
}

void DistanceRequest::check_output(const std::string& path, bool has_ordination) const {
  if (part.empty()) return io::check_distances_name(path);
  (void)parse_part(part);
  if (!path.ends_with(".safetensors"))
    throw ArgumentError(path + ": a `part` of distances is written to .safetensors");
  if (has_ordination) throw ArgumentError("`pcoa` needs all distances, not a `part` of them");
}

at::Tensor DistanceRequest::of(const CountTable& table, const Phylogeny* phylogeny) const {
  if (!needs_tree()) {
    BetaOptions options{parse_beta_metric(metric)};
    options.pseudocount = pseudocount.value_or(options.pseudocount);
    return beta_diversity(table, options);
  }
  return unifrac(table, *phylogeny, unifrac_options()).to(at::kDouble);
}

UnifracOptions DistanceRequest::unifrac_options() const {
  UnifracOptions options;
  options.metric = parse_metric(metric);
  options.alpha = alpha.value_or(options.alpha);
  options.variance_adjusted = variance_adjusted;
  options.bypass_tips = bypass_tips;
  options.precision = precision == "float" ? Precision::kFloat : Precision::kDouble;
  return options;
}

void check_distances_file(const std::string& path) {
  if (!path.ends_with(".safetensors")) io::check_distances_name(path);
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
