// A tree from a file, mended as the user asks for. Threads: pure functions.
#pragma once

#include <string>
#include <vector>

#include "deepbio/io/tables/newick.h"

namespace deepbio::community {

struct TreeMending {
  bool zeroes_negative_lengths = false;  // neighbour joining makes them
  bool roots_at_midpoint = false;        // trees that are unrooted have no other place for a root
};

struct MendedTree {
  io::Tree tree;
  std::vector<std::string> notes;  // what was done, a line each
};

// throws as io::read_newick and root_at_midpoint
MendedTree read_tree(const std::string& path, const TreeMending& mending);

}  // namespace deepbio::community
