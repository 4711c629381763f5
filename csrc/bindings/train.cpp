// The trainer, the choice of its samples, prediction from a run directory.
#include <algorithm>
#include <numeric>

#include "bindings/bindings.h"
#include "bindings/named_tensors.h"
#include "bindings/process_group.h"
#include "bindings/targets.h"

#include "deepbio/base/error.h"
#include "deepbio/base/spelling.h"
#include "deepbio/model/device.h"
#include "deepbio/train/calibrate.h"
#include "deepbio/train/checks.h"
#include "deepbio/train/content_hash.h"
#include "deepbio/train/prediction_data.h"
#include "deepbio/train/predictor.h"
#include "deepbio/train/resume.h"
#include "deepbio/train/run.h"
#include "deepbio/train/sample_choice.h"
#include "deepbio/train/start.h"
#include "deepbio/train/study.h"
#include "deepbio/train/trainer.h"

namespace deepbio::bindings {
namespace {

using Tensors = std::map<std::string, torch::Tensor>;

// Messages leave the library with options as Python spells them.
std::vector<std::string> told(const std::vector<std::string>& notes) {
  std::vector<std::string> out;
  for (const std::string& note : notes) out.push_back(spelled_for_python(note));
  return out;
}

// The rules of which samples stay are the library's (train/sample_choice.h); Python gets the choice
// and the words about it.
py::dict choose_samples(const Table& table, const io::Metadata* metadata,
                        const std::optional<std::vector<std::string>>& distance_ids,
                        train::SampleRules rules) {
  train::SampleSources sources;
  sources.table = table.counts.get();
  sources.metadata = metadata;
  if (distance_ids) sources.distance_ids = &*distance_ids;
  train::SampleChoice choice;
  {
    const py::gil_scoped_release no_gil;
    choice = train::choose_samples(sources, rules);
  }
  py::list left_out;
  for (const train::LeftOut& each : choice.left_out)
    left_out.append(py::make_tuple(each.why, texts(each.samples)));
  py::dict out;
  out["samples"] = choice.samples;
  out["values"] = choice.values;
  out["labels"] = texts(choice.labels);
  out["rarefy_depth"] = choice.rarefy_depth_reads;
  out["left_out"] = left_out;
  out["notes"] = told(choice.notes);
  return out;
}

// Training and held-back samples, and what is odd about the split.
using Sides = std::tuple<std::vector<int64_t>, std::vector<int64_t>, std::vector<std::string>>;
Sides split(int64_t num_samples, double test_size, uint64_t seed,
            const std::vector<std::string>& labels, const std::vector<std::string>& groups) {
  const train::SplitRules rules{test_size, seed, labels, groups};
  const train::Split parts = train::split_samples(num_samples, rules);
  return {parts.train, parts.val, told(train::split_notes(parts, rules, "groups"))};
}

// The C++ model over the very tensors of a Python module: updates are seen there without a copy.
std::shared_ptr<model::AamModel> model_over(const std::string& config_json, const Tensors& state) {
  auto model =
      model::make_model(model::ModelConfig::from_json(Json::parse(config_json, "model config")),
                        is_predictor(state), /*seed=*/0);
  for (auto& item : model->named_parameters()) {
    const auto found = state.find(item.key());
    if (found == state.end())
      throw ConfigError("fit: the module has no parameter " + quoted(item.key()));
    if (found->second.sizes() != item.value().sizes()) {
      throw ShapeError("fit: parameter " + quoted(item.key()) +
                       " has another shape than the config says");
    }
    item.value().set_data(found->second.detach());
    item.value().set_requires_grad(found->second.requires_grad());
  }
  for (auto& item : model->named_buffers()) {
    const auto found = state.find(item.key());
    if (found == state.end())
      throw ConfigError("fit: the module has no buffer " + quoted(item.key()));
    if (found->second.sizes() != item.value().sizes()) {
      throw ShapeError("fit: buffer " + quoted(item.key()) +
                       " has another shape than the config says");
    }
    item.value().set_data(found->second.detach());
  }
  return model;
}

// The two objects are the caller's and live until the training ends, so references are enough.
train::Callbacks callbacks_of(const py::object& on_step, const py::object& on_epoch) {
  const auto control = [](const py::object& answer) {
    const bool stop = !answer.is_none() && !answer.cast<bool>();
    return stop ? train::Control::kStop : train::Control::kContinue;
  };
  train::Callbacks out;
  // Ctrl-C reaches Python between steps.
  // The trainer runs without the GIL in the calling thread; only here is it taken, once a step.
  out.on_step = [&on_step, control](const train::StepReport& report) {
    const py::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (on_step.is_none()) return train::Control::kContinue;
    py::dict event;
    event["epoch"] = report.epoch;
    event["step"] = report.step;
    event["num_steps"] = report.num_steps;
    event["loss"] = report.loss;
    event["inner_fold"] = report.inner_fold;
    event["skipped"] = report.skipped;
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

// A Python training: the module's tensors, two datasets and what is written about them.
struct Fit {
  std::string config_json, options_json, codec_json;
  const data::SampleDataset& train;
  const data::SampleDataset& val;
  std::string run_directory, run_config_json;  // "": nothing is written
  std::vector<std::string> notes;              // for training.log
  train::Truth val_truth;
  std::vector<int64_t> groups;  // of the training samples, or empty
  bool resume = false, overwrite = false;
  train::ProcessGroup group = {};
};

// Python splits before: each dataset is one side of the split as a whole.
std::vector<int64_t> all_of(const data::SampleDataset& dataset) {
  std::vector<int64_t> items(static_cast<size_t>(dataset.size()));
  std::iota(items.begin(), items.end(), int64_t{0});
  return items;
}

train::RunStart run_start(const Fit& fit) {
  train::RunStart start;
  start.config = train::RunConfig::from_json(Json::parse(fit.run_config_json, "run config"));
  // What a resumed run compares: the samples, counts and targets must be those it began with.
  Json content = train::content_hashes(fit.train);
  // A loop over a temporary's parts would outlive it.
  const Json of_val = train::content_hashes(fit.val);
  for (const auto& [kind, hash] : of_val.as_object()) content.set("validation " + kind, hash);
  start.config.trained_on.set("content", std::move(content));
  start.train_samples = fit.train.table().sample_ids;
  start.val_samples = fit.val.table().sample_ids;
  start.train_asvs = train::asvs_of(fit.train, all_of(fit.train));
  return start;
}

std::string run_fit(const Fit& fit, const Tensors& state, train::Callbacks callbacks) {
  const auto options =
      train::TrainingOptions::from_json(Json::parse(fit.options_json, "training options"));
  std::optional<data::TargetCodec> codec;
  if (!fit.codec_json.empty()) codec = codec_of(fit.codec_json);
  const auto model = model_over(fit.config_json, state);
  const train::Split split{all_of(fit.train), all_of(fit.val), fit.groups};
  // Before anything is written: a run directory appears only for a training that can begin.
  train::check_training(model->config(), model->is_predictor(), options,
                        {fit.train, fit.val, split, codec});
  if (fit.resume) train::expect_resumable(fit.run_directory, options);
  std::optional<train::Run> run;
  train::RunStart start;
  fit.group.wait();  // until all have read what is written now
  // One of several processes writes; the others train along.
  if (!fit.run_directory.empty() && fit.group.is_first()) {
    const auto mode = fit.resume      ? train::RunMode::kResume
                      : fit.overwrite ? train::RunMode::kOverwrite
                                      : train::RunMode::kNew;
    run.emplace(fit.run_directory, mode);
    start = run_start(fit);
    run->start(start);
    run->log(fit.notes);
    // The log is written here, and the caller's own function is asked afterwards whether to go on.
    callbacks.on_step = [&run, before = callbacks.on_step](const train::StepReport& report) {
      if (!report.skipped.empty()) run->log({report.skipped});
      return before(report);
    };
    callbacks.on_epoch = [&run, before = callbacks.on_epoch](const train::EpochReport& report) {
      run->log({"epoch " + std::to_string(report.epoch + 1) + "  " + report.to_json().dump()});
      return before ? before(report) : train::Control::kContinue;
    };
  }
  // From here on the C++ trainer of `deepbio train` runs, on the tensors of the Python module.
  train::Trainer trainer(model, options, fit.run_directory, codec);
  trainer.set_group(fit.group);
  const train::FitResult result = trainer.fit(fit.train, fit.val, split, callbacks, fit.resume);
  if (run && model->is_predictor() && !result.interrupted && codec) {
    const train::Predictions predictions = train::predict(*model, start.config, fit.val, split.val);
    train::write_validation(run->file("val_predictions.tsv"), predictions, start.config,
                            fit.val_truth);
  }
  return to_json_text(result);
}

// A data-dependent start, as `deepbio train` makes it for a new model of the default preset.
void calibrate(const std::string& config_json, const Tensors& state,
               const data::SampleDataset& dataset, int64_t known_min_samples, bool scale_asvs) {
  const auto model = model_over(config_json, state);
  const std::vector<int64_t> samples = all_of(dataset);
  const torch::Tensor embeddings = scale_asvs ? train::calibrate_asv_embeddings(*model, dataset)
                                              : train::encode_features(*model, dataset);
  train::calibrate_abundance_pooling(*model, dataset, samples, embeddings);
  if (dataset.targets().defined())
    train::start_predictor(*model, dataset, samples, known_min_samples, embeddings);
}

// For a training from Python: the config with as many known ASVs as its samples give, as
// `deepbio train` sets it.
std::string fit_config(const std::string& config_json, const data::SampleDataset& dataset,
                       int64_t known_min_samples) {
  const auto config = model::ModelConfig::from_json(Json::parse(config_json, "model config"));
  return train::fit_config(config, dataset, all_of(dataset), known_min_samples).to_json().dump();
}

py::dict predict(const std::string& run, const Table& table, const std::string& fasta_path,
                 int64_t batch_size, const std::string& metadata_path, const std::string& device) {
  train::PredictionData data;
  train::Predictions predictions;
  train::RunConfig config;
  {
    const py::gil_scoped_release no_gil;
    config = train::read_run_config(run);
    const auto model = train::load_model(run);
    data = train::prediction_data(*table.counts, config, fasta_path);
    train::note_unseen_asvs(data, run);
    train::add_covariates(data, config, metadata_path);
    train::PredictOptions options;
    options.batch_size = batch_size;
    options.device = device;
    predictions = train::predict(*model, config, *data.dataset, data.samples, options);
  }
  py::dict out;
  out["sample_ids"] = predictions.sample_ids;
  out["values"] = predictions.values;
  out["class_ids"] = predictions.class_ids;
  // What a model does not have is None, not an empty tensor.
  out["means"] = predictions.means.defined() ? py::cast(predictions.means) : py::object(py::none());
  out["classes"] = config.target ? config.target->classes() : std::vector<std::string>{};
  out["left_out"] = data.left_out;
  out["levels"] = predictions.levels;
  out["quantiles"] =
      predictions.quantiles.defined() ? py::cast(predictions.quantiles) : py::object(py::none());
  out["notes"] = told(data.notes);
  return out;
}

std::pair<std::vector<std::string>, torch::Tensor> embed(const std::string& run, const Table& table,
                                                         const std::string& fasta_path,
                                                         int64_t batch_size,
                                                         const std::string& device) {
  const train::RunConfig config = train::read_run_config(run);
  const auto model = train::load_model(run);
  const train::PredictionData data = train::prediction_data(*table.counts, config, fasta_path);
  train::PredictOptions options;
  options.batch_size = batch_size;
  options.device = device;
  return {data.table->sample_ids, train::embed(*model, *data.dataset, data.samples, options)};
}

}  // namespace

void bind_train(py::module_& module) {
  bind_targets(module);
  module.def(
      "choose_samples",
      [](const Table& table, const io::Metadata* metadata,
         const std::optional<std::vector<std::string>>& distance_ids, const std::string& target,
         bool is_classifier, bool may_be_constant,
         const std::vector<std::string>& categorical_columns, const std::string& missing_samples,
         int64_t rarefy_depth) {
        return choose_samples(table, metadata, distance_ids,
                              {target, is_classifier, may_be_constant, categorical_columns,
                               missing_samples, rarefy_depth});
      },
      py::arg("table"), py::arg("metadata"), py::arg("distance_ids"), py::kw_only(),
      py::arg("target") = "", py::arg("is_classifier") = false, py::arg("may_be_constant") = false,
      py::arg("categorical_columns") = std::vector<std::string>{},
      py::arg("missing_samples") = "error", py::arg("rarefy_depth") = 0);
  module.def("split_samples", &split, py::arg("num_samples"), py::arg("test_size"), py::arg("seed"),
             py::arg("labels") = std::vector<std::string>{},
             py::arg("groups") = std::vector<std::string>{});
  module.def(
      "fit",
      [](const std::string& config_json, const Tensors& state, const std::string& options_json,
         const data::SampleDataset& train, const data::SampleDataset& val,
         const std::string& codec_json, const std::string& run_directory,
         const std::string& run_config_json, const std::vector<std::string>& notes,
         const std::vector<double>& val_values, const std::vector<std::string>& val_labels,
         const py::object& on_step, const py::object& on_epoch, bool resume, bool overwrite,
         const std::vector<int64_t>& groups, const py::object& process_group) {
        const Fit fit{config_json,
                      options_json,
                      codec_json,
                      train,
                      val,
                      run_directory,
                      run_config_json,
                      notes,
                      {val_values, val_labels},
                      groups,
                      resume,
                      overwrite,
                      process_group_of(process_group)};
        train::Callbacks callbacks = callbacks_of(on_step, on_epoch);
        const py::gil_scoped_release no_gil;
        return run_fit(fit, state, std::move(callbacks));
      },
      py::arg("config_json"), py::arg("state"), py::arg("options_json"), py::arg("train"),
      py::arg("val"), py::kw_only(), py::arg("codec_json") = "", py::arg("run_directory") = "",
      py::arg("run_config_json") = "", py::arg("notes") = std::vector<std::string>{},
      py::arg("val_values") = std::vector<double>{},
      py::arg("val_labels") = std::vector<std::string>{}, py::arg("on_step") = py::none(),
      py::arg("on_epoch") = py::none(), py::arg("resume") = false, py::arg("overwrite") = false,
      py::arg("groups") = std::vector<int64_t>{}, py::arg("process_group") = py::none());
  module.def(
      "read_run_config",
      [](const std::string& run) { return train::read_run_config(run).to_json().dump(); },
      py::arg("run"));
  module.def(
      "write_run_config",
      [](const std::string& run, const std::string& json) {
        train::write_run_config(run, train::RunConfig::from_json(Json::parse(json, "run config")));
      },
      py::arg("run"), py::arg("config_json"));
  module.def("predict", &predict, py::arg("run"), py::arg("table"), py::arg("fasta_path") = "",
             py::arg("batch_size") = 32, py::arg("metadata_path") = "", py::arg("device") = "");
  module.def("calibrate", &calibrate, py::arg("config_json"), py::arg("state"), py::arg("dataset"),
             py::arg("known_min_samples") = 0, py::arg("scale_asvs") = true, NoGil());
  module.def("fit_config", &fit_config, py::arg("config_json"), py::arg("dataset"),
             py::arg("known_min_samples"), NoGil());
  module.def("embed", &embed, py::arg("run"), py::arg("table"), py::arg("fasta_path") = "",
             py::arg("batch_size") = 32, py::arg("device") = "", NoGil());
  module.def(
      "device_name",
      [](const std::string& name, const std::string& otherwise) {
        return model::find_device(name, torch::Device(otherwise)).str();
      },
      py::arg("name"), py::arg("otherwise"));
}

}  // namespace deepbio::bindings
