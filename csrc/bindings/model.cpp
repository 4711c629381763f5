// The C++ shell of the models, for comparison with the Python one and for what runs in C++.
#include <torch/utils.h>

#include "bindings/bindings.h"
#include "bindings/named_tensors.h"

#include "deepbio/base/error.h"
#include "deepbio/model/aam.h"

namespace deepbio::bindings {
namespace {

using Tensors = std::map<std::string, torch::Tensor>;

// The order of registration in C++: a Python module must have the same, since optimizers number
// parameters by it.
std::vector<std::string> parameter_names(const std::string& config_json, bool predictor) {
  const auto model =
      model::make_model(model::ModelConfig::from_json(Json::parse(config_json, "model config")),
                        predictor, /*seed=*/0);
  return model->named_parameters().keys();
}

torch::Tensor tensor_of(const py::dict& inputs, const char* name) {
  return inputs.contains(name) ? inputs[name].cast<torch::Tensor>() : torch::Tensor();
}

model::Inputs to_inputs(const py::dict& inputs) {
  std::map<std::string, torch::Tensor> categorical;
  if (inputs.contains("categorical_ids")) categorical = inputs["categorical_ids"].cast<Tensors>();
  const torch::Tensor counts = tensor_of(inputs, "counts");
  // AAM's padded form [B, S, L]; it becomes distinct ASVs and their places here, so that the model
  // has one way.
  if (inputs.contains("tokens"))
    return model::inputs_from_padded(tensor_of(inputs, "tokens"), counts, categorical);
  model::Inputs out;
  out.asv_tokens = tensor_of(inputs, "asv_tokens");
  out.asv_embeddings = tensor_of(inputs, "asv_embeddings");
  out.asv_index = tensor_of(inputs, "asv_index");
  out.mask = tensor_of(inputs, "mask");
  out.counts = counts;
  out.categorical_ids = categorical;
  return out;
}

// Outputs that this model does not have are left out, so that a dict shows what there is.
py::dict to_python(const model::Outputs& outputs) {
  py::dict out;
  const auto put = [&out](const char* name, const torch::Tensor& tensor) {
    if (tensor.defined()) out[name] = tensor;
  };
  put("target_prediction", outputs.target_prediction);
  put("count_prediction", outputs.count_prediction);
  put("base_embeddings", outputs.base_embeddings);
  put("target_distribution", outputs.target_distribution);
  put("bin_edges", outputs.bin_edges);
  put("embeddings", outputs.embeddings);
  put("base_prediction", outputs.base_prediction);
  put("unifrac_pred", outputs.unifrac_pred);
  put("faith_pred", outputs.faith_pred);
  put("tax_pred", outputs.tax_pred);
  put("nuc_predictions", outputs.nuc_predictions);
  put("gmu_gate", outputs.gmu_gate);
  put("cross_attn_weights", outputs.cross_attn_weights);
  put("perceiver_attn_weights", outputs.perceiver_attn_weights);
  return out;
}

py::dict forward(const std::string& config_json, const Tensors& state, const py::dict& inputs,
                 bool return_nucleotides) {
  const auto model =
      model::make_model(model::ModelConfig::from_json(Json::parse(config_json, "model config")),
                        is_predictor(state), /*seed=*/0);
  train::load_state_dict(*model, to_named(state));
  // Dropout off: this is for comparing with the Python shell and for prediction.
  model->eval();
  const model::Inputs converted = to_inputs(inputs);
  const model::Outputs outputs = [&] {
    const py::gil_scoped_release no_gil;
    const torch::NoGradGuard no_grad;
    return model->forward(
        converted, {.return_nucleotides = return_nucleotides, .return_sample_embeddings = true});
  }();
  return to_python(outputs);
}

}  // namespace

bool is_predictor(const std::map<std::string, torch::Tensor>& state) {
  // A predictor holds its encoder under this name; an encoder by itself has no such prefix. Names
  // are in order, so one look is enough.
  const auto first = state.lower_bound("base_model.");
  return first != state.end() && first->first.starts_with("base_model.");
}

void bind_model(py::module_& module) {
  module.def(
      "known_levels",
      [](const std::string& known_inputs) {
        model::ModelConfig config;
        config.known_inputs = known_inputs;
        return config.known_levels();
      },
      py::arg("known_inputs"));
  module.def("encoder_layer_weights", [] {
    std::vector<std::string> names;
    for (const auto& weight : model::functional::kLayerWeights) names.emplace_back(weight.name);
    return names;
  });
  module.def("parameter_names", &parameter_names, py::arg("config_json"), py::arg("is_predictor"));
  module.def("model_forward", &forward, py::arg("config_json"), py::arg("state"), py::arg("inputs"),
             py::arg("return_nucleotides") = false);
}

}  // namespace deepbio::bindings
