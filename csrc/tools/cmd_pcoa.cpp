#include <ATen/ATen.h>

#include <memory>
#include <vector>

#include "tools/command.h"
#include "tools/community_input.h"
#include "tools/option_flags.h"
#include "tools/printing.h"

namespace deepbio::tools {
namespace {

struct PcoaCommand {
  std::string distances;
  PcoaFiles files;
};

int run_pcoa(const PcoaCommand& command, const Shared& shared) {
  const std::string& output = command.files.output;
  io::refuse_existing(output, shared.overwrite_mode());
  const community::NamedDistances matrix = community::read_named_distances(command.distances);
  const community::Pcoa pcoa = command.files.write(matrix.ids, matrix.values, shared);
  const at::Tensor shares = pcoa.proportion_explained.contiguous();
  const double* first = shares.const_data_ptr<double>();
  const Json explained = Json::array_of(std::vector<double>(first, first + shares.numel()));
  print_json(Json(Json::Object{{"output", output}, {"proportion_explained", explained}}), shared);
  return 0;
}

}  // namespace

std::function<int()> setup_pcoa(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<PcoaCommand>();
  add_distances_option(app, command->distances);
  add_path(app, "-o,--output", command->files.output,
           "P.tsv, or any other name for scikit-bio's and QIIME 2's ordination text");
  command->files.add_options(app);
  return [command, &shared] { return run_pcoa(*command, shared); };
}

}  // namespace deepbio::tools
