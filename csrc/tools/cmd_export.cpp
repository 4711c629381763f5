#include "tools/command.h"
#include "tools/printing.h"

#include "deepbio/export/torchscript.h"
#include "deepbio/train/checkpoint.h"

namespace deepbio::tools {
namespace {

struct ExportCommand {
  std::string model, output, format = "torchscript";
};

int run_export(const ExportCommand& command, const Shared& shared) {
  io::refuse_existing(command.output, shared.overwrite_mode());
  const train::RunConfig config = train::read_run_config(command.model);
  const auto model = train::load_model(command.model);
  const Json metadata(Json::Object{{"model", config.model.to_json()},
                                   {"data", config.data.to_json()},
                                   {"target", config.target ? config.target->to_json() : Json()},
                                   {"versions", config.versions}});
  exporting::write_torchscript(command.output, *model, metadata.dump(), shared.overwrite_mode());
  print_json(Json(Json::Object{{"output", command.output}, {"format", command.format}}), shared);
  say(shared, command.output + ": written, reloaded and compared on three shapes");
  return 0;
}

}  // namespace

std::function<int()> setup_export(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<ExportCommand>();
  app.add_option("--model", command->model, "Run directory")->required()->option_text("RUN");
  app.add_option("-o,--output", command->output, "The file to write")->required();
  app.add_option("--format", command->format,
                 "What to write; with the Python package also pt2, aoti, onnx")
      ->check(CLI::IsMember({"torchscript"}))
      ->capture_default_str();
  app.footer(
      "forward(tokens int64 [B, S, L], counts float32 [B, S]); predictions come in the model's "
      "unit, the extra file\n"
      "deepbio.json holds what restores the target's.");
  return [command, &shared] { return run_export(*command, shared); };
}

}  // namespace deepbio::tools
