#include "tools/training_options.h"

#include "tools/training_rows.h"

#include "deepbio/base/error.h"

namespace deepbio::tools {
namespace {

using Setup = TrainingSetup;
using Row = TrainingRow;

std::string plain(const Json& value) {
  if (value.is_array()) {
    std::string text;
    for (const Json& item : value.as_array()) text += (text.empty() ? "" : ",") + item.dump();
    return text.empty() ? "none" : text;
  }
  return value.is_string() ? value.as_string() : value.dump();
}

std::string help_text(const Row& row, bool is_predictor) {
  const std::string ours = plain(row.get(preset_setup("default", is_predictor)));
  const std::string theirs = plain(row.get(preset_setup("aam", is_predictor)));
  return row.help + " (default " + ours + (ours == theirs ? ")" : "; aam " + theirs + ")");
}

Setup aam_preset(bool is_predictor) {
  Setup setup;
  setup.preset = "aam";
  model::ModelConfig& model = setup.model;
  model.asv_num_layers = model.sample_num_layers = model.encoder_num_layers = 4;
  model.count_num_layers = model.target_num_layers = 4;
  model.predict_nucleotides = true;
  setup.asv_sampling = "first";
  setup.target_transform = "minmax";
  setup.training.count_target = is_predictor ? "minmax" : "relative";
  return setup;
}

Setup default_preset(bool is_predictor) {
  Setup setup;
  model::ModelConfig& model = setup.model;
  model.embedding_dim = 64;
  model.asv_num_layers = model.sample_num_layers = 2;
  model.encoder_num_layers = model.count_num_layers = model.target_num_layers = 1;
  model.predict_nucleotides = true;
  model.count_embedding = true;
  model.count_embedding_method = "film";
  model.abundance_pooling = is_predictor;
  model.asv_dropout = 0;  // its masks would cost more than the rest of the stack; the sample level keeps its own
  setup.training.lr = 1e-3;
  setup.training.batch_size = 16;
  setup.training.epochs = is_predictor ? 40 : 20;
  setup.training.max_grad_norm = 1;
  setup.training.loss.nuc_penalty = is_predictor ? 0 : 1;
  return setup;
}

// The parts of a pretrained encoder that must stay for its weights to fit.
void take_encoder(model::ModelConfig& model, const model::ModelConfig& base) {
  Json merged = model.to_json();
  const Json old = base.to_json();
  for (const char* name : {"vocab_size", "embedding_dim", "max_bp", "token_limit", "asv_num_layers", "asv_num_heads",
                           "asv_intermediate_size", "sample_num_layers", "sample_num_heads", "sample_intermediate_size",
                           "encoder_num_layers", "encoder_num_heads", "encoder_intermediate_size", "activation",
                           "encoder_type", "base_output_dim", "count_embedding", "count_embedding_method"}) {
    merged.set(name, old.at(name));
  }
  model = model::ModelConfig::from_json(merged);
}

}  // namespace

TrainingSetup preset_setup(const std::string& name, bool is_predictor) {
  if (name == "aam") return aam_preset(is_predictor);
  if (name == "default") return default_preset(is_predictor);
  throw ConfigError("--preset: expected default or aam, got " + quoted(name));
}

Json TrainingSetup::to_json() const {
  Json out = Json::object();
  out.set("preset", preset);
  for (const Row& row : training_rows()) out.set(row.name, row.get(*this));
  return out;
}

struct TrainingFlags::Given {
  const TrainingRow* row = nullptr;
  CLI::Option* option = nullptr;
  std::string text;
  bool value = false;
};

TrainingFlags::TrainingFlags(CLI::App& app, bool is_predictor) : is_predictor_(is_predictor) {
  app.add_option("--preset", preset_, "default: small, fast, sees abundances; aam: AAM's architecture and losses")
      ->check(CLI::IsMember({"default", "aam"}))
      ->capture_default_str();
  for (const Row& row : training_rows()) {
    if (row.of_predictor_only && !is_predictor) continue;
    auto given = std::make_unique<Given>();
    given->row = &row;
    const std::string help = help_text(row, is_predictor);
    if (row.is_flag) {
      given->option = app.add_flag("--" + row.name + ",!--no-" + row.name, given->value, help);
    } else {
      given->option = app.add_option("--" + row.name, given->text, help)->check(row.check)->option_text(row.unit);
    }
    given_.push_back(std::move(given));
  }
}

TrainingFlags::~TrainingFlags() = default;

TrainingSetup TrainingFlags::resolve(const Shared& shared, const model::ModelConfig* base) const {
  TrainingSetup setup = preset_setup(preset_, is_predictor_);
  if (base != nullptr) take_encoder(setup.model, *base);
  setup.training.seed = shared.seed;
  for (const auto& given : given_) {
    if (given->option->count() == 0) continue;
    const std::string text = given->row->is_flag ? (given->value ? "true" : "false") : given->text;
    try {
      given->row->set(setup, text);
    } catch (const ConfigError& error) {
      throw ConfigError("--" + given->row->name + ": " + error.what());
    }
  }
  train::LossOptions& loss = setup.training.loss;
  if (setup.model.freeze_base) loss.nuc_penalty = 0;
  setup.model.predict_nucleotides = loss.nuc_penalty > 0;
  setup.model.num_quantiles = 0;
  if (is_predictor_ && loss.target_loss_type == "quantile") {
    setup.model.num_quantiles = static_cast<int64_t>(loss.quantiles.size());
  }
  setup.training.check();
  return setup;
}

}  // namespace deepbio::tools
