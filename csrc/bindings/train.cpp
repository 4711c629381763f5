// Targets, the trainer, prediction from a run directory.
#include <algorithm>
#include <numeric>

#include "bindings/bindings.h"

#include "deepbio/base/error.h"
#include "deepbio/data/categories.h"
#include "deepbio/data/targets.h"
#include "deepbio/train/calibrate.h"
#include "deepbio/train/prediction_data.h"
#include "deepbio/train/predictor.h"
#include "deepbio/train/trainer.h"

namespace deepbio::bindings {
namespace {

using Tensors = std::map<std::string, torch::Tensor>;

data::TargetCodec codec_of(const std::string& json) {
  return data::TargetCodec::from_json(Json::parse(json, "target codec"));
}

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

using Labelled = std::tuple<std::vector<int64_t>, std::vector<double>, std::vector<std::string>>;

// Rows that have a value, and the values: numbers or classes.
Labelled labelled_samples(const std::vector<std::string>& sample_ids, const io::Metadata& metadata,
                          const std::string& column, bool is_classifier, const std::string& missing) {
  if (missing != "error" && missing != "drop") {
    throw ArgumentError("missing_samples: expected error or drop, got " + quoted(missing));
  }
  const auto mode = missing == "error" ? data::MissingSamples::kError : data::MissingSamples::kDrop;
  const auto found = data::labelled_samples(sample_ids, metadata, column, is_classifier, mode);
  return {found.samples, found.values, found.labels};
}

data::CategoricalEncoder categories_of(const std::string& json) {
  return data::CategoricalEncoder::from_json(Json::parse(json, "categories"));
}

std::string refit(const std::string& codec_json, const std::vector<double>& values) {
  const data::TargetCodec codec = codec_of(codec_json);
  return data::TargetCodec::fit_regression(codec.column(), values, codec.transform()).to_json().dump();
}

std::pair<std::vector<int64_t>, std::vector<int64_t>> split(int64_t num_samples, double test_size, uint64_t seed) {
  std::vector<int64_t> items(static_cast<size_t>(std::max<int64_t>(num_samples, 0)));
  for (size_t i = 0; i < items.size(); ++i) items[i] = static_cast<int64_t>(i);
  const train::Split parts = train::split_samples(items, test_size, seed);
  return {parts.train, parts.val};
}

// The C++ model over the very tensors of a Python module: updates are seen there without a copy.
std::shared_ptr<model::AamModel> model_over(const std::string& config_json, const Tensors& state) {
  auto model = model::make_model(model::ModelConfig::from_json(Json::parse(config_json, "model config")),
                                 is_predictor(state), /*seed=*/0);
  for (auto& item : model->named_parameters()) {
    const auto found = state.find(item.key());
    if (found == state.end()) throw ConfigError("fit: the module has no parameter " + quoted(item.key()));
    if (found->second.sizes() != item.value().sizes()) {
      throw ShapeError("fit: parameter " + quoted(item.key()) + " has another shape than the config says");
    }
    item.value().set_data(found->second.detach());
    item.value().set_requires_grad(found->second.requires_grad());
  }
  return model;
}

train::Callbacks callbacks_of(const py::object& on_step, const py::object& on_epoch) {
  const auto control = [](const py::object& answer) {
    const bool stop = !answer.is_none() && !answer.cast<bool>();
    return stop ? train::Control::kStop : train::Control::kContinue;
  };
  train::Callbacks out;
  // Ctrl-C reaches Python between steps.
  out.on_step = [&on_step, control](const train::StepReport& report) {
    const py::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (on_step.is_none()) return train::Control::kContinue;
    py::dict event;
    event["epoch"] = report.epoch;
    event["step"] = report.step;
    event["num_steps"] = report.num_steps;
    event["loss"] = report.loss;
    return control(on_step(event));
  };
  if (!on_epoch.is_none()) {
    out.on_epoch = [&on_epoch, control](const train::EpochReport& report) {
      const py::gil_scoped_acquire gil;
      return control(on_epoch(report.to_json().dump()));
    };
  }
  return out;
}

std::string to_json_text(const train::FitResult& result) {
  Json history = Json::array();
  for (const auto& report : result.history) history.push_back(report.to_json());
  Json out = Json::object();
  out.set("history", std::move(history));
  out.set("best_epoch", result.best_epoch);
  out.set("best_loss", result.best_loss);
  out.set("stopped_early", result.stopped_early);
  out.set("interrupted", result.interrupted);
  return out.dump();
}

std::string fit(const std::string& config_json, const Tensors& state, const std::string& options_json,
                const data::SampleDataset& train_data, const data::SampleDataset& val_data,
                const std::vector<int64_t>& train_items, const std::vector<int64_t>& val_items,
                const std::string& run_directory, const std::string& codec_json, const py::object& on_step,
                const py::object& on_epoch, bool resume) {
  const auto options = train::TrainingOptions::from_json(Json::parse(options_json, "training options"));
  std::optional<data::TargetCodec> codec;
  if (!codec_json.empty()) codec = codec_of(codec_json);
  const train::Callbacks callbacks = callbacks_of(on_step, on_epoch);
  const py::gil_scoped_release no_gil;
  train::Trainer trainer(model_over(config_json, state), options, run_directory, codec);
  return to_json_text(trainer.fit(train_data, val_data, {train_items, val_items}, callbacks, resume));
}

// A data-dependent start, as `deepbio train` makes it for a new model of the default preset.
void calibrate(const std::string& config_json, const Tensors& state, const data::SampleDataset& dataset) {
  const auto model = model_over(config_json, state);
  std::vector<int64_t> samples(static_cast<size_t>(dataset.size()));
  std::iota(samples.begin(), samples.end(), int64_t{0});
  const torch::Tensor embeddings = train::calibrate_asv_embeddings(*model, dataset);
  train::calibrate_abundance_pooling(*model, dataset, samples, embeddings);
}

py::dict predict(const std::string& run, const Table& table, const std::string& fasta_path, int64_t batch_size,
                 const std::string& metadata_path) {
  train::PredictionData data;
  train::Predictions predictions;
  train::RunConfig config;
  {
    const py::gil_scoped_release no_gil;
    config = train::read_run_config(run);
    const auto model = train::load_model(run);
    data = train::prediction_data(*table.counts, config, fasta_path);
    train::add_covariates(data, config, metadata_path);
    train::PredictOptions options;
    options.batch_size = batch_size;
    predictions = train::predict(*model, config, *data.dataset, data.samples, options);
  }
  py::dict out;
  out["sample_ids"] = predictions.sample_ids;
  out["values"] = predictions.values;
  out["class_ids"] = predictions.class_ids;
  out["classes"] = config.target ? config.target->classes() : std::vector<std::string>{};
  out["left_out"] = data.left_out;
  return out;
}

std::pair<std::vector<std::string>, torch::Tensor> embed(const std::string& run, const Table& table,
                                                         const std::string& fasta_path, int64_t batch_size) {
  const train::RunConfig config = train::read_run_config(run);
  const auto model = train::load_model(run);
  const train::PredictionData data = train::prediction_data(*table.counts, config, fasta_path);
  train::PredictOptions options;
  options.batch_size = batch_size;
  return {data.table->sample_ids, train::embed(*model, *data.dataset, data.samples, options)};
}

}  // namespace

void bind_train(py::module_& module) {
  module.def(
      "fit_target",
      [](const std::string& column, const std::vector<double>& values, const std::string& transform) {
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
  module.def("labelled_samples", &labelled_samples, py::arg("sample_ids"), py::arg("metadata"), py::arg("column"),
             py::arg("is_classifier"), py::arg("missing_samples"), NoGil());
  module.def(
      "fit_categories",
      [](const std::vector<std::string>& columns, const io::Metadata& metadata,
         const std::vector<std::string>& sample_ids) {
        return data::CategoricalEncoder::fit(columns, metadata, sample_ids).to_json().dump();
      },
      py::arg("columns"), py::arg("metadata"), py::arg("sample_ids"), NoGil());
  module.def(
      "category_ids",
      [](const std::string& categories_json, const io::Metadata& metadata, const std::vector<std::string>& sample_ids) {
        return categories_of(categories_json).encode(metadata, sample_ids);
      },
      py::arg("categories_json"), py::arg("metadata"), py::arg("sample_ids"), NoGil());
  module.def("normalize_targets", &normalize, py::arg("codec_json"), py::arg("values"));
  module.def("class_ids", &class_ids, py::arg("codec_json"), py::arg("labels"));
  module.def("split_samples", &split, py::arg("num_samples"), py::arg("test_size"), py::arg("seed"));
  module.def("fit", &fit, py::arg("config_json"), py::arg("state"), py::arg("options_json"), py::arg("train"),
             py::arg("val"), py::arg("train_items"), py::arg("val_items"), py::arg("run_directory") = "",
             py::arg("codec_json") = "", py::arg("on_step") = py::none(), py::arg("on_epoch") = py::none(),
             py::arg("resume") = false);
  module.def(
      "read_run_config", [](const std::string& run) { return train::read_run_config(run).to_json().dump(); },
      py::arg("run"));
  module.def(
      "write_run_config",
      [](const std::string& run, const std::string& json) {
        train::write_run_config(run, train::RunConfig::from_json(Json::parse(json, "run config")));
      },
      py::arg("run"), py::arg("config_json"));
  module.def("predict", &predict, py::arg("run"), py::arg("table"), py::arg("fasta_path") = "",
             py::arg("batch_size") = 32, py::arg("metadata_path") = "");
  module.def("calibrate", &calibrate, py::arg("config_json"), py::arg("state"), py::arg("dataset"), NoGil());
  module.def("embed", &embed, py::arg("run"), py::arg("table"), py::arg("fasta_path") = "", py::arg("batch_size") = 32,
             NoGil());
}

}  // namespace deepbio::bindings
