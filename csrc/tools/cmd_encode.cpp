#include <memory>

#include "tools/command.h"
#include "tools/option_flags.h"
#include "tools/printing.h"
#include "tools/reading_progress.h"

#include "deepbio/data/shards.h"

namespace deepbio::tools {
namespace {

struct EncodeCommand {
  std::vector<std::string> files;
  std::string output;
  data::ShardOptions options;
};

int run_encode(EncodeCommand& command, const Shared& shared) {
  data::ShardOptions& options = command.options;
  options.encoder.seed = shared.seed;
  options.open = reading_options();
  options.overwrite = shared.overwrite;
  options.is_interrupted = interrupted;
  const Json metadata = data::write_shards(command.files, command.output, options);
  if (metadata.is_null()) return 128 + interrupt_signal();
  for (const Json& source : metadata.at("sources").as_array()) print_warnings(source);
  say(shared, metadata.at("num_records").dump() + " reads in " +
                  std::to_string(metadata.at("shards").as_array().size()) + " shards written to " +
                  command.output);
  print_json(metadata, shared);
  return 0;
}

}  // namespace

std::function<int()> setup_encode(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<EncodeCommand>();
  app.add_option("FILE", command->files, "FASTA, FASTQ or BAM files, plain or gzip, - for stdin")
      ->required();
  add_path(app, "-o,--output", command->output,
           "Folder for shard-*.safetensors (values, lengths), ids.txt and metadata.json", "FOLDER");
  add_options(app, command->options.encoder.rows());
  return [command, &shared] { return run_encode(*command, shared); };
}

}  // namespace deepbio::tools
