#include <ATen/ATen.h>

#include <charconv>
#include <iostream>

#include "tools/allocator.h"
#include "tools/command.h"
#include "tools/sample_data.h"

#include "deepbio/base/error.h"
#include "deepbio/io/matrix.h"
#include "deepbio/train/predictor.h"

namespace deepbio::tools {
namespace {

struct EmbedCommand {
  PredictionFiles files;
  std::string output;
  train::PredictOptions options;
};

bool ends_with(const std::string& text, const std::string& ending) {
  return text.size() >= ending.size() && text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

void write_tsv(const std::string& path, const std::vector<std::string>& ids, const at::Tensor& vectors,
               io::Overwrite overwrite) {
  std::string text = "sample_id";
  for (int64_t column = 0; column < vectors.size(1); ++column) text += "\tembedding_" + std::to_string(column);
  const float* value = vectors.data_ptr<float>();
  for (const std::string& id : ids) {
    text.append("\n").append(id);
    for (int64_t column = 0; column < vectors.size(1); ++column) {
      char number[32];
      const auto end = std::to_chars(number, number + sizeof number, *value++).ptr;
      text.append("\t").append(number, end);
    }
  }
  io::write_file(path, text + "\n", overwrite);
}

int run_embed(const EmbedCommand& command, const Shared& shared) {
  keep_freed_blocks();
  io::refuse_existing(command.output, command.output == "-" ? io::Overwrite::kAllow : shared.overwrite_mode());
  const auto model = train::load_model(command.files.model);
  const train::PredictionData data = read_prediction_data(command.files, train::read_run_config(command.files.model),
                                                          shared.quiet, /*with_covariates=*/false);
  const at::Tensor vectors = train::embed(*model, *data.dataset, data.samples, command.options).contiguous();
  if (ends_with(command.output, ".npy")) {
    io::NpyArray array;
    array.shape = vectors.sizes().vec();
    array.values.assign(vectors.data_ptr<float>(), vectors.data_ptr<float>() + vectors.numel());
    io::write_npy(command.output, array, shared.overwrite_mode(), /*as_float32=*/true);
    std::string ids;
    for (const std::string& id : data.table->sample_ids) ids += id + "\n";
    io::write_file(command.output.substr(0, command.output.size() - 4) + ".ids.txt", ids, shared.overwrite_mode());
  } else if (ends_with(command.output, ".safetensors")) {
    train::save_tensors(command.output, {{"embeddings", vectors}},
                        {{"sample_ids", Json::array_of(data.table->sample_ids).dump()}});
  } else {
    write_tsv(command.output, data.table->sample_ids, vectors, shared.overwrite_mode());
  }
  if (shared.json && command.output != "-") {
    const Json out(Json::Object{{"output", command.output},
                                {"num_samples", vectors.size(0)},
                                {"embedding_dim", vectors.size(1)},
                                {"left_out", Json::array_of(data.left_out)}});
    std::cout << out.dump() << "\n";
  }
  return 0;
}

}  // namespace

std::function<int()> setup_embed(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<EmbedCommand>();
  command->files.add_options(app);
  app.add_option(
         "-o,--output", command->output,
         "Vectors: .npy (with .ids.txt beside it), .safetensors (tensor `embeddings`, ids in its metadata), else TSV")
      ->required();
  app.add_option("--batch-size", command->options.batch_size, "Samples at a time")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  return [command, &shared] { return run_embed(*command, shared); };
}

}  // namespace deepbio::tools
