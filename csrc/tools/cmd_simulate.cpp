#include <cstdio>
#include <memory>

#include "tools/command.h"
#include "tools/option_flags.h"
#include "tools/printing.h"

#include "deepbio/community/simulate.h"

namespace deepbio::tools {
namespace {

struct SimulateCommand {
  std::string output;
  community::SimulateOptions options;
};

int run_simulate(const SimulateCommand& command, const Shared& shared) {
  community::SimulateOptions options = command.options;
  options.seed = shared.seed;
  const auto report = community::simulate(command.output, options, shared.overwrite_mode());
  char best_r2[16];
  std::snprintf(best_r2, sizeof(best_r2), "%.3f", report.best_possible_r2);
  say(shared, std::to_string(report.num_samples) + " samples, " +
                  std::to_string(report.num_features) + " features and " +
                  std::to_string(report.num_reads) + " reads written to " + command.output +
                  "; the best possible R2 of age is " + best_r2);
  print_json(Json(Json::Object{{"output", command.output},
                               {"num_samples", report.num_samples},
                               {"num_features", report.num_features},
                               {"num_reads", report.num_reads},
                               {"best_possible_r2", report.best_possible_r2}}),
             shared);
  return 0;
}

}  // namespace

std::function<int()> setup_simulate(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<SimulateCommand>();
  auto& options = command->options;
  add_path(app, "-o,--output", command->output,
           "Folder for table.biom, tree.nwk, metadata.tsv, truth.tsv, reads/", "FOLDER");
  const auto add = [&app](const char* name, int64_t& value, const char* help) {
    app.add_option(name, value, help)->check(zero_or_more())->capture_default_str();
  };
  add("--samples", options.num_samples, "Samples");
  add("--features", options.num_features, "Features (ASVs), the tips of the tree");
  add("--length-bp", options.length_bp, "Length of a feature's DNA in bp");
  add("--depth", options.depth_reads, "Reads of each sample in the table");
  add("--reads-per-sample", options.reads_per_sample,
      "Reads of each sample written as FASTQ (0: no FASTQ)");
  app.add_option("--noise", options.noise,
                 "Noise on the target, in standard deviations of the hidden gradient")
      ->capture_default_str();
  return [command, &shared] { return run_simulate(*command, shared); };
}

}  // namespace deepbio::tools
