#include <ATen/ATen.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "tools/community_input.h"
#include "tools/option_flags.h"
#include "tools/permutation_tests.h"

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"
#include "deepbio/community/mantel.h"
#include "deepbio/io/matrix.h"
#include "deepbio/io/text.h"

namespace deepbio::tools {
namespace {

struct MantelCommand {
  std::string distances, other, method = "pearson", alternative = "two-sided";
  int64_t permutations = 999;
};

int run_mantel(const MantelCommand& command, const Shared& shared) {
  const NamedDistances first = read_named_distances(command.distances), second = read_named_distances(command.other);
  std::vector<int64_t> place;
  for (const auto& id : first.ids) {
    const auto found = std::find(second.ids.begin(), second.ids.end(), id);
    if (found == second.ids.end() || first.ids.size() != second.ids.size()) {
      throw ArgumentError("--other: expected the " + std::to_string(first.ids.size()) +
                          " samples of --distances, got " + std::to_string(second.ids.size()) +
                          (found == second.ids.end() ? " without " + quoted(id) : ""));
    }
    place.push_back(found - second.ids.begin());
  }
  const at::Tensor rows = at::tensor(place, at::kLong);
  const community::MantelOptions options{community::parse_correlation(command.method),
                                         community::parse_alternative(command.alternative),
                                         {command.permutations, shared.seed}};
  const auto found =
      community::mantel(first.values, second.values.index_select(0, rows).index_select(1, rows), options, first.ids);
  const Json out(Json::Object{{"r", found.r},
                              {"p_value", found.p_value},
                              {"num_samples", found.num_samples},
                              {"num_permutations", found.num_permutations}});
  if (shared.json) {
    std::cout << out.dump() << "\n";
  } else {
    std::cout << "r\t" << io::number_text(found.r) << "\np_value\t" << io::number_text(found.p_value) << "\n";
  }
  return 0;
}

}  // namespace

std::function<int()> setup_mantel(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<MantelCommand>();
  const char* kinds = "Distance matrix: .tsv, .csv, .npy, .npz, .h5, PHYLIP or .qza";
  app.add_option("--distances", command->distances, kinds)->required();
  app.add_option("--other", command->other, "Distance matrix of the same samples")->required();
  app.add_option("--method", command->method, "pearson, or spearman of ranks")
      ->check(CLI::IsMember({"pearson", "spearman"}))
      ->capture_default_str();
  app.add_option("--alternative", command->alternative, "two-sided (as scikit-bio), greater (as vegan) or less")
      ->check(CLI::IsMember({"two-sided", "greater", "less"}))
      ->capture_default_str();
  app.add_option("--permutations", command->permutations, "Orders of the samples that are tried")
      ->check(above_zero())
      ->capture_default_str();
  return [command, &shared] { return run_mantel(*command, shared); };
}

}  // namespace deepbio::tools
