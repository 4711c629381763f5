#include <memory>

#include "tools/command.h"
#include "tools/community_input.h"
#include "tools/printing.h"

#include "deepbio/base/error.h"
#include "deepbio/community/table.h"

namespace deepbio::tools {
namespace {

struct RarefyCommand {
  std::string table, output;
  community::RarefyOptions options;
};

std::string check_depth(const std::string& text) {
  const bool is_whole = !text.empty() && text.size() < 19 &&
                        text.find_first_not_of("0123456789") == std::string::npos;
  const bool is_positive = is_whole && text.find_first_not_of('0') != std::string::npos;
  return is_positive ? std::string()
                     : "expected a whole number of reads from 1, got " + quoted(text);
}

int run_rarefy(const RarefyCommand& command, const Shared& shared) {
  io::refuse_existing(command.output, shared.overwrite_mode());
  community::RarefyOptions options = command.options;
  options.seed = shared.seed;
  const io::CountTable table = io::read_table(command.table);
  const auto result = community::rarefy(table, options);
  io::write_biom(command.output, result.table, shared.overwrite_mode());
  say(shared, std::to_string(result.table.num_samples()) + " samples of " +
                  std::to_string(options.depth_reads) + " reads over " +
                  std::to_string(result.table.num_features()) + " features written to " +
                  command.output + "; " + std::to_string(result.dropped_samples.size()) +
                  " samples were too shallow");
  say_left_behind(command.table, table, shared);
  print_json(Json(Json::Object{{"output", command.output},
                               {"depth", options.depth_reads},
                               {"num_samples", result.table.num_samples()},
                               {"num_features", result.table.num_features()},
                               {"dropped_samples", Json::array_of(result.dropped_samples)}}),
             shared);
  return 0;
}

}  // namespace

std::function<int()> setup_rarefy(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<RarefyCommand>();
  add_table_option(app, command->table);
  app.add_option("-o,--output", command->output, "BIOM 2.1 table of the draw")->required();
  app.add_option("--depth", command->options.depth_reads,
                 "Reads drawn from each sample; shallower samples are left out")
      ->check(CLI::Validator(check_depth, "READS"))
      ->required();
  app.add_flag("--with-replacement", command->options.with_replacement,
               "Put each read back (multinomial draw); samples with fewer reads are kept");
  return [command, &shared] { return run_rarefy(*command, shared); };
}

}  // namespace deepbio::tools
