// Deployable files.
#include "bindings/bindings.h"
#include "bindings/named_tensors.h"

#include "deepbio/export/torchscript.h"

namespace deepbio::bindings {
namespace {

void write(const std::string& path, const std::string& config_json,
           const std::map<std::string, torch::Tensor>& state, const std::string& metadata_json,
           bool overwrite) {
  // The module's weights in the C++ shell: tracing needs the mirror module of export/torchscript.h,
  // which is built from it. The seed is of no consequence, as every weight is overwritten.
  const auto model =
      model::make_model(model::ModelConfig::from_json(Json::parse(config_json, "model config")),
                        is_predictor(state), /*seed=*/0);
  train::load_state_dict(*model, to_named(state));
  exporting::write_torchscript(path, *model, metadata_json, overwrite_mode(overwrite));
}

}  // namespace

void bind_export(py::module_& module) {
  module.def("write_torchscript", &write, py::arg("path"), py::arg("config_json"), py::arg("state"),
             py::arg("metadata_json") = "{}", py::arg("overwrite") = false, NoGil());
}

}  // namespace deepbio::bindings
