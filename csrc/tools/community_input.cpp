#include "tools/community_input.h"

#include "tools/option_flags.h"
#include "tools/printing.h"

#include "deepbio/community/missing_features.h"
#include "deepbio/community/read_tree.h"
#include "deepbio/io/formats.h"
#include "deepbio/io/tables/ids.h"

namespace deepbio::tools {

void add_table_option(CLI::App& app, std::string& path) {
  add_path(app, "--table", path, "Feature table: " + io::format_names(io::FileKind::kTable));
}

void add_distances_option(CLI::App& app, std::string& path) {
  add_path(app, "--distances", path,
           "Distance matrix: " + io::format_names(io::FileKind::kDistances));
}

void CommunityFiles::add_options(CLI::App& app, TreeUse tree_use) {
  add_table_option(app, table);
  app.add_option("--tree", tree, "Newick tree or .qza whose tips are the table's feature ids")
      ->required(tree_use == TreeUse::kRequired);
  add_choice(app, "--missing-features", missing_features,
             "Features that are not tips of the tree: error, or drop them", {"error", "drop"});
  add_choice(app, "--root", root,
             "Root of the tree: as given, or its midpoint (for trees that are unrooted)",
             {"given", "midpoint"});
  add_choice(app, "--negative-lengths", negative_lengths,
             "Branches of negative length (neighbour joining): error, zero", {"error", "zero"});
}

community::Phylogeny match_tree(const CommunityFiles& files, const io::CountTable& table,
                                const Shared& shared) {
  const bool drop = files.missing_features == "drop";
  const community::MendedTree tree = community::read_tree(
      files.tree, {files.negative_lengths == "zero", files.root == "midpoint"});
  for (const std::string& note : tree.notes) say(shared, note);
  const auto phylogeny = community::match_features(
      tree.tree, table.feature_ids,
      drop ? community::MissingFeatures::kDrop : community::MissingFeatures::kError, files.tree);
  if (!phylogeny.missing.empty()) {
    say(shared, community::to_text(community::missing_report(table, phylogeny), files.tree));
  }
  return phylogeny;
}

void PcoaFiles::add_options(CLI::App& app, const std::string& prefix) {
  app.add_option("--" + prefix + "dimensions", dimensions, "Coordinates of each sample")
      ->check(above_zero())
      ->capture_default_str();
  add_choice(app, "--" + prefix + "method", method,
             "exact, or randomised (keyed by --seed) for many samples", {"exact", "randomised"});
}

community::Pcoa PcoaFiles::write(const std::vector<std::string>& ids, const at::Tensor& distances,
                                 const Shared& shared) const {
  io::require_text_ids(ids, output);
  const auto how =
      method == "exact" ? community::PcoaMethod::kExact : community::PcoaMethod::kRandomised;
  const community::Pcoa pcoa = community::pcoa(distances, {dimensions, how, shared.seed}, ids);
  community::write_pcoa(output, ids, pcoa, shared.overwrite_mode());
  say(shared, std::to_string(pcoa.eigenvalues.size(0)) + " principal coordinates of " +
                  std::to_string(ids.size()) + " samples written to " + output);
  return pcoa;
}

void say_left_behind(const std::string& path, const io::CountTable& table, const Shared& shared) {
  if (table.left_behind.empty()) return;
  std::string what;
  for (const std::string& part : table.left_behind) what += (what.empty() ? "" : ", ") + part;
  say(shared, path + ": left behind: " + what);
}

}  // namespace deepbio::tools
