#include "tools/community_input.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iostream>

#include "deepbio/base/error.h"

namespace deepbio::tools {
namespace {

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f %%", 100 * share);
  return text;
}

// What is lost with the features outside the tree: their number, their share of all reads, the worst sample.
std::string loss_text(const community::Phylogeny& phylogeny, const io::CountTable& table, const std::string& tree) {
  double lost_reads = 0, all_reads = 0, worst_share = 0;
  int64_t worst = -1;
  for (int64_t sample = 0; sample < table.num_samples(); ++sample) {
    double lost = 0, total = 0;
    for (int64_t k = table.indptr[sample]; k < table.indptr[sample + 1]; ++k) {
      total += table.values[k];
      if (phylogeny.branch_of[table.indices[k]] < 0) lost += table.values[k];
    }
    lost_reads += lost;
    all_reads += total;
    if (total > 0 && lost / total > worst_share) {
      worst_share = lost / total;
      worst = sample;
    }
  }
  std::string out = "left out " + std::to_string(phylogeny.missing.size()) + " of " +
                    std::to_string(table.num_features()) + " features that are not tips of " + tree;
  if (worst < 0) return out + " (without reads)";
  return out + " (" + percent(lost_reads / all_reads) + " of the reads; most in sample " + table.sample_ids[worst] +
         ": " + percent(worst_share) + ")";
}

}  // namespace

void CommunityFiles::add_options(CLI::App& app, TreeUse tree_use) {
  app.add_option("--table", table, "Feature table: BIOM 2.x, BIOM 1.0, classic TSV or .qza")->required();
  app.add_option("--tree", tree, "Newick tree or .qza whose tips are the table's feature ids")
      ->required(tree_use == TreeUse::kRequired);
  app.add_option("--missing-features", missing_features, "Features that are not tips of the tree: error, or drop them")
      ->check(CLI::IsMember({"error", "drop"}))
      ->capture_default_str();
}

community::Phylogeny match_tree(const CommunityFiles& files, const io::CountTable& table, const Shared& shared) {
  const bool drop = files.missing_features == "drop";
  const auto phylogeny = community::match_features(
      io::read_newick(files.tree), table.feature_ids,
      drop ? community::MissingFeatures::kDrop : community::MissingFeatures::kError, files.tree);
  if (!phylogeny.missing.empty()) say(shared, loss_text(phylogeny, table, files.tree));
  return phylogeny;
}

void say(const Shared& shared, const std::string& line) {
  if (!shared.quiet) std::cerr << line << "\n";
}

std::string exact_text(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof(digits), value).ptr};
}

}  // namespace deepbio::tools
