#include <ATen/ATen.h>

#include <iostream>
#include <memory>
#include <vector>

#include "tools/command.h"
#include "tools/community_input.h"
#include "tools/option_flags.h"

#include "deepbio/base/json.h"
#include "deepbio/community/ordination.h"
#include "deepbio/io/ids.h"
#include "deepbio/io/matrix.h"

namespace deepbio::tools {
namespace {

struct PcoaCommand {
  std::string distances, output, method = "exact";
  int64_t dimensions = 10;
};

int run_pcoa(const PcoaCommand& command, const Shared& shared) {
  io::refuse_existing(command.output, shared.overwrite_mode());
  const NamedDistances matrix = read_named_distances(command.distances);
  io::require_text_ids(matrix.ids, command.output);
  const bool is_exact = command.method == "exact";
  const community::PcoaOptions options{
      command.dimensions, is_exact ? community::PcoaMethod::kExact : community::PcoaMethod::kRandomised, shared.seed};
  const community::Pcoa pcoa = community::pcoa(matrix.values, options, matrix.ids);
  community::write_pcoa(command.output, matrix.ids, pcoa, shared.overwrite_mode());
  say(shared, std::to_string(pcoa.eigenvalues.size(0)) + " principal coordinates of " +
                  std::to_string(matrix.ids.size()) + " samples written to " + command.output);
  if (shared.json) {
    const at::Tensor& explained = pcoa.proportion_explained;
    const double* first = explained.const_data_ptr<double>();
    const std::vector<double> shares(first, first + explained.numel());
    const Json summary(Json::Object{{"output", command.output}, {"proportion_explained", Json::array_of(shares)}});
    std::cout << summary.dump() << "\n";
  }
  return 0;
}

}  // namespace

std::function<int()> setup_pcoa(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<PcoaCommand>();
  app.add_option("--distances", command->distances, "Distance matrix: .tsv, .csv, .npy, .npz, .h5, PHYLIP or .qza")
      ->required();
  app.add_option("-o,--output", command->output,
                 "P.tsv, or any other name for scikit-bio's and QIIME 2's ordination text")
      ->required();
  app.add_option("--dimensions", command->dimensions, "Coordinates of each sample")
      ->check(above_zero())
      ->capture_default_str();
  app.add_option("--method", command->method, "exact, or randomised (keyed by --seed) for many samples")
      ->check(CLI::IsMember({"exact", "randomised"}))
      ->capture_default_str();
  return [command, &shared] { return run_pcoa(*command, shared); };
}

}  // namespace deepbio::tools
