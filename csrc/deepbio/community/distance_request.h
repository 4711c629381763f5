// Distances between samples by the name of a metric, on a tree or without one: which options go
// with which metric. Threads: as unifrac and beta_diversity.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "deepbio/community/table.h"
#include "deepbio/community/tree.h"
#include "deepbio/community/unifrac.h"

namespace deepbio::community {

struct DistanceRequest {
  // Of UniFrac (unifrac.h), or one that needs no tree (beta_diversity.h)
  std::string metric = "unweighted";
  std::string precision = "double";                     // of UniFrac's sums: double, float
  std::optional<double> alpha;                          // of generalized
  std::optional<double> pseudocount;                    // of aitchison
  bool variance_adjusted = false, bypass_tips = false;  // of UniFrac
  std::string part;                                     // of UniFrac: "2/8" is the second of eight

  bool needs_tree() const;
  // Options that belong to another kind of distance are refused rather than passed over.
  //   has_tree, has_root  whether a tree, and where its root shall be, was given
  //   throws              ArgumentError
  void check(bool has_tree, bool has_root) const;
  // The file of the distances: of a matrix, or, with `part`, of a part, which has no ordination.
  //   throws  ArgumentError
  void check_output(const std::string& path, bool has_ordination) const;
  //   phylogeny  null where the metric needs no tree
  //   returns    float64 [N, N]
  at::Tensor of(const CountTable& table, const Phylogeny* phylogeny) const;
  UnifracOptions unifrac_options() const;
};

// The name of a file of a matrix, or of a part. throws ArgumentError.
void check_distances_file(const std::string& path);
// throws ArgumentError for a name that is neither kind of metric, with all names
void check_distance_metric(const std::string& name);

}  // namespace deepbio::community
