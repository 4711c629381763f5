#include "deepbio/model/config.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "deepbio/base/error.h"

namespace deepbio::model {
namespace {

// Every field, once, in the order of the header.
template <class Config, class Visit>
void visit_fields(Config& c, Visit&& visit) {
  visit("vocab_size", c.vocab_size);
  visit("embedding_dim", c.embedding_dim);
  visit("max_bp", c.max_bp);
  visit("token_limit", c.token_limit);
  visit("asv_num_layers", c.asv_num_layers);
  visit("asv_num_heads", c.asv_num_heads);
  visit("asv_intermediate_size", c.asv_intermediate_size);
  visit("asv_dropout", c.asv_dropout);
  visit("sample_num_layers", c.sample_num_layers);
  visit("sample_num_heads", c.sample_num_heads);
  visit("sample_intermediate_size", c.sample_intermediate_size);
  visit("sample_dropout", c.sample_dropout);
  visit("encoder_num_layers", c.encoder_num_layers);
  visit("encoder_num_heads", c.encoder_num_heads);
  visit("encoder_intermediate_size", c.encoder_intermediate_size);
  visit("encoder_dropout", c.encoder_dropout);
  visit("count_num_layers", c.count_num_layers);
  visit("count_num_heads", c.count_num_heads);
  visit("count_intermediate_size", c.count_intermediate_size);
  visit("count_dropout", c.count_dropout);
  visit("target_num_layers", c.target_num_layers);
  visit("target_num_heads", c.target_num_heads);
  visit("target_intermediate_size", c.target_intermediate_size);
  visit("target_dropout", c.target_dropout);
  visit("activation", c.activation);
  visit("encoder_type", c.encoder_type);
  visit("base_output_dim", c.base_output_dim);
  visit("predict_nucleotides", c.predict_nucleotides);
  visit("nuc_mask_ratio", c.nuc_mask_ratio);
  visit("nuc_mask_strategy", c.nuc_mask_strategy);
  visit("count_embedding", c.count_embedding);
  visit("count_embedding_method", c.count_embedding_method);
  visit("out_dim", c.out_dim);
  visit("is_classifier", c.is_classifier);
  visit("freeze_base", c.freeze_base);
  visit("count_prediction", c.count_prediction);
  visit("target_layer_norm", c.target_layer_norm);
  visit("abundance_pooling", c.abundance_pooling);
  visit("bounded_targets", c.bounded_targets);
  visit("learnable_output_scale", c.learnable_output_scale);
  visit("output_activation", c.output_activation);
  visit("regressor_hidden_dims", c.regressor_hidden_dims);
  visit("regressor_dropout", c.regressor_dropout);
  visit("residual_regression_head", c.residual_regression_head);
  visit("num_quantiles", c.num_quantiles);
  visit("categorical_cardinalities", c.categorical_cardinalities);
  visit("categorical_embed_dim", c.categorical_embed_dim);
  visit("categorical_fusion", c.categorical_fusion);
  visit("categorical_dropout", c.categorical_dropout);
  visit("cross_attn_heads", c.cross_attn_heads);
  visit("perceiver_num_latents", c.perceiver_num_latents);
  visit("perceiver_num_layers", c.perceiver_num_layers);
  visit("conditional_scaling_columns", c.conditional_scaling_columns);
}

// Keywords of AAM's constructors that change speed and nothing else.
constexpr std::array<std::string_view, 3> kSpeedKeywords = {"attn_implementation", "asv_chunk_size",
                                                            "gradient_checkpointing"};

void read(const Json& json, int64_t& field) { field = json.as_int(); }
void read(const Json& json, double& field) { field = json.as_double(); }
void read(const Json& json, bool& field) { field = json.as_bool(); }
void read(const Json& json, std::string& field) { field = json.as_string(); }
void read(const Json& json, std::vector<int64_t>& field) {
  field.clear();
  for (const Json& item : json.as_array()) field.push_back(item.as_int());
}
void read(const Json& json, std::vector<std::string>& field) {
  field.clear();
  for (const Json& item : json.as_array()) field.push_back(item.as_string());
}
void read(const Json& json, std::map<std::string, int64_t>& field) {
  field.clear();
  for (const auto& [key, value] : json.as_object()) field[key] = value.as_int();
}

template <class T>
Json written(const T& field) {
  return Json(field);
}
Json written(const std::vector<int64_t>& field) { return Json::array_of(field); }
Json written(const std::vector<std::string>& field) { return Json::array_of(field); }
Json written(const std::map<std::string, int64_t>& field) {
  Json out = Json::object();
  for (const auto& [key, value] : field) out.set(key, Json(value));
  return out;
}

void require(bool ok, const std::string& name, const std::string& expected, const std::string& got) {
  if (!ok) throw ConfigError("model " + name + ": expected " + expected + ", got " + got);
}

void at_least(const std::string& name, int64_t value, int64_t least) {
  require(value >= least, name, std::to_string(least) + " or more", std::to_string(value));
}

void share(const std::string& name, double value) {
  require(value >= 0 && value < 1, name, "at least 0 and below 1", std::to_string(value));
}

void one_of(const std::string& name, const std::string& value, std::initializer_list<std::string_view> known) {
  std::string list;
  for (std::string_view item : known) list += (list.empty() ? "" : ", ") + std::string(item);
  require(std::find(known.begin(), known.end(), value) != known.end(), name, "one of " + list, quoted(value));
}

void check_stacks(const ModelConfig& c) {
  struct Stack {
    const char* name;
    int64_t layers, heads, width;
    double dropout;
  };
  const Stack stacks[] = {
      {"asv", c.asv_num_layers, c.asv_num_heads, c.asv_intermediate_size, c.asv_dropout},
      {"sample", c.sample_num_layers, c.sample_num_heads, c.sample_intermediate_size, c.sample_dropout},
      {"encoder", c.encoder_num_layers, c.encoder_num_heads, c.encoder_intermediate_size, c.encoder_dropout},
      {"count", c.count_num_layers, c.count_num_heads, c.count_intermediate_size, c.count_dropout},
      {"target", c.target_num_layers, c.target_num_heads, c.target_intermediate_size, c.target_dropout}};
  for (const Stack& stack : stacks) {
    const std::string name = stack.name;
    at_least(name + "_num_layers", stack.layers, 1);
    at_least(name + "_num_heads", stack.heads, 1);
    at_least(name + "_intermediate_size", stack.width, 0);
    share(name + "_dropout", stack.dropout);
    require(c.embedding_dim % stack.heads == 0, name + "_num_heads",
            "a divisor of embedding_dim " + std::to_string(c.embedding_dim), std::to_string(stack.heads));
  }
}

void check_head(const ModelConfig& c) {
  at_least("out_dim", c.out_dim, c.is_classifier ? 2 : 1);
  at_least("num_quantiles", c.num_quantiles, 0);
  for (int64_t width : c.regressor_hidden_dims) at_least("regressor_hidden_dims", width, 1);
  share("regressor_dropout", c.regressor_dropout);
  one_of("output_activation", c.output_activation, {"none", "relu", "softplus", "exp"});
  require(!c.residual_regression_head || !c.regressor_hidden_dims.empty(), "residual_regression_head",
          "regressor_hidden_dims to go with it", "none");
  require(c.output_activation == "none" || !(c.bounded_targets || c.is_classifier), "output_activation",
          "none with bounded_targets or is_classifier", c.output_activation);
  require(!(c.is_classifier && (c.bounded_targets || c.num_quantiles > 0)), "is_classifier",
          "neither bounded_targets nor num_quantiles beside it", "both");
}

void check_covariates(const ModelConfig& c) {
  one_of("categorical_fusion", c.categorical_fusion, {"concat", "add", "gmu", "cross-attention", "perceiver"});
  at_least("cross_attn_heads", c.cross_attn_heads, 1);
  at_least("perceiver_num_latents", c.perceiver_num_latents, 1);
  at_least("perceiver_num_layers", c.perceiver_num_layers, 1);
  const bool attends = c.categorical_fusion == "cross-attention" || c.categorical_fusion == "perceiver";
  require(!attends || c.categorical_cardinalities.empty() || c.embedding_dim % c.cross_attn_heads == 0,
          "cross_attn_heads", "a divisor of embedding_dim " + std::to_string(c.embedding_dim),
          std::to_string(c.cross_attn_heads));
  at_least("categorical_embed_dim", c.categorical_embed_dim, 1);
  share("categorical_dropout", c.categorical_dropout);
  for (const auto& [column, cardinality] : c.categorical_cardinalities) {
    at_least("categorical_cardinalities[" + quoted(column) + "]", cardinality, 1);
    require(!column.empty() && column.find('.') == column.npos, "categorical_cardinalities",
            "column names without a dot (they become parameter names)", quoted(column));
  }
  for (const std::string& column : c.conditional_scaling_columns) {
    require(c.categorical_cardinalities.count(column) > 0, "conditional_scaling_columns",
            "columns of categorical_cardinalities", quoted(column));
  }
}

}  // namespace

Json ModelConfig::to_json() const {
  Json out = Json::object();
  visit_fields(*this, [&](const char* name, const auto& field) { out.set(name, written(field)); });
  return out;
}

ModelConfig ModelConfig::from_json(const Json& json) {
  ModelConfig config;
  std::vector<std::string> known;
  visit_fields(config, [&](const char* name, auto& field) {
    known.emplace_back(name);
    const Json* value = json.find(name);
    if (value == nullptr || value->is_null()) return;  // AAM's None: the default
    try {
      read(*value, field);
    } catch (const ConfigError& error) {
      throw ConfigError("model " + std::string(name) + ": " + error.what());
    }
  });
  for (const auto& [key, value] : json.as_object()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    if (std::find(kSpeedKeywords.begin(), kSpeedKeywords.end(), key) != kSpeedKeywords.end()) continue;
    const std::string near = nearest_name(key, known);
    throw ConfigError("model: unknown option " + quoted(key) + (near.empty() ? "" : ", did you mean " + near + "?"));
  }
  return config;
}

void ModelConfig::check() const {
  at_least("vocab_size", vocab_size, 5);
  at_least("embedding_dim", embedding_dim, 1);
  at_least("max_bp", max_bp, 1);
  at_least("token_limit", token_limit, 1);
  check_stacks(*this);
  one_of("activation", activation, {"gelu", "gelu_tanh", "relu"});
  one_of("encoder_type", encoder_type, {"unifrac", "faith_pd", "taxonomy", "combined"});
  at_least("base_output_dim", base_output_dim, 0);
  share("nuc_mask_ratio", nuc_mask_ratio);
  one_of("nuc_mask_strategy", nuc_mask_strategy, {"random", "span"});
  require(!predict_nucleotides || nuc_mask_ratio == 0 || vocab_size >= 7, "vocab_size",
          "7 or more when nucleotides are masked (MASK is token 6; nuc_mask_ratio 0 turns masking off)",
          std::to_string(vocab_size));
  one_of("count_embedding_method", count_embedding_method, {"add", "concat", "film"});
  check_head(*this);
  check_covariates(*this);
}

}  // namespace deepbio::model
