// A tree ready for distances: each feature of a table knows its tip, branches have checked lengths.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deepbio/io/tables/newick.h"

namespace deepbio::community {

enum class MissingFeatures { kError, kDrop };

// Features matched to tips. Only branches above some matched tip are kept, renumbered in
// post-order; the path from their common ancestor to the root stays (it counts, as in ssu and
// scikit-bio); the root's own length is ignored. M branches.
struct Phylogeny {
  std::vector<int64_t> parent;     // [M] branch above, -1 directly below the root
  std::vector<double> length;      // [M]
  std::vector<int64_t> branch_of;  // [F] tip branch of each feature, -1 when absent (kDrop)
  std::vector<int64_t> missing;    // features that are not tips of the tree
  int64_t num_branches() const { return static_cast<int64_t>(parent.size()); }
};

// throws ArgumentError: features absent from the tree (count and three examples) under kError, no
// feature in the tree at all, duplicate tip names, a branch without length, negative length, a tree
// that is said to be unrooted, one without branches or names. `tree_path` names the file.
Phylogeny match_features(const io::Tree& tree, const std::vector<std::string>& feature_ids,
                         MissingFeatures missing = MissingFeatures::kError,
                         const std::string& tree_path = "tree");

// The part of the tree above the given tips, the path to the root kept, single-child nodes kept.
io::Tree shear(const io::Tree& tree, const std::vector<std::string>& tips);

// The same branches with the root half way between the two tips that lie furthest apart. A root
// that would be left with one child goes, its two branches become one. Labels of inner nodes stay
// with their nodes.
//   complexity  linear
//   throws      ArgumentError: a branch without length or of negative length, fewer than two tips
io::Tree root_at_midpoint(const io::Tree& tree, const std::string& tree_path = "tree");

// The same tree with 0 for negative lengths, which neighbour joining makes.
io::Tree with_lengths_from_zero(io::Tree tree);

}  // namespace deepbio::community
