// The table of metrics, and metrics of answers that Python holds.
#include "deepbio/train/metrics.h"

#include "bindings/bindings.h"
#include "bindings/json_value.h"

namespace deepbio::bindings {
namespace {

// Python's docs, reports and choices of a metric are made from these rows, so that a new metric is
// added in C++ alone.
Json metric_rows() {
  Json out = Json::array();
  for (const train::Metric& metric : train::metrics()) {
    out.push_back(Json(Json::Object{{"name", metric.name},
                                    {"help", metric.help},
                                    {"is_bigger_better", metric.is_bigger_better},
                                    {"is_shown", metric.is_shown},
                                    {"of_numbers", metric.of_numbers != nullptr},
                                    {"of_classes", metric.of_classes != nullptr}}));
  }
  return out;
}

template <class T>
std::vector<T> values_of(const torch::Tensor& tensor) {
  const torch::Tensor flat =
      // Metrics are computed in double on the CPU whatever the model ran in.
      tensor.detach().to(at::kCPU, c10::CppTypeToScalarType<T>::value).flatten().contiguous();
  return {flat.const_data_ptr<T>(), flat.const_data_ptr<T>() + flat.numel()};
}

Json number_metrics(const torch::Tensor& prediction, const torch::Tensor& actual) {
  return train::metrics_json(
      train::NumberAnswers{values_of<double>(prediction), values_of<double>(actual)});
}

// Probabilities are optional: without them the metrics that rank by a score are
// undefined.
Json class_metrics(const torch::Tensor& predicted, const torch::Tensor& actual, int64_t num_classes,
                   const std::optional<torch::Tensor>& probabilities) {
  train::ClassAnswers answers{
      values_of<int64_t>(predicted), values_of<int64_t>(actual), num_classes, {}};
  if (probabilities) answers.probabilities = values_of<double>(*probabilities);
  return train::metrics_json(answers);
}

}  // namespace

void bind_metrics(py::module_& module) {
  module.def("metric_rows", &metric_rows);
  module.def("number_metrics", &number_metrics, py::arg("prediction"), py::arg("actual"));
  module.def("class_metrics", &class_metrics, py::arg("predicted"), py::arg("actual"),
             py::arg("num_classes"), py::arg("probabilities") = py::none());
}

}  // namespace deepbio::bindings
