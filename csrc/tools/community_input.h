// Tables, trees and distances as several commands take them, and principal coordinates as two of
// them give them.
#pragma once

#include <string>

#include "tools/command.h"

#include "deepbio/community/named_distances.h"
#include "deepbio/community/ordination.h"
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

// The tree matched to the features of `table`; what --missing-features drop leaves out is said.
community::Phylogeny match_tree(const CommunityFiles& files, const io::CountTable& table,
                                const Shared& shared);

// Declares --table and --distances, with the formats that are read.
void add_table_option(CLI::App& app, std::string& path);
void add_distances_option(CLI::App& app, std::string& path);

// Principal coordinates as two commands offer them.
struct PcoaFiles {
  std::string output, method = "exact";
  int64_t dimensions = 10;
  // `prefix` comes before the options: "pcoa-".
  void add_options(CLI::App& app, const std::string& prefix = "");
  community::Pcoa write(const std::vector<std::string>& ids, const at::Tensor& distances,
                        const Shared& shared) const;
};

// What the file holds and the table does not, on stderr.
void say_left_behind(const std::string& path, const io::CountTable& table, const Shared& shared);

}  // namespace deepbio::tools
