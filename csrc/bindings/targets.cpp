// Targets and covariates: fitted, applied, undone.
#include "bindings/targets.h"

#include "deepbio/data/categories.h"
#include "deepbio/train/sample_choice.h"
#include "deepbio/train/study.h"

namespace deepbio::bindings {
namespace {

// A codec is small and is read from its JSON at each call: Python holds the text, which is what a
// run directory stores and what can be pickled.
torch::Tensor normalize(const std::string& codec_json, const std::vector<double>& values) {
  const data::TargetCodec codec = codec_of(codec_json);
  std::vector<float> out;
  for (const double value : values) out.push_back(static_cast<float>(codec.normalize(value)));
  return torch::tensor(out).unsqueeze(1);
}

torch::Tensor class_ids(const std::string& codec_json, const std::vector<std::string>& labels) {
  const data::TargetCodec codec = codec_of(codec_json);
  std::vector<int64_t> out;
  for (const auto& label : labels) out.push_back(codec.class_id(label));
  return torch::tensor(out, torch::kLong);
}

data::CategoricalEncoder categories_of(const std::string& json) {
  return data::CategoricalEncoder::from_json(Json::parse(json, "categories"));
}

// Of the same column and transform, with mean and spread of other samples: those of a fold.
std::string refit(const std::string& codec_json, const std::vector<double>& values) {
  const data::TargetCodec codec = codec_of(codec_json);
  return data::TargetCodec::fit_regression(codec.column(), values, codec.transform())
      .to_json()
      .dump();
}

}  // namespace

data::TargetCodec codec_of(const std::string& json) {
  return data::TargetCodec::from_json(Json::parse(json, "target codec"));
}

void bind_targets(py::module_& module) {
  module.def(
      "fit_target",
      [](const std::string& column, const std::vector<double>& values,
         const std::string& transform) {
        const auto parsed = data::parse_target_transform(transform);
        return data::TargetCodec::fit_regression(column, values, parsed).to_json().dump();
      },
      py::arg("column"), py::arg("values"), py::arg("transform"));
  module.def(
      "fit_classes",
      [](const std::string& column, const std::vector<std::string>& labels) {
        return data::TargetCodec::fit_classes(column, labels).to_json().dump();
      },
      py::arg("column"), py::arg("labels"));
  module.def("refit_target", &refit, py::arg("codec_json"), py::arg("values"));
  module.def(
      "fit_categories",
      [](const std::vector<std::string>& columns, const io::Metadata& metadata,
         const std::vector<std::string>& sample_ids) {
        return data::CategoricalEncoder::fit(columns, metadata, sample_ids).to_json().dump();
      },
      py::arg("columns"), py::arg("metadata"), py::arg("sample_ids"), NoGil());
  module.def(
      "category_ids",
      [](const std::string& categories_json, const io::Metadata& metadata,
         const std::vector<std::string>& sample_ids) {
        return categories_of(categories_json).encode(metadata, sample_ids);
      },
      py::arg("categories_json"), py::arg("metadata"), py::arg("sample_ids"), NoGil());
  module.def(
      "restore_targets",
      [](const std::string& codec_json, const torch::Tensor& values) {
        const auto codec = data::TargetCodec::from_json(Json::parse(codec_json, "target codec"));
        // In double: the way back from a logarithm would lose digits of a large count in float.
        torch::Tensor out = values.to(at::kDouble).contiguous().clone();
        double* const numbers = out.mutable_data_ptr<double>();
        for (int64_t i = 0; i < out.numel(); ++i) numbers[i] = codec.restore(numbers[i]);
        return out;
      },
      py::arg("codec_json"), py::arg("values"));
  module.def("normalize_targets", &normalize, py::arg("codec_json"), py::arg("values"));
  module.def("class_ids", &class_ids, py::arg("codec_json"), py::arg("labels"));
  module.def(
      "baseline",
      [](const std::string& codec_json, const std::vector<double>& values,
         const std::vector<std::string>& labels) {
        return train::baseline_of(codec_of(codec_json), values, labels).dump();
      },
      py::arg("codec_json"), py::arg("values"), py::arg("labels"));
}

}  // namespace deepbio::bindings
