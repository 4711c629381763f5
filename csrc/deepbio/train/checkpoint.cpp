// Weights travel by name: a file fits a model that has the same names and shapes, in whatever order
// they were registered. What fits is decided before the first number is copied.
#include "deepbio/train/checkpoint.h"

#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <unordered_map>

#include "deepbio/base/error.h"
#include "deepbio/io/tables/safetensors.h"

namespace deepbio::train {
namespace {

constexpr int64_t kFormatVersion = 1;

const std::vector<std::pair<at::ScalarType, const char*>>& dtype_names() {
  static const std::vector<std::pair<at::ScalarType, const char*>> names{
      {at::kDouble, "F64"}, {at::kFloat, "F32"}, {at::kHalf, "F16"},  {at::kBFloat16, "BF16"},
      {at::kLong, "I64"},   {at::kInt, "I32"},   {at::kShort, "I16"}, {at::kChar, "I8"},
      {at::kByte, "U8"},    {at::kBool, "BOOL"}};
  return names;
}

const char* dtype_name(const torch::Tensor& tensor, const std::string& name) {
  for (const auto& [type, text] : dtype_names()) {
    if (type == tensor.scalar_type()) return text;
  }
  throw ArgumentError("save_tensors: " + quoted(name, 200) +
                      " has a dtype that safetensors cannot hold");
}

at::ScalarType dtype_of(const std::string& text) {
  for (const auto& [type, name] : dtype_names()) {
    if (text == name) return type;
  }
  throw ArgumentError("load_tensors: unknown dtype " + quoted(text));
}

std::string shape_text(const torch::Tensor& tensor) {
  return Json::array_of(tensor.sizes().vec()).dump();
}

// The parts of config.json.
struct RunFile {
  std::string format = "deepbio run", kind, preset;
  int64_t format_version = kFormatVersion;
  Json model, data, target, categories, training, trained_on, versions;

  OptionRows rows() {
    return {{"format", &format, ""},     {"format_version", &format_version, ""},
            {"kind", &kind, ""},         {"preset", &preset, ""},
            {"model", &model, ""},       {"data", &data, ""},
            {"target", &target, ""},     {"categories", &categories, ""},
            {"training", &training, ""}, {"trained_on", &trained_on, ""},
            {"versions", &versions, ""}};
  }
};

// Which option made a size differ, by the part of the name that carries it.
// The first that fits wins, so the longer name stands before the one it contains.
std::string option_behind(const std::string& name) {
  if (name.find("sample_position_embedding") != std::string::npos) return "`token_limit`";
  if (name.find("position_embedding") != std::string::npos) return "`max_bp`";
  if (name.find("output_head") != std::string::npos) return "`unifrac_metric`";
  return "`embedding_dim`";
}

// The parts of a config say the same of the target and the covariates: a model that answers one
// number has no classes.
void check_agrees(const RunConfig& config) {
  const auto number_of = [](size_t count, const char* what) {
    return std::to_string(count) + " " + what;
  };
  if (config.target && config.target->is_classifier() != config.model.is_classifier) {
    throw ConfigError(
        std::string("config.json: the target ") +
        (config.target->is_classifier()
             ? "has " + number_of(config.target->classes().size(), "classes")
             : "is a number") +
        ", the model is for " +
        (config.model.is_classifier
             ? "classes"
             : "numbers, with " + number_of(static_cast<size_t>(config.model.out_dim), "output")));
  }
  if (config.target && config.model.is_classifier &&
      static_cast<int64_t>(config.target->classes().size()) != config.model.out_dim) {
    throw ConfigError("config.json: the target has " +
                      number_of(config.target->classes().size(), "classes") + ", the model " +
                      number_of(static_cast<size_t>(config.model.out_dim), "outputs"));
  }
  if (config.categories.cardinalities() != config.model.categorical_cardinalities) {
    throw ConfigError(
        "config.json: the covariates in categories are not those of the model's "
        "categorical_cardinalities");
  }
}

}  // namespace

void save_tensors(const std::string& path, const NamedTensors& tensors,
                  const std::map<std::string, std::string>& metadata) {
  std::vector<torch::Tensor> held;
  std::vector<io::TensorEntry> entries;
  for (const auto& [name, tensor] : tensors) {
    // Kept until the file is written: entries point into them.
    held.push_back(tensor.detach().cpu().contiguous());
    const torch::Tensor& plain = held.back();
    entries.push_back(
        {name, dtype_name(plain, name), plain.sizes().vec(), plain.data_ptr(), plain.nbytes()});
  }
  io::write_safetensors(path, entries, metadata);
}

NamedTensors load_tensors(const std::string& path) {
  const io::SafetensorsFile file = io::read_safetensors(path);
  NamedTensors tensors;
  for (const io::TensorEntry& entry : file.tensors) {
    torch::Tensor tensor = torch::empty(entry.shape, dtype_of(entry.dtype));
    // Copied: the file's buffer ends with this function.
    if (entry.num_bytes > 0) std::memcpy(tensor.data_ptr(), entry.data, entry.num_bytes);
    tensors.emplace_back(entry.name, tensor);
  }
  return tensors;
}

NamedTensors state_dict(const torch::nn::Module& module) {
  NamedTensors tensors;
  for (const auto& item : module.named_parameters()) tensors.emplace_back(item.key(), item.value());
  for (const auto& item : module.named_buffers()) tensors.emplace_back(item.key(), item.value());
  return tensors;
}

LoadReport load_state_dict(torch::nn::Module& module, const NamedTensors& tensors, bool strict) {
  const torch::NoGradGuard no_grad;
  std::unordered_map<std::string, torch::Tensor> own;
  LoadReport report;
  const NamedTensors places = state_dict(module);
  for (const auto& [name, tensor] : places) own.emplace(name, tensor);
  // All is checked before anything is copied, so that a file that does not fit leaves the model as
  // it was.
  std::unordered_map<std::string, bool> seen;
  for (const auto& [name, tensor] : tensors) {
    const auto place = own.find(name);
    if (place == own.end()) {
      report.unexpected.push_back(name);
      continue;
    }
    if (place->second.sizes() != tensor.sizes()) {
      throw ConfigError("weights: " + name + ": the model has shape " + shape_text(place->second) +
                        ", the file has " + shape_text(tensor) + "; see " + option_behind(name));
    }
    seen[name] = true;
  }
  for (const auto& [name, tensor] : places)
    // In the order of the model, whatever that of the file.
    (seen.count(name) ? report.loaded : report.missing).push_back(name);
  if (strict && !(report.missing.empty() && report.unexpected.empty())) {
    const bool is_missing = !report.missing.empty();
    throw ConfigError("weights do not fit the model: " + std::to_string(report.missing.size()) +
                      " missing and " + std::to_string(report.unexpected.size()) +
                      " unexpected names, first " +
                      quoted(is_missing ? report.missing.front() : report.unexpected.front(), 200));
  }
  for (const auto& [name, tensor] : tensors) {
    if (const auto place = own.find(name); place != own.end()) place->second.copy_(tensor);
  }
  return report;
}

OptionRows DataConfig::rows() {
  return {
      {"max_bp", &max_bp, "Bases of an ASV that are read", at_least(1)},
      {"token_limit", &token_limit, "ASVs of a sample that are read", at_least(1)},
      OptionRow{"rarefy_depth", &rarefy_depth_reads,
                "Reads drawn per sample; 0: counts as they are", at_least(0)}
          .formerly("rarefy_depth_reads"),
      {"asv_sampling", &asv_sampling, "Which ASVs of a larger sample are read, and their order"},
      OptionRow{"unifrac_metric", &unifrac_metric, "Distances that were learned"},
      OptionRow{"missing_sequences", &missing_sequences,
                "What stands for a feature without a sequence"}};
}

Json DataConfig::to_json() const {
  DataConfig copy = *this;
  return deepbio::to_json(copy.rows());
}

DataConfig DataConfig::from_json(const Json& json) {
  DataConfig config;
  deepbio::from_json(config.rows(), json);
  return config;
}

Json RunConfig::to_json() const {
  RunFile file;
  file.kind = kind;
  file.preset = preset;
  file.model = model.to_json();
  file.data = data.to_json();
  file.target = target ? target->to_json() : Json();
  file.categories = categories.empty() ? Json() : categories.to_json();
  file.training = training;
  file.trained_on = trained_on;
  file.versions = versions;
  return deepbio::to_json(file.rows());
}

RunConfig RunConfig::from_json(const Json& json) {
  RunFile file;
  // A file that does not say its format must not pass for one that does.
  file.format.clear();
  file.format_version = 0;
  deepbio::from_json(file.rows(), json);
  if (file.format != "deepbio run" || file.format_version != kFormatVersion) {
    throw ConfigError("config.json: expected format \"deepbio run\" version " +
                      std::to_string(kFormatVersion) + ", got " + quoted(file.format) +
                      " version " + std::to_string(file.format_version));
  }
  if (file.kind != "pretrain" && file.kind != "train") {
    throw ConfigError("config.json: kind: expected \"pretrain\" or \"train\", got " +
                      quoted(file.kind));
  }
  RunConfig config;
  config.kind = file.kind;
  config.preset = file.preset;
  config.model = model::ModelConfig::from_json(file.model);
  config.data = DataConfig::from_json(file.data);
  if (!file.target.is_null()) config.target = data::TargetCodec::from_json(file.target);
  config.categories = data::CategoricalEncoder::from_json(file.categories);
  config.training = file.training;
  config.trained_on = file.trained_on;
  config.versions = file.versions;
  check_agrees(config);
  return config;
}

void write_run_config(const std::string& run, const RunConfig& config) {
  std::filesystem::create_directories(run);
  io::write_file((std::filesystem::path(run) / "config.json").string(),
                 config.to_json().dump(2) + "\n");
}

RunConfig read_run_config(const std::string& run) {
  namespace fs = std::filesystem;
  const fs::path path = fs::path(run) / "config.json";
  // Three cases, three messages: no folder, another folder, a run of another version.
  if (!fs::exists(run)) throw MissingFileError(run, "no such run directory");
  if (!fs::exists(path)) {
    throw ConfigError(
        run + ": not a run directory: expected config.json in it, as `deepbio train` writes it");
  }
  const Json json = Json::parse(io::read_all(path.string()), path.string());
  // An option of a newer version is unknown here; the message says which folder it is about.
  try {
    return RunConfig::from_json(json);
  } catch (const ConfigError& error) {
    throw ConfigError(run + ": not a run directory of this version: " + error.what());
  }
}

std::shared_ptr<model::AamModel> load_model(const std::string& run) {
  const RunConfig config = read_run_config(run);
  const std::filesystem::path weights = std::filesystem::path(run) / "model.safetensors";
  if (!std::filesystem::exists(weights)) {
    throw MissingFileError(weights.string(), "this run has no weights yet: no epoch was finished");
  }
  // A seed, so that torch's default generator stays where the caller left it; every weight is
  // overwritten.
  auto model = model::make_model(config.model, config.is_predictor(), /*seed=*/0);
  try {
    load_state_dict(*model, load_tensors(weights.string()));
  } catch (const ConfigError& error) {
    throw ConfigError(weights.string() + ": " + error.what());
  }
  model->eval();
  return model;
}

LoadReport load_pretrained(model::AamModel& model, const std::string& run) {
  const std::string prefix = "base_model.";
  const RunConfig config = read_run_config(run);
  NamedTensors tensors;
  for (auto& [name, tensor] :
       load_tensors((std::filesystem::path(run) / "model.safetensors").string())) {
    // An encoder stands under base_model. in a predictor and by itself in a run of pretrain.
    std::string key = name;
    // Heads of a predictor are another target's: only its encoder is taken.
    if (config.is_predictor()) {
      if (key.compare(0, prefix.size(), prefix) != 0) continue;
      key = key.substr(prefix.size());
    }
    tensors.emplace_back(model.is_predictor() ? prefix + key : key, tensor);
  }
  LoadReport report;
  try {
    report = load_state_dict(model, tensors, /*strict=*/false);
  } catch (const ConfigError& error) {
    throw ConfigError("`pretrained` " + run + ": " + error.what());
  }
  if (report.loaded.empty())
    throw ConfigError("`pretrained` " + run + ": no weight of it has a name of this model");
  // The nucleotide head may be on one side only; anything else means another architecture.
  std::vector<std::string> odd = report.unexpected;
  for (const std::string& name : report.missing) {
    // Heads of the new predictor are missing in any case; they learn from their start.
    if (!model.is_predictor() || name.compare(0, prefix.size(), prefix) == 0) odd.push_back(name);
  }
  for (const std::string& name : odd) {
    if (name.find("nucleotide_head") != std::string::npos) continue;
    throw ConfigError("`pretrained` " + run + ": " + name +
                      " is on one side only; see `attention_layers` and `count_embedding`");
  }
  return report;
}

}  // namespace deepbio::train
