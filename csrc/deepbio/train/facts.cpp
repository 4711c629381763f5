#include "deepbio/train/facts.h"

#include <algorithm>
#include <filesystem>

#include "deepbio/base/error.h"
#include "deepbio/io/sniff.h"
#include "deepbio/train/checkpoint.h"

namespace deepbio::train {
namespace {

Json content_facts(const std::string& path, const io::FileGuess& guess) {
  const io::KindRow& row = io::row_of(guess.kind);
  if (guess.kind == io::FileKind::kForeign)
    return Json(Json::Object{{"kind", "not read: " + guess.description}});
  if (row.title.empty()) {
    throw ParseError({path}, "sequences, a table, a tree, distances, metadata or tensors",
                     "content of another kind");
  }
  Json out(Json::Object{{"kind", std::string(row.title)}});
  if (row.facts == nullptr) return out;

  const Json facts = row.facts(path);
  for (const auto& [name, value] : facts.as_object()) out.set(name, value);
  return out;
}

Json file_facts(const std::string& path) {
  const io::FileGuess guess = io::sniff(path);
  Json out = content_facts(path, guess);
  if (guess.container != io::Container::kPlain)
    out.set("container", std::string(to_string(guess.container)));
  if (!guess.artifact_type.empty()) out.set("artifact_type", guess.artifact_type);
  return out;
}

int64_t count_parameters(const RunConfig& config) {
  int64_t count = 0;
  for (const auto& parameter :
       model::make_model(config.model, config.is_predictor())->parameters()) {
    count += parameter.numel();
  }
  return count;
}

Json run_facts(const std::string& run) {
  const RunConfig config = read_run_config(run);
  Json out(Json::Object{{"kind", config.kind == "train" ? "run of train" : "run of pretrain"},
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
  Json facts(Json::Object{{"path", path}});
  const Json found = std::filesystem::is_directory(path) ? run_facts(path) : file_facts(path);
  for (const auto& [name, value] : found.as_object()) facts.set(name, value);
  return facts;
}

}  // namespace deepbio::train
