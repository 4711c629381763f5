#include <ATen/ATen.h>

#include "tools/command.h"
#include "tools/option_flags.h"
#include "tools/printing.h"
#include "tools/sample_data.h"

#include "deepbio/train/embeddings.h"
#include "deepbio/train/predictor.h"

namespace deepbio::tools {
namespace {

struct EmbedCommand {
  PredictionFiles files;
  std::string output;
  train::PredictOptions options;
};

int run_embed(EmbedCommand& command, const Shared& shared) {
  if (shared.group != nullptr) command.options.group = *shared.group;
  io::refuse_existing(command.output, shared.overwrite_mode());
  const auto model = train::load_model(command.files.model);
  const train::PredictionData data =
      read_prediction_data(command.files, train::read_run_config(command.files.model),
                           shared.quiet || !command.options.group.is_first(), false);
  const at::Tensor vectors = train::embed(*model, *data.dataset, data.samples, command.options);
  if (!command.options.group.is_first()) return 0;
  train::write_embeddings(command.output, data.table->sample_ids, vectors, shared.overwrite_mode());
  if (command.output != "-") {
    print_json(Json(Json::Object{{"output", command.output},
                                 {"num_samples", vectors.size(0)},
                                 {"embedding_dim", vectors.size(1)},
                                 {"left_out", Json::array_of(data.left_out)}}),
               shared);
  }
  return 0;
}

}  // namespace

std::function<int()> setup_embed(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<EmbedCommand>();
  command->files.add_options(app);
  add_path(app, "-o,--output", command->output,
           "Vectors: .npy (with .ids.txt beside it), .safetensors (tensor `embeddings`, ids in its "
           "metadata), else TSV");
  add_options(app, command->options.rows());
  return [command, &shared] { return run_embed(*command, shared); };
}

}  // namespace deepbio::tools
