#include "tools/community_input.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <iostream>

#include "deepbio/community/missing_features.h"
#include "deepbio/io/matrix.h"

namespace deepbio::tools {

void CommunityFiles::add_options(CLI::App& app, TreeUse tree_use) {
  app.add_option("--table", table, "Feature table: BIOM 2.x, BIOM 1.0, classic TSV or .qza")->required();
  app.add_option("--tree", tree, "Newick tree or .qza whose tips are the table's feature ids")
      ->required(tree_use == TreeUse::kRequired);
  app.add_option("--missing-features", missing_features, "Features that are not tips of the tree: error, or drop them")
      ->check(CLI::IsMember({"error", "drop"}))
      ->capture_default_str();
  app.add_option("--root", root, "Root of the tree: as given, or its midpoint (for trees that are unrooted)")
      ->check(CLI::IsMember({"given", "midpoint"}))
      ->capture_default_str();
  app.add_option("--negative-lengths", negative_lengths, "Branches of negative length (neighbour joining): error, zero")
      ->check(CLI::IsMember({"error", "zero"}))
      ->capture_default_str();
}

namespace {

// As the options ask for; what was done is said on stderr.
io::Tree read_tree(const CommunityFiles& files, const Shared& shared) {
  io::Tree tree = io::read_newick(files.tree);
  if (files.negative_lengths == "zero") {
    const auto is_negative = [](double length) { return length != io::kNoLength && length < 0; };
    const auto count = std::count_if(tree.length.begin(), tree.length.end(), is_negative);
    if (count > 0) say(shared, files.tree + ": " + std::to_string(count) + " negative branch lengths taken for 0");
    tree = community::with_lengths_from_zero(std::move(tree));
  }
  if (files.root == "midpoint") {
    say(shared, files.tree + ": rooted at its midpoint");
    tree = community::root_at_midpoint(tree, files.tree);
  }
  return tree;
}

}  // namespace

community::Phylogeny match_tree(const CommunityFiles& files, const io::CountTable& table, const Shared& shared) {
  const bool drop = files.missing_features == "drop";
  const auto phylogeny = community::match_features(
      read_tree(files, shared), table.feature_ids,
      drop ? community::MissingFeatures::kDrop : community::MissingFeatures::kError, files.tree);
  if (!phylogeny.missing.empty()) {
    say(shared, community::to_text(community::missing_report(table, phylogeny), files.tree));
  }
  return phylogeny;
}

NamedDistances read_named_distances(const std::string& path) {
  io::DistanceMatrix matrix = io::read_distances(path);
  NamedDistances out{std::move(matrix.ids),
                     at::tensor(matrix.values, at::kDouble).view({matrix.num_rows, matrix.num_rows})};
  for (int64_t i = 0; out.ids.size() < static_cast<size_t>(matrix.num_rows); ++i) out.ids.push_back(std::to_string(i));
  return out;
}

void say_left_behind(const std::string& path, const io::CountTable& table, const Shared& shared) {
  if (table.left_behind.empty()) return;
  std::string what;
  for (const std::string& part : table.left_behind) what += (what.empty() ? "" : ", ") + part;
  say(shared, path + ": left behind: " + what);
}

void say(const Shared& shared, const std::string& line) {
  if (!shared.quiet) std::cerr << line << "\n";
}

}  // namespace deepbio::tools
