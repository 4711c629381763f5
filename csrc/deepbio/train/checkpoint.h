// A run directory: what it holds and how it is written, so that a crash leaves the last good state.
//
//   config.json          RunConfig: model, data, target, training, versions; enough to predict from
//                        this folder alone
//   model.safetensors    best weights
//   last/                model.safetensors, optimizer.safetensors, state.json: enough to resume
//   metrics.jsonl        a line per epoch
//   train_samples.txt, val_samples.txt, val_predictions.tsv, training.log
#pragma once

#include <torch/nn/module.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deepbio/base/json.h"
#include "deepbio/base/options.h"
#include "deepbio/data/datasets.h"
#include "deepbio/data/targets.h"
#include "deepbio/model/aam.h"

namespace deepbio::train {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

// Writes and reads tensors as safetensors; dtypes float64/32/16, bfloat16, int64/32/16/8, uint8,
// bool.
void save_tensors(const std::string& path, const NamedTensors& tensors,
                  const std::map<std::string, std::string>& metadata = {});
NamedTensors load_tensors(const std::string& path);

NamedTensors state_dict(
    const torch::nn::Module& module);  // parameters, then buffers, in registration order
struct LoadReport {
  std::vector<std::string> loaded, missing, unexpected;
};
// Copies by name. throws ConfigError on a shape mismatch, and under strict on missing or unexpected
// names.
LoadReport load_state_dict(torch::nn::Module& module, const NamedTensors& tensors,
                           bool strict = true);

// How a run reads its data, kept so that prediction does the same.
struct DataConfig {
  int64_t max_bp = 150, token_limit = 1024, rarefy_depth_reads = 0;
  std::string asv_sampling = "abundance";
  std::string unifrac_metric = "unweighted";
  std::string missing_sequences = "error";  // data/feature_sequences.h
  OptionRows rows();
  Json to_json() const;
  static DataConfig from_json(const Json& json);
};

struct RunConfig {
  std::string kind;  // "pretrain" or "train"
  std::string preset = "default";
  model::ModelConfig model;
  DataConfig data;
  std::optional<data::TargetCodec> target;
  data::CategoricalEncoder categories;  // of the covariates
  Json training;                        // every resolved option of the command
  Json trained_on;  // files, samples, features, and what a model that knows nothing would answer
                    // (mean, class counts)
  Json versions;    // deepbio, torch
  bool is_predictor() const { return kind == "train"; }
  Json to_json() const;
  static RunConfig from_json(const Json& json);
};
void write_run_config(const std::string& run, const RunConfig& config);
RunConfig read_run_config(
    const std::string& run);  // throws MissingFileError, ConfigError ("not a run directory")

// The model of a run with its best weights, in eval mode.
std::shared_ptr<model::AamModel> load_model(const std::string& run);
// The encoder weights of a pretraining run into `model` (its base_model for a predictor).
// throws ConfigError naming the option when a size differs, or when no name matches.
LoadReport load_pretrained(model::AamModel& model, const std::string& run);

}  // namespace deepbio::train
