#include "deepbio/train/facts.h"

#include <algorithm>
#include <filesystem>

#include "deepbio/base/error.h"
#include "deepbio/io/facts.h"
#include "deepbio/train/checkpoint.h"

namespace deepbio::train {
namespace {

int64_t count_parameters(const RunConfig& config) {
  int64_t count = 0;
  for (const auto& parameter :
       model::make_model(config.model, config.is_predictor())->parameters()) {
    count += parameter.numel();
  }
  return count;
}

// From config.json alone, and the names of files beside it: weights are not read.
Json run_facts(const std::string& run) {
  const RunConfig config = read_run_config(run);
  Json out(Json::Object{{"path", run},
                        {"kind", config.kind == "train" ? "run of train" : "run of pretrain"},
                        {"preset", config.preset},
                        {"num_parameters", count_parameters(config)}});
  if (config.target) {
    out.set("target", config.target->column());
    out.set("target_kind", config.target->is_classifier() ? "classes" : "regression");
    out.set("target_transform", std::string(data::to_string(config.target->transform())));
    if (config.target->is_classifier())
      out.set("classes", Json::array_of(config.target->classes()));
  }
  const std::filesystem::path metrics = std::filesystem::path(run) / "metrics.jsonl";
  if (std::filesystem::exists(metrics)) {
    // A line for each epoch; the file is written anew after each.
    const std::string text = io::read_all(metrics.string());
    out.set("epochs_done", static_cast<int64_t>(std::count(text.begin(), text.end(), '\n')));
  }
  out.set("has_weights", std::filesystem::exists(std::filesystem::path(run) / "model.safetensors"));
  out.set("trained_on", config.trained_on);
  out.set("data", config.data.to_json());
  out.set("model", config.model.to_json());
  out.set("versions", config.versions);
  return out;
}

}  // namespace

Json facts_of(const std::string& path) {
  return std::filesystem::is_directory(path) ? run_facts(path) : io::facts_of_file(path);
}

}  // namespace deepbio::train
