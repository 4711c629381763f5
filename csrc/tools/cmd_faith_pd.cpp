#include <ATen/core/Tensor.h>

#include <iostream>
#include <memory>

#include "tools/command.h"
#include "tools/community_input.h"

#include "deepbio/base/json.h"
#include "deepbio/community/unifrac.h"
#include "deepbio/io/ids.h"
#include "deepbio/io/text.h"

namespace deepbio::tools {
namespace {

struct FaithCommand {
  CommunityFiles files;
  std::string output = "-";
};

int run_faith_pd(const FaithCommand& command, const Shared& shared) {
  if (command.output != "-") io::refuse_existing(command.output, shared.overwrite_mode());
  const io::CountTable table = io::read_table(command.files.table);
  io::require_text_ids(table.sample_ids, command.output);
  const community::Phylogeny phylogeny = match_tree(command.files, table, shared);
  const at::Tensor diversity = community::faith_pd(table, phylogeny);
  const double* values = diversity.const_data_ptr<double>();
  std::string text = "sample_id\tfaith_pd\n";
  Json samples = Json::array();
  for (int64_t sample = 0; sample < table.num_samples(); ++sample) {
    text += table.sample_ids[sample] + '\t' + io::number_text(values[sample]) + '\n';
    Json row = Json::object();
    row.set("sample_id", table.sample_ids[sample]);
    row.set("faith_pd", values[sample]);
    samples.push_back(std::move(row));
  }
  // With --json and no -o, stdout holds the one document.
  if (!shared.json || command.output != "-") io::write_file(command.output, text, shared.overwrite_mode());
  if (shared.json) std::cout << samples.dump() << "\n";
  return 0;
}

}  // namespace

std::function<int()> setup_faith_pd(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<FaithCommand>();
  command->files.add_options(app);
  app.add_option("-o,--output", command->output, "TSV of sample_id and faith_pd, - for stdout")->capture_default_str();
  return [command, &shared] { return run_faith_pd(*command, shared); };
}

}  // namespace deepbio::tools
