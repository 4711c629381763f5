#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>

#include "tools/command.h"
#include "tools/community_input.h"
#include "tools/option_flags.h"
#include "tools/printing.h"

#include "deepbio/community/beta_diversity.h"
#include "deepbio/community/distance_parts.h"

namespace deepbio::tools {
namespace {

struct UnifracCommand {
  CommunityFiles files;
  std::string output;
  community::DistanceRequest request;
  PcoaFiles pcoa;  // their output "" when they are not asked for
  int64_t rarefy_depth_reads = 0;
};

io::CountTable load_table(const UnifracCommand& command, const Shared& shared) {
  io::CountTable table = io::read_table(command.files.table);
  if (command.rarefy_depth_reads == 0) return table;
  auto result = community::rarefy(table, {command.rarefy_depth_reads, false, shared.seed, 0});
  if (!result.dropped_samples.empty()) {
    say(shared, "left out " + std::to_string(result.dropped_samples.size()) +
                    " samples with fewer than " + std::to_string(command.rarefy_depth_reads) +
                    " reads");
  }
  return std::move(result.table);
}

int run_unifrac(const UnifracCommand& command, const Shared& shared) {
  const community::DistanceRequest& request = command.request;
  request.check(!command.files.tree.empty(), command.files.root != "given");
  request.check_output(command.output, !command.pcoa.output.empty());
  for (const std::string& output : {command.output, command.pcoa.output})
    io::refuse_existing(output, shared.overwrite_mode());
  const io::CountTable table = load_table(command, shared);
  std::optional<community::Phylogeny> phylogeny;
  if (request.needs_tree()) phylogeny = match_tree(command.files, table, shared);
  const at::Tensor distances = community::write_requested_distances(
      command.output, request, table, phylogeny ? &*phylogeny : nullptr, shared.overwrite_mode());
  if (!command.pcoa.output.empty()) command.pcoa.write(table.sample_ids, distances, shared);
  say(shared, request.metric + " distances of " + std::to_string(table.num_samples()) +
                  " samples written to " + command.output);
  print_json(Json(Json::Object{{"output", command.output},
                               {"metric", request.metric},
                               {"num_samples", table.num_samples()},
                               {"num_features", table.num_features()},
                               {"num_missing_features",
                                static_cast<int64_t>(phylogeny ? phylogeny->missing.size() : 0)}}),
             shared);
  return 0;
}

}  // namespace

std::function<int()> setup_unifrac(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<UnifracCommand>();
  command->files.add_options(app, CommunityFiles::TreeUse::kOptional);
  app.add_option("-o,--output", command->output,
                 "Distance matrix: D.npy (sample ids in D.ids.txt beside it), D.tsv, D.h5, or - "
                 "for TSV on stdout; D.safetensors of --part")
      ->required()
      ->check(check_by(community::check_distances_file, "FILE"));
  app.add_option("--metric", command->request.metric,
                 "unweighted, weighted_normalized, weighted_unnormalized, generalized or "
                 "unweighted_unnormalized; without --tree: " +
                     community::beta_metric_names())
      ->check(check_by(community::check_distance_metric, "METRIC"))
      ->capture_default_str();
  app.add_option("--alpha", command->request.alpha,
                 "Of generalized: weight of abundant branches, 0 (each branch by its relative "
                 "difference) to 1 (default)")
      ->check(zero_or_more());
  app.add_flag("--variance-adjusted", command->request.variance_adjusted,
               "Weigh branches by the variance of their reads (Chang 2011); slower");
  app.add_flag("--bypass-tips", command->request.bypass_tips,
               "Leave out the branches that end in a feature: other values");
  add_choice(app, "--precision", command->request.precision,
             "Of the sums and of the numbers in .npy and .h5: double or float",
             {"double", "float"});
  app.add_option("--rarefy-depth", command->rarefy_depth_reads,
                 "Reads drawn from each sample first; shallower samples are left out (0: counts as "
                 "they are)")
      ->check(zero_or_more())
      ->capture_default_str();
  app.add_option("--pseudocount", command->request.pseudocount,
                 "Of aitchison: added to every count (1)")
      ->check(above_zero());
  app.add_option(
      "--part", command->request.part,
      "I/N: only the I-th of N parts, for the jobs of a cluster; deepbio merge-distances "
      "puts all together");
  app.add_option("--pcoa", command->pcoa.output,
                 "Principal coordinates as well: P.tsv, or any other name for scikit-bio's and "
                 "QIIME 2's ordination text");
  command->pcoa.add_options(app, "pcoa-");
  return [command, &shared] { return run_unifrac(*command, shared); };
}

}  // namespace deepbio::tools
