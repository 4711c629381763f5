// Tracing records the operators of one example and would record its sizes with them. The model is
// written so that none is read as a number; that this holds is tried on other shapes before a file
// is written, as a graph bound to one shape would only fail at its user's.
#include "deepbio/export/torchscript.h"

#include <ATen/Functions.h>
#include <c10/util/ScopeExit.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/utils.h>

#include <algorithm>
#include <memory>
#include <sstream>
#include <vector>

#include "deepbio/base/error.h"

namespace deepbio::exporting {
namespace {

using torch::Tensor;

// The same tensors under the same names, as a script module; the tracer finds them there and writes
// attribute reads.
torch::jit::Module mirror(const torch::nn::Module& module, const std::string& name,
                          const std::shared_ptr<torch::jit::CompilationUnit>& unit) {
  torch::jit::Module out(c10::QualifiedName("__torch__.deepbio." + name), unit, true);
  for (const auto& item : module.named_parameters(false))
    // The same storage, not a copy: the tracer knows attributes by their tensors.
    out.register_parameter(item.key(), item.value(), false);
  for (const auto& item : module.named_buffers(false))
    out.register_buffer(item.key(), item.value());
  for (const auto& item : module.named_children()) {
    out.register_module(item.key(), mirror(*item.value(), "Part", unit));
  }
  return out;
}

Tensor predict(model::AamModel& model, const std::vector<Tensor>& arguments) {
  model::CategoricalIds ids;
  int64_t column = 0;
  if (arguments.size() > 2) {
    for (const auto& item : model.config().categorical_cardinalities) {
      // A map's order is alphabetic, that of the columns in the header.
      ids[item.first] = arguments[2].select(1, column++);
    }
  }
  const model::Outputs out =
      model.forward(model::inputs_from_padded(arguments[0], arguments[1], ids),
                    {.embed_samples = !model.is_predictor()});
  if (model.is_predictor()) return out.target_prediction;
  return out.embeddings.defined() ? out.embeddings : out.base_prediction;
}

struct Shape {
  int64_t samples, asvs, length;
};

// Padded slots, padded tails and one full row; the last sample has one ASV only.
std::vector<Tensor> example(const model::ModelConfig& config, const Shape& shape) {
  const int64_t asvs = std::min(shape.asvs, config.token_limit),
                length = std::min(shape.length, config.max_bp + 1);
  const auto place = at::arange(length).view({1, 1, -1}), slot = at::arange(asvs).view({1, -1, 1}),
             sample = at::arange(shape.samples).view({-1, 1, 1});
  // Letters by arithmetic: the same example everywhere, and neighbours that differ.
  const Tensor letters = (place * 7 + slot * 5 + sample * 3 + place * slot).remainder(4) + 1;
  const Tensor real = (place.le(length - 1 - slot.remainder(length)))
                          .logical_and(slot.le(asvs - 1 - sample.clamp_max(asvs - 1)));
  std::vector<Tensor> arguments{letters.mul(real).to(at::kLong)};
  arguments.push_back(real.select(2, 0).to(at::kFloat) * (slot + sample + 1).squeeze(-1));
  std::vector<Tensor> ids;
  for (const auto& item : config.categorical_cardinalities) {
    ids.push_back(at::arange(shape.samples, at::kLong).remainder(item.second));
  }
  if (!ids.empty()) arguments.push_back(at::stack(ids, 1));
  return arguments;
}

torch::jit::Module trace(model::AamModel& model) {
  auto unit = std::make_shared<torch::jit::CompilationUnit>();
  torch::jit::Module script = mirror(model, "Model", unit);
  std::vector<std::string> names{"tokens", "counts"};
  torch::jit::Stack inputs;
  for (const Tensor& argument : example(model.config(), {2, 3, 12})) inputs.emplace_back(argument);
  if (inputs.size() > 2) names.emplace_back("categorical_ids");
  const auto run = [&model](const torch::jit::Stack& stack) {
    std::vector<Tensor> arguments;
    for (const auto& value : stack) arguments.push_back(value.toTensor());
    return torch::jit::Stack{predict(model, arguments)};
  };
  // A lookup of names that gives none, and `strict` as torch.jit.trace has it; the mirror is passed
  // so that parameters become attributes instead of constants.
  const auto state =
      torch::jit::tracer::trace(
          inputs, run, [](const torch::autograd::Variable&) { return std::string(); }, true, false,
          &script, names)
          .first;
  auto* function =
      unit->create_function(c10::QualifiedName(*script.type()->name(), "forward"), state->graph);
  script.type()->addMethod(function);
  script.eval();
  return script;
}

void compare(const torch::jit::Module& script, model::AamModel& model, const Shape& shape) {
  const std::vector<Tensor> arguments = example(model.config(), shape);
  // forward is not const; a copy of the module shares its tensors.
  torch::jit::Module copy = script;
  const Tensor got = copy.forward({arguments.begin(), arguments.end()}).toTensor();
  const Tensor expected = predict(model, arguments);
  // Kernels may be fused in another order after loading: equal to rounding, NaN equal to NaN.
  if (got.sizes() == expected.sizes() && at::allclose(got, expected, 1e-4, 1e-5, true)) return;
  throw Error(
      "TorchScript export: the reloaded model differs from the original for tokens " +
      c10::str(arguments[0].sizes()) + ": expected " + c10::str(expected.sizes()) + ", got " +
      c10::str(got.sizes()) +
      (got.sizes() == expected.sizes()
           ? ", largest difference " + std::to_string((got - expected).abs().max().item<double>())
           : ""));
}

}  // namespace

void write_torchscript(const std::string& path, model::AamModel& model,
                       const std::string& metadata_json, io::Overwrite overwrite) {
  if (!model.is_predictor() && model.config().encoder_type == "combined") {
    throw ArgumentError(
        "TorchScript export: expected a model with one output, got encoder_type combined");
  }
  // Before the work: tracing a large model takes a while.
  io::refuse_existing(path, overwrite);
  torch::NoGradGuard no_grad;
  const bool was_training = model.is_training();
  model.eval();
  const auto restore = c10::make_scope_exit([&] { model.train(was_training); });
  std::ostringstream bytes;
  trace(model).save(bytes, {{"deepbio.json", metadata_json}});
  std::istringstream again(bytes.str());
  const torch::jit::Module reloaded = torch::jit::load(again);
  for (const Shape& shape : {Shape{1, 1, 2}, Shape{3, 5, 40}, Shape{5, 2, 7}})
    compare(reloaded, model, shape);
  io::write_file(path, bytes.str(), overwrite);
}

}  // namespace deepbio::exporting
