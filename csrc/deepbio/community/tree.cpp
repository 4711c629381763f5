// Trees come in post-order, the root last. So a pass from the front sees children before parents,
// one from the back parents before children, and no recursion is needed, however deep the tree.
#include "deepbio/community/tree.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/text.h"

namespace deepbio::community {
namespace {

std::unordered_map<std::string_view, int64_t> tips_by_name(const io::Tree& tree,
                                                           const std::string& tree_path) {
  std::unordered_map<std::string_view, int64_t> tips;
  // Only tips: labels of inner nodes are often support values, which repeat.
  tips.reserve(tree.name.size());
  for (int64_t node = 0; node < tree.num_nodes(); ++node) {
    if (!tree.is_tip[node] || tree.name[node].empty()) continue;
    if (!tips.emplace(tree.name[node], node).second) {
      throw ArgumentError(tree_path + ": tip names must differ, " + quoted(tree.name[node]) +
                          " occurs twice");
    }
  }
  return tips;
}

// Marks every node on the way from marked nodes to the root. Post-order: a node comes before its
// parent.
void mark_ancestors(const io::Tree& tree, std::vector<bool>& marked) {
  for (int64_t node = 0; node < tree.num_nodes(); ++node) {
    if (marked[node] && tree.parent[node] >= 0) marked[tree.parent[node]] = true;
  }
}

void check_length(const io::Tree& tree, int64_t node, const std::string& tree_path) {
  if (tree.length[node] >= 0) return;
  const std::string which = tree.name[node].empty() ? "the branch above an unnamed node"
                                                    : "the branch above " + quoted(tree.name[node]);
  if (tree.length[node] == io::kNoLength)
    throw ArgumentError(tree_path + ": " + which + " has no length");
  throw ArgumentError(
      tree_path + ": " + which + " has the negative length " + io::number_text(tree.length[node]) +
      ", as neighbour joining makes them; `negative_lengths=zero` takes them for 0");
}

// What no feature could be matched to, or no distance be taken from.
void check_shape(const io::Tree& tree, const std::string& tree_path) {
  if (!tree.is_rooted) {
    throw ArgumentError(
        tree_path +
        ": the tree says that it is unrooted, and distances depend on the root; root it, or "
        "take its midpoint with `root=midpoint`");
  }
  if (tree.num_nodes() < 2)
    throw ArgumentError(tree_path + ": the tree is a single node, it has no branches");
  const bool has_names = std::any_of(tree.name.begin(), tree.name.end(),
                                     [](const auto& name) { return !name.empty(); });
  if (!has_names) throw ArgumentError(tree_path + ": no tip of the tree has a name");
  // Without the root, whose length is not used. A tree without any is told so once, rather than by
  // the name of its first branch.
  const bool has_lengths = std::any_of(tree.length.begin(), tree.length.end() - 1,
                                       [](double length) { return length != io::kNoLength; });
  if (!has_lengths)
    throw ArgumentError(tree_path +
                        ": the tree has no branch lengths, which distances are made of");
}

[[noreturn]] void fail_missing(const std::vector<std::string>& feature_ids,
                               const std::vector<int64_t>& missing, const std::string& tree_path) {
  std::string examples;
  for (size_t k = 0; k < missing.size() && k < 3; ++k)
    examples += (k == 0 ? "" : ", ") + quoted(feature_ids[missing[k]]);
  const std::string counted =
      std::to_string(missing.size()) + " of " + std::to_string(feature_ids.size());
  // All of them missing is another mistake, and leaving them out would leave nothing.
  if (missing.size() == feature_ids.size()) {
    throw ArgumentError("none of the table's " + std::to_string(feature_ids.size()) +
                        " features is a tip of " + tree_path +
                        (examples.empty() ? "" : " (for example " + examples + ")") +
                        "; table and tree do not belong together");
  }
  throw ArgumentError(counted + " features of the table are not tips of " + tree_path +
                      " (for example " + examples + "); `missing_features=drop` leaves them out");
}

}  // namespace

Phylogeny match_features(const io::Tree& tree, const std::vector<std::string>& feature_ids,
                         MissingFeatures missing, const std::string& tree_path) {
  check_shape(tree, tree_path);
  const auto tips = tips_by_name(tree, tree_path);
  const int64_t root = tree.num_nodes() - 1;
  Phylogeny out;
  std::vector<int64_t> tip_of(feature_ids.size(), -1);
  std::vector<bool> kept(static_cast<size_t>(tree.num_nodes()), false);
  for (size_t feature = 0; feature < feature_ids.size(); ++feature) {
    const auto found = tips.find(feature_ids[feature]);
    if (found == tips.end()) {
      out.missing.push_back(static_cast<int64_t>(feature));
      continue;
    }
    tip_of[feature] = found->second;
    kept[found->second] = true;
  }
  const bool none_found = out.missing.size() == feature_ids.size();
  if (none_found || (missing == MissingFeatures::kError && !out.missing.empty())) {
    fail_missing(feature_ids, out.missing, tree_path);
  }
  mark_ancestors(tree, kept);
  std::vector<int64_t> branch_of_node(kept.size(), -1);
  std::vector<int64_t> node_of_branch;
  // Only branches above features are checked: one without a length elsewhere does not matter.
  for (int64_t node = 0; node < root; ++node) {
    if (!kept[node]) continue;
    check_length(tree, node, tree_path);
    branch_of_node[node] = static_cast<int64_t>(node_of_branch.size());
    node_of_branch.push_back(node);
    out.length.push_back(tree.length[node]);
  }
  // A second pass, since a parent gets its number after its children. That of the root is -1.
  for (const int64_t node : node_of_branch) out.parent.push_back(branch_of_node[tree.parent[node]]);
  for (const int64_t tip : tip_of) out.branch_of.push_back(tip < 0 ? -1 : branch_of_node[tip]);
  return out;
}

io::Tree shear(const io::Tree& tree, const std::vector<std::string>& tips) {
  const auto known = tips_by_name(tree, "tree");
  std::vector<bool> kept(static_cast<size_t>(tree.num_nodes()), false);
  std::vector<int64_t> absent;
  for (size_t k = 0; k < tips.size(); ++k) {
    const auto found = known.find(tips[k]);
    if (found == known.end()) {
      absent.push_back(static_cast<int64_t>(k));
    } else {
      kept[found->second] = true;
    }
  }
  if (tips.empty()) throw ArgumentError("shear: expected names of tips to keep, got none");
  if (!absent.empty()) {
    throw ArgumentError("shear: expected tips of the tree, got " + std::to_string(absent.size()) +
                        " names that are none (for example " +
                        quoted(tips[static_cast<size_t>(absent[0])]) + ")");
  }
  mark_ancestors(tree, kept);
  io::Tree out;
  std::vector<int64_t> renumbered(kept.size(), -1);
  for (int64_t node = 0; node < tree.num_nodes(); ++node) {
    if (!kept[node]) continue;
    renumbered[node] = out.num_nodes();
    out.parent.push_back(tree.parent[node]);
    out.length.push_back(tree.length[node]);
    out.name.push_back(tree.name[node]);
    out.is_tip.push_back(tree.is_tip[node]);
  }
  for (int64_t& parent : out.parent) parent = parent < 0 ? -1 : renumbered[parent];
  out.is_rooted = tree.is_rooted;
  return out;
}

io::Tree with_lengths_from_zero(io::Tree tree) {
  for (double& length : tree.length) {
    if (length != io::kNoLength && length < 0) length = 0;
  }
  return tree;
}

}  // namespace deepbio::community
