#include <ATen/core/Tensor.h>

#include <iostream>
#include <memory>
#include <optional>

#include "tools/command.h"
#include "tools/community_input.h"

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"
#include "deepbio/community/unifrac.h"
#include "deepbio/io/matrix.h"

namespace deepbio::tools {
namespace {

struct UnifracCommand {
  CommunityFiles files;
  std::string output;
  std::string metric = "unweighted";
  std::string precision = "double";
  std::optional<double> alpha;
  bool variance_adjusted = false, bypass_tips = false;
  int64_t rarefy_depth_reads = 0;
};

std::string check_metric(const std::string& name) {
  try {
    community::parse_metric(name);
    return {};
  } catch (const ArgumentError& error) {
    return error.what();
  }
}

std::string check_output(const std::string& path) {
  const bool known = path == "-" || path.ends_with(".npy") || path.ends_with(".tsv") || path.ends_with(".h5");
  return known ? std::string() : "must end in .npy, .tsv or .h5 (or be - for TSV on stdout), got " + quoted(path);
}

io::CountTable load_table(const UnifracCommand& command, const Shared& shared) {
  io::CountTable table = io::read_table(command.files.table);
  if (command.rarefy_depth_reads == 0) return table;
  auto result = community::rarefy(table, {command.rarefy_depth_reads, false, shared.seed, 0});
  if (!result.dropped_samples.empty()) {
    say(shared, "left out " + std::to_string(result.dropped_samples.size()) + " samples with fewer than " +
                    std::to_string(command.rarefy_depth_reads) + " reads");
  }
  return std::move(result.table);
}

community::UnifracOptions options_of(const UnifracCommand& command) {
  community::UnifracOptions options;
  options.metric = community::parse_metric(command.metric);
  if (command.alpha && options.metric != community::Metric::kGeneralized) {
    throw ArgumentError("--alpha belongs to --metric generalized, got --metric " + command.metric);
  }
  options.alpha = command.alpha.value_or(options.alpha);
  options.variance_adjusted = command.variance_adjusted;
  options.bypass_tips = command.bypass_tips;
  options.precision = command.precision == "float" ? community::Precision::kFloat : community::Precision::kDouble;
  return options;
}

int run_unifrac(const UnifracCommand& command, const Shared& shared) {
  if (command.output != "-") io::refuse_existing(command.output, shared.overwrite_mode());
  const io::CountTable table = load_table(command, shared);
  const community::Phylogeny phylogeny = match_tree(command.files, table, shared);
  const at::Tensor distances = community::unifrac(table, phylogeny, options_of(command)).to(at::kDouble);
  io::DistanceMatrix matrix;
  matrix.ids = table.sample_ids;
  matrix.num_rows = table.num_samples();
  const double* values = distances.const_data_ptr<double>();
  matrix.values.assign(values, values + distances.numel());
  io::write_distances(command.output, matrix, {shared.overwrite_mode(), command.precision == "float"});
  say(shared,
      command.metric + " distances of " + std::to_string(matrix.num_rows) + " samples written to " + command.output);
  if (shared.json) {
    Json summary = Json::object();
    summary.set("output", command.output);
    summary.set("metric", command.metric);
    summary.set("num_samples", matrix.num_rows);
    summary.set("num_features", table.num_features());
    summary.set("num_missing_features", static_cast<int64_t>(phylogeny.missing.size()));
    std::cout << summary.dump() << "\n";
  }
  return 0;
}

}  // namespace

std::function<int()> setup_unifrac(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<UnifracCommand>();
  command->files.add_options(app);
  app.add_option("-o,--output", command->output,
                 "Distance matrix: D.npy (sample ids in D.ids.txt beside it), D.tsv, D.h5, or - for TSV on stdout")
      ->required()
      ->check(CLI::Validator(check_output, "FILE"));
  app.add_option("--metric", command->metric,
                 "unweighted, weighted_normalized, weighted_unnormalized, generalized or unweighted_unnormalized")
      ->check(CLI::Validator(check_metric, "METRIC"))
      ->capture_default_str();
  app.add_option(
         "--alpha", command->alpha,
         "Of generalized: weight of abundant branches, 0 (each branch by its relative difference) to 1 (default)")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--variance-adjusted", command->variance_adjusted,
               "Weigh branches by the variance of their reads (Chang 2011); slower");
  app.add_flag("--bypass-tips", command->bypass_tips, "Leave out the branches that end in a feature: other values");
  app.add_option("--precision", command->precision, "Of the sums and of the numbers in .npy and .h5: double or float")
      ->check(CLI::IsMember({"double", "float"}))
      ->capture_default_str();
  app.add_option("--rarefy-depth", command->rarefy_depth_reads,
                 "Reads drawn from each sample first; shallower samples are left out (0: counts as they are)")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  return [command, &shared] { return run_unifrac(*command, shared); };
}

}  // namespace deepbio::tools
