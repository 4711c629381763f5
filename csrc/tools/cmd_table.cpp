#include <algorithm>
#include <iostream>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "tools/command.h"
#include "tools/community_input.h"
#include "tools/option_flags.h"

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"
#include "deepbio/community/table_merge.h"
#include "deepbio/io/ids.h"
#include "deepbio/io/text.h"

namespace deepbio::tools {
namespace {

struct TableCommand {
  std::string action, output, overlap = "error", samples, features, taxonomy;
  std::vector<std::string> tables;
  int64_t level = 0, min_samples = 0;
  double min_reads = 0;
};

io::CountTable read_tables(const TableCommand& command, const Shared& shared) {
  std::vector<io::CountTable> tables;
  for (const std::string& path : command.tables) {
    tables.push_back(io::read_table(path));
    if (command.action != "summarize") say_left_behind(path, tables.back(), shared);
  }
  if (command.action != "merge" && tables.size() > 1) {
    throw ArgumentError("table " + command.action + " takes one --table, got " + std::to_string(tables.size()));
  }
  if (command.action != "merge") return std::move(tables.front());
  return community::merge(
      tables, command.overlap == "sum" ? community::OverlappingSamples::kSum : community::OverlappingSamples::kError);
}

std::unordered_set<std::string> listed(const std::string& path) {
  const std::vector<std::string> ids = io::read_id_list(path);
  return {ids.begin(), ids.end()};
}

io::CountTable filtered(const TableCommand& command, io::CountTable table) {
  if (!command.samples.empty()) {
    const auto wanted = listed(command.samples);
    std::vector<int64_t> rows;
    for (int64_t i = 0; i < table.num_samples(); ++i) {
      if (wanted.count(table.sample_ids[i])) rows.push_back(i);
    }
    table = community::select_samples(table, rows);
  }
  if (!command.features.empty()) {
    const auto wanted = listed(command.features);
    std::vector<bool> keep;
    for (const std::string& id : table.feature_ids) keep.push_back(wanted.count(id) > 0);
    table = community::select_features(table, keep);
  }
  return community::filter_counts(table, command.min_reads, command.min_samples);
}

void check(const TableCommand& command) {
  const auto belongs = [&](bool is_given, const char* option, const char* action) {
    if (is_given && command.action != action) {
      throw ArgumentError(std::string(option) + " belongs to table " + action + ", got table " + command.action);
    }
  };
  belongs(command.level != 0, "--level", "collapse");
  belongs(command.overlap != "error", "--overlap", "merge");
  belongs(command.min_reads > 0, "--min-reads", "filter");
  belongs(command.min_samples > 0, "--min-samples", "filter");
  belongs(!command.samples.empty(), "--samples", "filter");
  belongs(!command.features.empty(), "--features", "filter");
  if (command.action == "collapse" && command.level == 0) throw ArgumentError("table collapse needs --level N");
  const bool has_output = !command.output.empty();
  if (command.action != "summarize" && !has_output) throw ArgumentError("table " + command.action + " needs -o FILE");
}

void write_table(const std::string& path, const io::CountTable& table, io::Overwrite overwrite) {
  if (path.ends_with(".tsv") || path.ends_with(".txt")) {
    io::write_table_tsv(path, table, overwrite);
  } else {
    io::write_biom(path, table, overwrite);
  }
}

int summarize(const TableCommand& command, const io::CountTable& table, const Shared& shared) {
  const std::vector<double> totals = community::sample_totals(table);
  std::string text = "sample_id\treads\tfeatures\n";
  Json samples = Json::array();
  for (int64_t i = 0; i < table.num_samples(); ++i) {
    const int64_t num_features = table.indptr[i + 1] - table.indptr[i];
    text += table.sample_ids[i] + '\t' + io::number_text(totals[i]) + '\t' + std::to_string(num_features) + '\n';
    samples.push_back(
        Json(Json::Object{{"sample_id", table.sample_ids[i]}, {"reads", totals[i]}, {"features", num_features}}));
  }
  if (!shared.json || !command.output.empty()) {
    io::write_file(command.output.empty() ? "-" : command.output, text, shared.overwrite_mode());
  }
  if (shared.json) std::cout << samples.dump() << "\n";
  return 0;
}

int run_table(const TableCommand& command, const Shared& shared) {
  check(command);
  if (!command.output.empty() && command.output != "-") io::refuse_existing(command.output, shared.overwrite_mode());
  io::CountTable table = read_tables(command, shared);
  if (command.action == "summarize") return summarize(command, table, shared);
  if (command.action == "filter") table = filtered(command, std::move(table));
  if (!command.taxonomy.empty()) table = community::with_lineages(table, io::read_metadata(command.taxonomy));
  if (command.action == "collapse") table = community::collapse(table, command.level);
  write_table(command.output, table, shared.overwrite_mode());
  say(shared, std::to_string(table.num_samples()) + " samples, " + std::to_string(table.num_features()) +
                  " features written to " + command.output);
  if (shared.json) {
    const Json out(Json::Object{
        {"output", command.output}, {"num_samples", table.num_samples()}, {"num_features", table.num_features()}});
    std::cout << out.dump() << "\n";
  }
  return 0;
}

}  // namespace

std::function<int()> setup_table(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<TableCommand>();
  app.add_option("action", command->action,
                 "convert (to BIOM 2.1, or text for .tsv), filter, merge, collapse (by taxonomy), summarize")
      ->required()
      ->check(CLI::IsMember({"convert", "filter", "merge", "collapse", "summarize"}));
  app.add_option("--table", command->tables, "Feature table: BIOM 2.x, BIOM 1.0, text or .qza; several for merge")
      ->required();
  app.add_option("-o,--output", command->output, "OUT.biom, or OUT.tsv for text; of summarize a TSV (stdout)");
  app.add_option("--min-reads", command->min_reads, "filter: reads that a sample must have")->check(zero_or_more());
  app.add_option("--min-samples", command->min_samples, "filter: samples that a feature must be in")
      ->check(zero_or_more());
  app.add_option("--samples", command->samples, "filter: file with the ids to keep in its first column");
  app.add_option("--features", command->features, "filter: file with the ids to keep in its first column");
  app.add_option("--level", command->level, "collapse: levels of the lineage to keep (1: kingdom, 6: genus)")
      ->check(above_zero());
  app.add_option("--taxonomy", command->taxonomy, "Lineages of the features: TSV with Feature ID and Taxon, or .qza");
  app.add_option("--overlap", command->overlap,
                 "merge: a sample in two tables is an error, or their counts are added (sum)")
      ->check(CLI::IsMember({"error", "sum"}))
      ->capture_default_str();
  return [command, &shared] { return run_table(*command, shared); };
}

}  // namespace deepbio::tools
