#include "tools/community_input.h"

#include <charconv>
#include <iostream>

#include "deepbio/community/missing_features.h"

namespace deepbio::tools {

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
  if (!phylogeny.missing.empty()) {
    say(shared, community::to_text(community::missing_report(table, phylogeny), files.tree));
  }
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
