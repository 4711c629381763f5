#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>

#include "tools/command.h"
#include "tools/community_input.h"
#include "tools/option_flags.h"
#include "tools/printing.h"

#include "deepbio/base/error.h"
#include "deepbio/community/beta_diversity.h"
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
  std::optional<double> pseudocount;
  PcoaFiles pcoa;  // their output "" when they are not asked for
  bool variance_adjusted = false, bypass_tips = false;
  bool needs_tree() const { return !community::is_beta_metric(metric); }
  int64_t rarefy_depth_reads = 0;
};

std::string check_metric(const std::string& name) {
  if (community::is_beta_metric(name)) return {};
  try {
    community::parse_metric(name);
    return {};
  } catch (const ArgumentError& error) {
    return std::string(error.what()) + "; without a tree: " + community::beta_metric_names();
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

// Options that belong to the other kind of distance are refused rather than passed over.
void check_options(const UnifracCommand& command) {
  const auto refuse = [&](bool is_given, const char* option, const char* owner) {
    if (is_given)
      throw ArgumentError(std::string(option) + " belongs to " + owner + ", got --metric " + command.metric);
  };
  refuse(command.pseudocount && command.metric != "aitchison", "--pseudocount", "--metric aitchison");
  if (command.needs_tree()) {
    if (command.files.tree.empty()) throw ArgumentError("--metric " + command.metric + " needs --tree FILE");
    return;
  }
  refuse(!command.files.tree.empty(), "--tree", "UniFrac");
  refuse(command.files.root != "given", "--root", "UniFrac");
  refuse(command.alpha.has_value(), "--alpha", "--metric generalized");
  refuse(command.variance_adjusted, "--variance-adjusted", "UniFrac");
  refuse(command.bypass_tips, "--bypass-tips", "UniFrac");
}

struct Distances {
  at::Tensor values;  // float64 [N, N]
  int64_t num_missing_features = 0;
};

Distances distances_of(const UnifracCommand& command, const io::CountTable& table, const Shared& shared) {
  if (!command.needs_tree()) {
    community::BetaOptions options{community::parse_beta_metric(command.metric)};
    options.pseudocount = command.pseudocount.value_or(options.pseudocount);
    return {community::beta_diversity(table, options), 0};
  }
  const community::Phylogeny phylogeny = match_tree(command.files, table, shared);
  return {community::unifrac(table, phylogeny, options_of(command)).to(at::kDouble),
          static_cast<int64_t>(phylogeny.missing.size())};
}

int run_unifrac(const UnifracCommand& command, const Shared& shared) {
  check_options(command);
  if (command.output != "-") io::refuse_existing(command.output, shared.overwrite_mode());
  if (!command.pcoa.output.empty()) io::refuse_existing(command.pcoa.output, shared.overwrite_mode());
  const io::CountTable table = load_table(command, shared);
  const auto [distances, num_missing_features] = distances_of(command, table, shared);
  io::DistanceMatrix matrix;
  matrix.ids = table.sample_ids;
  matrix.num_rows = table.num_samples();
  const double* values = distances.const_data_ptr<double>();
  matrix.values.assign(values, values + distances.numel());
  io::write_distances(command.output, matrix, {shared.overwrite_mode(), command.precision == "float"});
  say(shared,
      command.metric + " distances of " + std::to_string(matrix.num_rows) + " samples written to " + command.output);
  if (!command.pcoa.output.empty()) command.pcoa.write(table.sample_ids, distances, shared);
  print_json(Json(Json::Object{{"output", command.output},
                               {"metric", command.metric},
                               {"num_samples", matrix.num_rows},
                               {"num_features", table.num_features()},
                               {"num_missing_features", num_missing_features}}),
             shared);
  return 0;
}

}  // namespace

std::function<int()> setup_unifrac(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<UnifracCommand>();
  command->files.add_options(app, CommunityFiles::TreeUse::kOptional);
  app.add_option("-o,--output", command->output,
                 "Distance matrix: D.npy (sample ids in D.ids.txt beside it), D.tsv, D.h5, or - for TSV on stdout")
      ->required()
      ->check(CLI::Validator(check_output, "FILE"));
  app.add_option("--metric", command->metric,
                 "unweighted, weighted_normalized, weighted_unnormalized, generalized or unweighted_unnormalized; "
                 "without --tree: " +
                     community::beta_metric_names())
      ->check(CLI::Validator(check_metric, "METRIC"))
      ->capture_default_str();
  app.add_option(
         "--alpha", command->alpha,
         "Of generalized: weight of abundant branches, 0 (each branch by its relative difference) to 1 (default)")
      ->check(zero_or_more());
  app.add_flag("--variance-adjusted", command->variance_adjusted,
               "Weigh branches by the variance of their reads (Chang 2011); slower");
  app.add_flag("--bypass-tips", command->bypass_tips, "Leave out the branches that end in a feature: other values");
  add_choice(app, "--precision", command->precision, "Of the sums and of the numbers in .npy and .h5: double or float",
             {"double", "float"});
  app.add_option("--rarefy-depth", command->rarefy_depth_reads,
                 "Reads drawn from each sample first; shallower samples are left out (0: counts as they are)")
      ->check(zero_or_more())
      ->capture_default_str();
  app.add_option("--pseudocount", command->pseudocount, "Of aitchison: added to every count (1)")->check(above_zero());
  app.add_option(
      "--pcoa", command->pcoa.output,
      "Principal coordinates as well: P.tsv, or any other name for scikit-bio's and QIIME 2's ordination text");
  command->pcoa.add_options(app, "pcoa-");
  return [command, &shared] { return run_unifrac(*command, shared); };
}

}  // namespace deepbio::tools
