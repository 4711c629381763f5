// The options of the library for Python: the rows that declare them, and values read, checked and
// completed by them.
#include "bindings/bindings.h"
#include "bindings/json_value.h"

#include "deepbio/base/error.h"
#include "deepbio/data/encoder.h"
#include "deepbio/model/config.h"
#include "deepbio/train/study.h"
#include "deepbio/train/trainer.h"

namespace deepbio::bindings {
namespace {

template <class Options>
Json resolved(const Json& given) {
  const auto options = Options::from_json(given);
  options.check();
  return options.to_json();
}

// Rows point into a struct, whose present values are the defaults: a fresh one is made for each
// call.
Json rows_of(const std::string& kind) {
  model::ModelConfig model;
  train::TrainingOptions training;
  train::StudyOptions study;
  data::EncoderOptions encoder;
  if (kind == "model") return describe(model.rows());
  if (kind == "training") return describe(training.rows());
  if (kind == "loss") return describe(training.loss.rows());
  if (kind == "study") return describe(study.rows());
  if (kind == "encoder") return describe(encoder.rows());
  throw ArgumentError("options: expected model, training, loss, study or encoder, got " +
                      quoted(kind));
}

// Study options by name, checked by their rows, defaults included.
Json study_options(const Json& given) {
  train::StudyOptions options;
  const OptionRows rows = options.rows();
  from_json(rows, given);
  return to_json(rows);
}

}  // namespace

void bind_options(py::module_& module) {
  module.def("option_rows", &rows_of, py::arg("kind"));
  module.def("model_config", &resolved<model::ModelConfig>, py::arg("options"));
  module.def("training_options", &resolved<train::TrainingOptions>, py::arg("options"));
  module.def("loss_options", &resolved<train::LossOptions>, py::arg("options"));
  module.def("study_options", &study_options, py::arg("options"));
  module.def(
      "num_quantiles",
      [](const Json& options) { return train::LossOptions::from_json(options).num_quantiles(); },
      py::arg("options"));
}

}  // namespace deepbio::bindings
