#include <memory>

#include "tools/command.h"
#include "tools/community_input.h"
#include "tools/option_flags.h"
#include "tools/printing.h"

#include "deepbio/base/error.h"
#include "deepbio/community/table_edit.h"
#include "deepbio/community/table_merge.h"
#include "deepbio/io/formats.h"
#include "deepbio/io/tables/ids.h"
#include "deepbio/io/tables/metadata.h"

namespace deepbio::tools {
namespace {

struct TableCommand {
  std::string output, samples, features, taxonomy;  // files; samples and features list ids
  std::vector<std::string> tables;
  community::TableEdit edit;
};

std::vector<io::CountTable> read_tables(const TableCommand& command, const Shared& shared) {
  std::vector<io::CountTable> tables;
  for (const std::string& path : command.tables) {
    tables.push_back(io::read_table(path));
    if (command.edit.action != "summarize") say_left_behind(path, tables.back(), shared);
  }
  return tables;
}

int run_table(const TableCommand& command, const Shared& shared) {
  community::TableEdit edit = command.edit;
  if (!command.samples.empty()) edit.samples = io::read_id_list(command.samples);
  if (!command.features.empty()) edit.features = io::read_id_list(command.features);
  edit.check(static_cast<int64_t>(command.tables.size()));
  const bool is_summary = edit.action == "summarize";
  if (!is_summary && command.output.empty())
    throw ArgumentError("table " + edit.action + " needs -o FILE");
  io::refuse_existing(command.output, shared.overwrite_mode());
  std::vector<io::CountTable> tables = read_tables(command, shared);
  if (!command.taxonomy.empty())
    tables[0] = community::with_lineages(tables[0], io::read_metadata(command.taxonomy));
  const io::CountTable table = edit.apply(std::move(tables));
  if (is_summary) {
    const std::string output = command.output.empty() ? "-" : command.output;
    print_rows(output, {"sample_id", "reads", "features"}, community::summarize(table), shared);
    return 0;
  }
  io::write_table(command.output, table, shared.overwrite_mode());
  say(shared, std::to_string(table.num_samples()) + " samples, " +
                  std::to_string(table.num_features()) + " features written to " + command.output);
  print_json(Json(Json::Object{{"output", command.output},
                               {"num_samples", table.num_samples()},
                               {"num_features", table.num_features()}}),
             shared);
  return 0;
}

}  // namespace

std::function<int()> setup_table(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<TableCommand>();
  app.add_option("action", command->edit.action,
                 "convert (to BIOM 2.1, or text for .tsv), filter, merge, collapse (by taxonomy), "
                 "summarize")
      ->required()
      ->check(CLI::IsMember({"convert", "filter", "merge", "collapse", "summarize"}));
  app.add_option("--table", command->tables,
                 "Feature table: " + io::format_names(io::FileKind::kTable) + "; several for merge")
      ->required();
  app.add_option("-o,--output", command->output,
                 "OUT.biom, or OUT.tsv for text; of summarize a TSV (stdout)");
  app.add_option("--min-reads", command->edit.min_reads, "filter: reads that a sample must have")
      ->check(zero_or_more());
  app.add_option("--min-samples", command->edit.min_samples,
                 "filter: samples that a feature must be in")
      ->check(zero_or_more());
  app.add_option("--samples", command->samples,
                 "filter: file with the ids to keep in its first column");
  app.add_option("--features", command->features,
                 "filter: file with the ids to keep in its first column");
  app.add_option("--level", command->edit.level,
                 "collapse: levels of the lineage to keep (1: kingdom, 6: genus)")
      ->check(above_zero());
  app.add_option("--taxonomy", command->taxonomy,
                 "Lineages of the features: TSV with Feature ID and Taxon, or .qza");
  add_choice(app, "--overlap", command->edit.overlap,
             "merge: a sample in two tables is an error, or their counts are added (sum)",
             {"error", "sum"});
  return [command, &shared] { return run_table(*command, shared); };
}

}  // namespace deepbio::tools
