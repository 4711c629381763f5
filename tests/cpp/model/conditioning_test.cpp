#include "deepbio/model/conditioning.h"

#include <torch/types.h>
#include <torch/utils.h>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/model/aam.h"

using namespace deepbio::model;
using torch::Tensor;

namespace {

ModelConfig with_covariates(const std::string& fusion) {
  ModelConfig config;
  config.embedding_dim = 16;
  config.max_bp = 20;
  config.token_limit = 7;
  config.categorical_cardinalities = {{"site", 4}, {"sex", 3}};
  config.categorical_fusion = fusion;
  return config;
}

}  // namespace

CATCH_TEST_CASE("covariates are embedded in alphabetic order and category 0 is zero",
                "[conditioning]") {
  CategoricalEmbedder embedder(with_covariates("concat"));
  CATCH_REQUIRE(embedder->named_parameters().keys() ==
                std::vector<std::string>{"embeddings.sex.weight", "embeddings.site.weight"});
  init_parameters(*embedder, 1);
  embedder->eval();
  torch::NoGradGuard no_grad;
  embedder->named_parameters()["embeddings.sex.weight"].fill_(2);
  embedder->named_parameters()["embeddings.site.weight"].fill_(5);
  const CategoricalIds ids{{"site", torch::tensor({1, 3})}, {"sex", torch::tensor({2, 0})}};
  const Tensor out = embedder->forward(ids);
  CATCH_REQUIRE(out.sizes() == at::IntArrayRef({2, 32}));
  CATCH_REQUIRE(out[0][0].item<double>() == 2);
  CATCH_REQUIRE(out[0][16].item<double>() == 5);
  CATCH_REQUIRE_THROWS_AS(embedder->forward({{"sex", torch::tensor({1})}}), deepbio::ArgumentError);
}

CATCH_TEST_CASE("each fusion changes the prediction, and samples without ids pass unchanged",
                "[conditioning]") {
  const Tensor tokens = torch::randint(1, 5, {2, 3, 9});
  const CategoricalIds some{{"site", torch::tensor({1, 2})}, {"sex", torch::tensor({1, 2})}};
  const CategoricalIds other{{"site", torch::tensor({1, 3})}, {"sex", torch::tensor({1, 2})}};
  for (const std::string fusion : {"concat", "add", "gmu", "cross-attention", "perceiver"}) {
    CATCH_INFO(fusion);
    SequencePredictor model(with_covariates(fusion));
    model->eval();
    const Outputs with = model->forward(inputs_from_padded(tokens, {}, some));
    const Tensor changed = model->forward(inputs_from_padded(tokens, {}, other)).target_prediction;
    CATCH_REQUIRE(at::equal(with.target_prediction[0], changed[0]));
    CATCH_REQUIRE_FALSE(at::equal(with.target_prediction[1], changed[1]));
    CATCH_REQUIRE(with.gmu_gate.defined() == (fusion == "gmu"));
    CATCH_REQUIRE(with.cross_attn_weights.defined() == (fusion == "cross-attention"));
    CATCH_REQUIRE(with.perceiver_attn_weights.defined() == (fusion == "perceiver"));
    const Tensor without = model->forward(inputs_from_padded(tokens)).target_prediction;
    CATCH_REQUIRE_FALSE(at::equal(without, with.target_prediction));
  }
}

CATCH_TEST_CASE("output scales multiply and shift by category", "[conditioning]") {
  ModelConfig config = with_covariates("concat");
  config.conditional_scaling_columns = {"site"};
  SequencePredictor model(config);
  model->eval();
  torch::NoGradGuard no_grad;
  const Tensor tokens = torch::randint(1, 5, {2, 3, 9});
  const Inputs inputs = inputs_from_padded(
      tokens, {}, {{"site", torch::tensor({1, 2})}, {"sex", torch::tensor({1, 2})}});
  const Tensor plain = model->forward(inputs).target_prediction;
  model->named_parameters()["output_scales.site.weight"][2].fill_(3);
  model->named_parameters()["output_biases.site.weight"][2].fill_(0.5);
  const Tensor scaled = model->forward(inputs).target_prediction;
  CATCH_REQUIRE(at::equal(scaled[0], plain[0]));
  CATCH_REQUIRE(at::allclose(scaled[1], plain[1] * 3 + 0.5));
}
