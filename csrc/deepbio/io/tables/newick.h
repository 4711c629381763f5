// Newick trees, read iteratively (any depth) in linear time, and written back.
//
// Accepted: bracket comments anywhere, white space and CRLF, quoted labels with '' for a quote,
// empty labels, polytomies, single-child nodes, a missing final semicolon, scientific notation.
// Underscores stay. The text is UTF-8. A tree is unrooted where its artifact (Phylogeny[Unrooted])
// or a comment [&U] in front says so. Refused with line and byte: unbalanced parentheses, text
// after the semicolon, lengths that are not finite numbers.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "deepbio/io/bytes/bytes.h"

namespace deepbio::io {

constexpr double kNoLength = -std::numeric_limits<double>::infinity();

// Nodes in post-order: every child comes before its parent, the root is last.
struct Tree {
  std::vector<int64_t> parent;    // -1 for the root
  std::vector<double> length;     // branch above the node; kNoLength where the file gives none
  std::vector<std::string> name;  // "" where the file gives none
  std::vector<bool> is_tip;
  bool is_rooted = true;  // false: the file says that its root has no meaning
  int64_t num_nodes() const { return static_cast<int64_t>(parent.size()); }
  int64_t num_tips() const;
};

Tree read_newick(const std::string& path);
Tree parse_newick(const std::string& text,
                  const std::string& path);  // path names the source in errors
std::string to_newick(const Tree& tree);
void write_newick(const std::string& path, const Tree& tree,
                  Overwrite overwrite = Overwrite::kAllow);

}  // namespace deepbio::io
