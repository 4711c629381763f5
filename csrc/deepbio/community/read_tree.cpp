#include "deepbio/community/read_tree.h"

#include <algorithm>

#include "deepbio/community/tree.h"

namespace deepbio::community {

MendedTree read_tree(const std::string& path, const TreeMending& mending) {
  MendedTree out{io::read_newick(path), {}};
  if (mending.zeroes_negative_lengths) {
    const auto is_negative = [](double length) { return length != io::kNoLength && length < 0; };
    const auto count = std::count_if(out.tree.length.begin(), out.tree.length.end(), is_negative);
    if (count > 0)
      out.notes.push_back(path + ": " + std::to_string(count) +
                          " negative branch lengths taken for 0");
    out.tree = with_lengths_from_zero(std::move(out.tree));
  }
  // After the lengths, which a midpoint needs.
  if (mending.roots_at_midpoint) {
    out.notes.push_back(path + ": rooted at its midpoint");
    out.tree = root_at_midpoint(out.tree, path);
  }
  return out;
}

}  // namespace deepbio::community
