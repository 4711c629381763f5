#include <ATen/core/Tensor.h>

#include <cmath>
#include <memory>

#include "tools/command.h"
#include "tools/community_input.h"
#include "tools/option_flags.h"
#include "tools/printing.h"

#include "deepbio/community/alpha_diversity.h"
#include "deepbio/community/unifrac.h"
#include "deepbio/io/tables/ids.h"

namespace deepbio::tools {
namespace {

constexpr const char* kFaith = "faith_pd";

struct AlphaCommand {
  CommunityFiles files;
  std::string output = "-", metric = "observed_features";
  double base = community::AlphaOptions().shannon_base;
};

at::Tensor values_of(const AlphaCommand& command, const io::CountTable& table,
                     const Shared& shared) {
  community::check_alpha_tree(command.metric, !command.files.tree.empty());
  if (command.metric == kFaith)
    return community::faith_pd(table, match_tree(command.files, table, shared));
  return community::alpha_diversity(table, command.metric, {command.base});
}

int run_alpha(const AlphaCommand& command, const Shared& shared) {
  io::refuse_existing(command.output, shared.overwrite_mode());
  const io::CountTable table = io::read_table(command.files.table);
  io::require_text_ids(table.sample_ids, command.output);
  const at::Tensor diversity = values_of(command, table, shared);
  const double* values = diversity.const_data_ptr<double>();
  Json rows = Json::array();
  for (int64_t sample = 0; sample < table.num_samples(); ++sample) {
    const Json value = std::isnan(values[sample]) ? Json() : Json(values[sample]);
    rows.push_back(
        Json(Json::Object{{"sample_id", table.sample_ids[sample]}, {command.metric, value}}));
  }
  print_rows(command.output, {"sample_id", command.metric}, rows, shared);
  return 0;
}

}  // namespace

std::function<int()> setup_alpha(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<AlphaCommand>();
  command->files.add_options(app, CommunityFiles::TreeUse::kOptional);
  app.add_option(
         "--metric", command->metric,
         "observed_features, shannon, simpson, inverse_simpson, pielou_evenness, berger_parker, "
         "goods_coverage, chao1, ace; with --tree: faith_pd")
      ->check(check_by(community::check_alpha_or_faith, "METRIC"))
      ->capture_default_str();
  app.add_option("--base", command->base,
                 "Of shannon: base of the logarithm (2 as in QIIME 2; 2.718... in vegan)")
      ->check(above_zero())
      ->capture_default_str();
  app.add_option("-o,--output", command->output,
                 "TSV of sample_id and the metric (empty: undefined), - for stdout")
      ->capture_default_str();
  return [command, &shared] { return run_alpha(*command, shared); };
}

std::function<int()> setup_faith_pd(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<AlphaCommand>();
  command->metric = kFaith;
  command->files.add_options(app);
  app.add_option("-o,--output", command->output, "TSV of sample_id and faith_pd, - for stdout")
      ->capture_default_str();
  return [command, &shared] { return run_alpha(*command, shared); };
}

}  // namespace deepbio::tools
