#include "deepbio/model/config.h"

#include "catch.h"

#include "deepbio/base/error.h"

using deepbio::ConfigError;
using deepbio::Json;
using deepbio::model::ModelConfig;

namespace {

std::string refusal(const std::string& json) {
  try {
    ModelConfig::from_json(Json::parse(json)).check();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

CATCH_TEST_CASE("a model config survives JSON with every field changed", "[config]") {
  ModelConfig config;
  config.embedding_dim = 24;
  config.asv_dropout = 0.25;
  config.activation = "relu";
  config.predict_nucleotides = true;
  config.regressor_hidden_dims = {12, 6};
  config.categorical_cardinalities = {{"site", 4}, {"sex", 3}};
  config.conditional_scaling_columns = {"site"};
  const Json json = config.to_json();
  const ModelConfig again = ModelConfig::from_json(Json::parse(json.dump()));
  CATCH_REQUIRE(again.to_json() == json);
  CATCH_REQUIRE(again.embedding_dim == 24);
  CATCH_REQUIRE(again.asv_dropout == 0.25);
  CATCH_REQUIRE(again.regressor_hidden_dims == std::vector<int64_t>{12, 6});
  CATCH_REQUIRE(again.categorical_cardinalities.at("sex") == 3);
  CATCH_REQUIRE(json.as_object().size() == 65);
  again.check();
}

CATCH_TEST_CASE("one option sets all stacks, the option of one stack wins", "[config]") {
  const ModelConfig config = ModelConfig::from_json(Json::parse(
      R"({"count_num_layers": 1, "attention_layers": 3, "attention_heads": 2, "dropout": 0.25})"));
  CATCH_CHECK(config.asv_num_layers == 3);
  CATCH_CHECK(config.target_num_layers == 3);
  CATCH_CHECK(config.count_num_layers == 1);
  CATCH_CHECK(config.sample_num_heads == 2);
  CATCH_CHECK(config.encoder_dropout == 0.25);
}

CATCH_TEST_CASE("AAM's name of a classifier is understood", "[config]") {
  CATCH_CHECK(ModelConfig::from_json(Json::parse(R"({"is_classifier": true, "out_dim": 2})"))
                  .is_classifier);
}

CATCH_TEST_CASE("keywords of AAM that change only speed are accepted, its None is the default",
                "[config]") {
  const ModelConfig config =
      ModelConfig::from_json(Json::parse(R"({"attn_implementation": "math", "asv_chunk_size": 64, )"
                                         R"("gradient_checkpointing": true, "out_dim": null})"));
  CATCH_REQUIRE(config.to_json() == ModelConfig().to_json());
}

CATCH_TEST_CASE("a refused option is named with what was expected and what was found", "[config]") {
  using Catch::Matchers::Contains;
  CATCH_CHECK_THAT(refusal(R"({"embeding_dim": 16})"),
                   Contains("embeding_dim") && Contains("did you mean `embedding_dim`?"));
  CATCH_CHECK_THAT(refusal(R"({"embedding_dim": "16"})"), Contains("embedding_dim"));
  CATCH_CHECK_THAT(refusal(R"({"embedding_dim": 10, "target_num_heads": 4})"),
                   Contains("num_heads") && Contains("10"));
  CATCH_CHECK_THAT(refusal(R"({"encoder_type": "unifrak"})"),
                   Contains("faith_pd") && Contains("unifrak"));
  CATCH_CHECK_THAT(refusal(R"({"asv_dropout": 1.0})"), Contains("asv_dropout"));
  CATCH_CHECK_THAT(
      refusal(R"({"categorical_fusion": "cross-attention", "categorical_cardinalities": {"a": 2},
                               "cross_attn_heads": 3})"),
      Contains("cross_attn_heads") && Contains("a divisor of `embedding_dim=128`"));
  CATCH_CHECK_THAT(refusal(R"({"conditional_scaling_columns": ["site"]})"), Contains("site"));
  CATCH_CHECK_THAT(refusal(R"({"is_classifier": true, "out_dim": 1})"),
                   Contains("out_dim") && Contains("2 or more"));
  CATCH_CHECK_THAT(refusal(R"({"residual_regression_head": true})"),
                   Contains("regressor_hidden_dims"));
  CATCH_CHECK_THAT(refusal(R"({"vocab_size": 6, "predict_nucleotides": true})"),
                   Contains("vocab_size"));
  CATCH_CHECK(
      refusal(R"({"vocab_size": 6, "predict_nucleotides": true, "nuc_mask_ratio": 0})").empty());
}
