#include <ATen/ATen.h>

#include <iostream>
#include <memory>

#include "tools/command.h"
#include "tools/community_input.h"

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"
#include "deepbio/community/permanova.h"
#include "deepbio/io/metadata.h"

namespace deepbio::tools {
namespace {

struct PermanovaCommand {
  std::string distances, metadata, column, missing = "error";
  std::vector<std::string> missing_values;
  int64_t permutations = 999;
};

// The samples that have a group; those that have none are counted, and left out when that is asked for.
struct Grouped {
  std::vector<int64_t> rows;
  std::vector<std::string> groups;
};

Grouped groups_of(const PermanovaCommand& command, const std::vector<std::string>& ids, const Shared& shared) {
  const io::Metadata metadata = io::read_metadata(command.metadata, {command.missing_values});
  const int64_t column = metadata.column(command.column);
  Grouped out;
  std::vector<std::string> without;
  for (size_t row = 0; row < ids.size(); ++row) {
    const auto found = metadata.row_of.find(ids[row]);
    const std::string group =
        found == metadata.row_of.end() ? "" : metadata.values[column][static_cast<size_t>(found->second)];
    if (group.empty()) {
      without.push_back(ids[row]);
      continue;
    }
    out.rows.push_back(static_cast<int64_t>(row));
    out.groups.push_back(group);
  }
  if (without.empty()) return out;
  const std::string told = std::to_string(without.size()) + " of " + std::to_string(ids.size()) +
                           " samples have no group in column " + quoted(command.column) + " (" + quoted(without[0]) +
                           (without.size() > 1 ? ", ...)" : ")");
  if (command.missing == "error") throw ArgumentError(told + "; --missing-groups drop leaves them out");
  say(shared, told + ", they are left out");
  return out;
}

int run_permanova(const PermanovaCommand& command, const Shared& shared) {
  const NamedDistances matrix = read_named_distances(command.distances);
  const Grouped grouped = groups_of(command, matrix.ids, shared);
  const at::Tensor rows = at::tensor(grouped.rows, at::kLong);
  const at::Tensor chosen = matrix.values.index_select(0, rows).index_select(1, rows);
  std::vector<std::string> ids;
  for (const int64_t row : grouped.rows) ids.push_back(matrix.ids[static_cast<size_t>(row)]);
  const community::Permanova result =
      community::permanova(chosen, grouped.groups, {command.permutations, shared.seed}, ids);
  Json out = Json::object();
  out.set("pseudo_f", result.pseudo_f);
  out.set("p_value", result.p_value);
  out.set("num_samples", result.num_samples);
  out.set("num_groups", result.num_groups);
  out.set("num_permutations", result.num_permutations);
  if (shared.json) {
    std::cout << out.dump() << "\n";
    return 0;
  }
  for (const auto& [name, value] : out.as_object()) {
    std::cout << name << '\t' << (value.is_int() ? std::to_string(value.as_int()) : exact_text(value.as_double()))
              << '\n';
  }
  return 0;
}

}  // namespace

std::function<int()> setup_permanova(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<PermanovaCommand>();
  app.add_option("--distances", command->distances, "Distance matrix: .tsv, .csv, .npy, .npz, .h5, PHYLIP or .qza")
      ->required();
  app.add_option("--metadata", command->metadata, "Sample metadata (TSV)")->required();
  app.add_option("--metadata-column", command->column, "Column of the groups")->required();
  app.add_option("--missing-groups", command->missing, "Samples without a group: error, or drop them")
      ->check(CLI::IsMember({"error", "drop"}))
      ->capture_default_str();
  app.add_option("--missing-values", command->missing_values,
                 "Words that are missing values beside the empty cell, such as NA; INSDC stands for its words");
  app.add_option("--permutations", command->permutations, "Of the groups")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  return [command, &shared] { return run_permanova(*command, shared); };
}

}  // namespace deepbio::tools
