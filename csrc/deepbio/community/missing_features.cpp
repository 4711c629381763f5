#include "deepbio/community/missing_features.h"

#include <algorithm>
#include <cstdio>

#include "deepbio/base/error.h"

namespace deepbio::community {
namespace {

std::string percent(double share) {
  char text[32];
  return {text, static_cast<size_t>(std::snprintf(text, sizeof(text), "%.1f %%", 100 * share))};
}

}  // namespace

MissingReport missing_report(const CountTable& table, const Phylogeny& phylogeny) {
  if (phylogeny.branch_of.size() != table.feature_ids.size()) {
    throw ArgumentError("the tree was matched to " + std::to_string(phylogeny.branch_of.size()) +
                        " features, the table has " + std::to_string(table.num_features()));
  }
  MissingReport out;
  out.num_missing = static_cast<int64_t>(phylogeny.missing.size());
  out.num_features = table.num_features();
  for (size_t k = 0; k < std::min<size_t>(3, phylogeny.missing.size()); ++k) {
    out.examples.push_back(table.feature_ids[phylogeny.missing[k]]);
  }
  for (int64_t sample = 0; sample < table.num_samples(); ++sample) {
    double lost = 0, total = 0;
    for (int64_t k = table.indptr[sample]; k < table.indptr[sample + 1]; ++k) {
      total += table.values[k];
      if (phylogeny.branch_of[table.indices[k]] < 0) lost += table.values[k];
    }
    out.lost_reads += lost;
    out.all_reads += total;
    if (total > 0 && lost / total > out.worst_share) {
      out.worst_share = lost / total;
      out.worst_sample = table.sample_ids[sample];
    }
  }
  return out;
}

std::string to_text(const MissingReport& report, const std::string& tree_path) {
  if (report.num_missing == 0) return "";
  std::string text = "left out " + std::to_string(report.num_missing) + " of " +
                     std::to_string(report.num_features) + " features that are not tips of " +
                     tree_path + ", for example ";
  for (size_t k = 0; k < report.examples.size(); ++k)
    text += (k == 0 ? "" : ", ") + quoted(report.examples[k]);
  // Nothing is lost then, and of no reads at all there is no percentage.
  if (report.worst_share == 0) return text + " (without reads)";
  return text + " (" + percent(report.lost_reads / report.all_reads) +
         " of the reads; most in sample " + quoted(report.worst_sample) + ": " +
         percent(report.worst_share) + ")";
}

}  // namespace deepbio::community
