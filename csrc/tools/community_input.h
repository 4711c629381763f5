// A table and a tree as `unifrac` and `faith-pd` take them.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "tools/command.h"

#include "deepbio/community/table.h"
#include "deepbio/community/tree.h"

namespace deepbio::tools {

struct CommunityFiles {
  std::string table, tree;
  std::string missing_features = "error";
  std::string root = "given", negative_lengths = "error";
  // A tree is asked for by faith-pd; unifrac also has distances that need none.
  enum class TreeUse { kRequired, kOptional };
  void add_options(CLI::App& app, TreeUse tree_use = TreeUse::kRequired);
};

// The tree read and matched to the features of `table`. What --missing-features drop leaves out is said on stderr.
community::Phylogeny match_tree(const CommunityFiles& files, const io::CountTable& table, const Shared& shared);

// Distances and the ids of their samples, which are numbers where the file has none.
struct NamedDistances {
  std::vector<std::string> ids;
  at::Tensor values;  // float64 [N, N]
};
NamedDistances read_named_distances(const std::string& path);

// What the file holds and the table does not, on stderr.
void say_left_behind(const std::string& path, const io::CountTable& table, const Shared& shared);
// A line on stderr, unless --quiet.
void say(const Shared& shared, const std::string& line);

}  // namespace deepbio::tools
