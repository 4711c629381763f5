#include "deepbio/model/initialize.h"

#include <torch/types.h>
#include <torch/utils.h>

#include "catch.h"

#include "deepbio/model/aam.h"

using namespace deepbio::model;
using torch::Tensor;

CATCH_TEST_CASE("layers of a stack start identical, stacks do not, and the seed decides",
                "[initialize]") {
  ModelConfig config;
  config.embedding_dim = 16;
  config.token_limit = 8;
  SequencePredictor model(config);
  init_parameters(*model, 3);
  const auto p = model->named_parameters();
  const Tensor first = p["target_encoder.encoder.layers.0.linear1.weight"].clone();
  CATCH_REQUIRE(at::equal(first, p["target_encoder.encoder.layers.1.linear1.weight"]));
  CATCH_REQUIRE_FALSE(at::equal(first, p["count_encoder.encoder.layers.0.linear1.weight"]));
  init_parameters(*model, 4);
  CATCH_REQUIRE_FALSE(at::equal(first, p["target_encoder.encoder.layers.0.linear1.weight"]));
  init_parameters(*model, 3);
  CATCH_REQUIRE(at::equal(first, p["target_encoder.encoder.layers.0.linear1.weight"]));
}

CATCH_TEST_CASE("a constructed model follows torch's default generator", "[initialize]") {
  ModelConfig config;
  config.embedding_dim = 8;
  config.token_limit = 4;
  const auto weights = [&](uint64_t seed) {
    torch::manual_seed(seed);
    return SequencePredictor(config)->named_parameters()["count_head.weight"].detach().clone();
  };
  CATCH_REQUIRE(at::equal(weights(5), weights(5)));
  CATCH_REQUIRE_FALSE(at::equal(weights(5), weights(6)));
}

CATCH_TEST_CASE(
    "a model with a seed follows that alone and leaves torch's default generator as it was",
    "[initialize]") {
  ModelConfig config;
  config.embedding_dim = 8;
  config.token_limit = 4;
  const auto weights = [&](uint64_t seed) {
    return make_model(config, true, seed)->named_parameters()["count_head.weight"].detach().clone();
  };
  torch::manual_seed(5);
  const Tensor next = torch::rand({3});
  torch::manual_seed(5);
  const Tensor first = weights(1);
  CATCH_REQUIRE(at::equal(torch::rand({3}), next));
  CATCH_REQUIRE(at::equal(weights(1), first));
  CATCH_REQUIRE_FALSE(at::equal(weights(2), first));
  const auto model = make_model(config, true);
  init_parameters(*model, 1);
  CATCH_REQUIRE(at::equal(model->named_parameters()["count_head.weight"], first));
}

CATCH_TEST_CASE("each kind of parameter starts as AAM starts it", "[initialize]") {
  const auto values = [](const std::string& name, at::IntArrayRef shape, int64_t fan_in) {
    return initial_parameter(name, shape, fan_in, 11);
  };
  const Tensor tokens = values("asv_encoder.token_embedding.weight", {100, 100}, 100);
  CATCH_CHECK(tokens.mean().item<double>() == Approx(0).margin(0.05));
  CATCH_CHECK(tokens.std().item<double>() == Approx(1).margin(0.05));
  CATCH_CHECK(tokens.abs().max().item<double>() > 3);
  const double xavier = std::sqrt(6.0 / (4 * 50));
  const Tensor attention = values("x.layers.0.self_attn.in_proj_weight", {150, 50}, 50);
  CATCH_CHECK(attention.abs().max().item<double>() == Approx(xavier).epsilon(0.01));
  CATCH_CHECK(attention.abs().max().item<double>() <= xavier);
  CATCH_CHECK(attention.std().item<double>() == Approx(xavier / std::sqrt(3.0)).epsilon(0.05));
  const Tensor inner = values("x.layers.0.linear2.weight", {50, 200}, 200);
  CATCH_CHECK(inner.abs().max().item<double>() == Approx(1 / std::sqrt(200.0)).epsilon(0.01));
  CATCH_CHECK(values("x.layers.0.linear2.bias", {500}, 200).abs().max().item<double>() ==
              Approx(1 / std::sqrt(200.0)).epsilon(0.05));
  CATCH_CHECK(values("x.layers.0.self_attn.out_proj.bias", {5}, 5).eq(0).all().item<bool>());
  CATCH_CHECK(values("count_head.bias", {1}, 5).item<double>() == 0);
  CATCH_CHECK(values("base_model.uni_ff.bias", {2}, 5).eq(0.85f).all().item<bool>());
  CATCH_CHECK(values("base_model.faith_ff.bias", {1}, 4).abs().item<double>() > 0);
  CATCH_CHECK(values("x.norm.weight", {5}, 5).eq(1).all().item<bool>());
  CATCH_CHECK(values("x.layers.0.norm2.bias", {5}, 5).eq(0).all().item<bool>());
  CATCH_CHECK(values("output_scales.site.weight", {3, 2}, 2).eq(1).all().item<bool>());
  CATCH_CHECK(values("output_biases.site.weight", {3, 2}, 2).eq(0).all().item<bool>());
  const Tensor table = values("categorical_embedder.embeddings.site.weight", {40, 16}, 16);
  CATCH_CHECK(table[0].eq(0).all().item<bool>());
  CATCH_CHECK(table.slice(0, 1).std().item<double>() == Approx(1).margin(0.1));
}
