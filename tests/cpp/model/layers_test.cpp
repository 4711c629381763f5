#include "deepbio/model/layers.h"

#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/model/initialize.h"

using namespace deepbio::model;
using torch::Tensor;

namespace {

ModelConfig short_asvs() {
  ModelConfig config;
  config.embedding_dim = 16;
  config.max_bp = 20;
  config.token_limit = 7;
  return config;
}

std::vector<std::string> names(const torch::nn::Module& module) {
  return module.named_parameters().keys();
}

}  // namespace

CATCH_TEST_CASE("a transformer stack has torch's parameter names in torch's order", "[layers]") {
  const TransformerEncoder stack(EncoderOptions{1, 2, 8, 12, 0.1, functional::Activation::kGelu});
  const std::string layer = "encoder.layers.0.";
  CATCH_REQUIRE(names(*stack) ==
                std::vector<std::string>{
                    layer + "self_attn.in_proj_weight", layer + "self_attn.in_proj_bias",
                    layer + "self_attn.out_proj.weight", layer + "self_attn.out_proj.bias",
                    layer + "linear1.weight", layer + "linear1.bias", layer + "linear2.weight",
                    layer + "linear2.bias", layer + "norm1.weight", layer + "norm1.bias",
                    layer + "norm2.weight", layer + "norm2.bias", "norm.weight", "norm.bias"});
  CATCH_REQUIRE(stack->named_parameters()[layer + "linear1.weight"].sizes() ==
                at::IntArrayRef({12, 8}));
}

CATCH_TEST_CASE("the last LayerNorm of a stack uses eps 1e-6", "[layers]") {
  TransformerEncoder stack(EncoderOptions{1, 1, 2, 0, 0.0, functional::Activation::kGelu});
  torch::NoGradGuard no_grad;
  for (auto& parameter : stack->parameters()) parameter.zero_();
  stack->named_parameters()["norm.weight"].fill_(1);
  // With all else zero the stack is that LayerNorm alone.
  const Tensor got = stack->forward(torch::tensor({{{1e-3, -1e-3}}}), {});
  CATCH_REQUIRE(got[0][0][0].item<double>() == Approx(1e-3 / std::sqrt(1e-6 + 1e-6)).epsilon(1e-4));
}

CATCH_TEST_CASE("the ASV encoder gives an embedding per ASV and logits per letter", "[layers]") {
  ModelConfig config = short_asvs();
  config.predict_nucleotides = true;
  ASVEncoder encoder(config);
  init_parameters(*encoder, 1);
  const Tensor tokens = torch::tensor({{5, 1, 2, 3, 0, 0}, {5, 4, 4, 4, 4, 4}, {0, 0, 0, 0, 0, 0}});
  encoder->eval();
  const ASVEncoding out = encoder->forward(tokens, true);
  CATCH_REQUIRE(out.embeddings.sizes() == at::IntArrayRef({3, 16}));
  CATCH_REQUIRE(out.nuc_predictions.sizes() == at::IntArrayRef({3, 6, 7}));
  CATCH_REQUIRE_FALSE(out.mask_indices.defined());
  CATCH_REQUIRE_FALSE(encoder->forward(tokens).nuc_predictions.defined());
  const Tensor bias = encoder->named_parameters()["nucleotide_head.bias"];
  CATCH_REQUIRE(at::equal(out.nuc_predictions[2][4], bias));  // a row without tokens
  const Tensor longer = encoder->forward(at::constant_pad_nd(tokens, {0, 9})).embeddings;
  CATCH_REQUIRE(at::allclose(longer.slice(0, 0, 2), out.embeddings.slice(0, 0, 2), 0, 1e-5));
  encoder->train();
  CATCH_REQUIRE(encoder->forward(tokens, true).mask_indices.sizes() == tokens.sizes());
  CATCH_REQUIRE_THROWS_AS(encoder->forward(torch::ones({1, 22}, torch::kLong)),
                          deepbio::ShapeError);
}

CATCH_TEST_CASE("the sample encoder keeps padding at zero and asks for counts when it embeds them",
                "[layers]") {
  ModelConfig config = short_asvs();
  config.count_embedding = true;
  config.count_embedding_method = "film";
  SampleSequenceEncoder encoder(config);
  init_parameters(*encoder, 1);
  encoder->eval();
  const Tensor asvs = torch::randn({3, 16}), index = torch::tensor({{0, 2, 1}, {2, 0, 0}});
  const Tensor mask = torch::tensor({{true, true, true}, {true, false, false}});
  const Tensor counts = torch::tensor({{5.0, 1.0, 2.0}, {3.0, 0.0, 0.0}});
  const Tensor out = encoder->forward(asvs, index, mask, counts);
  CATCH_REQUIRE(out.sizes() == at::IntArrayRef({2, 3, 16}));
  CATCH_REQUIRE(out[1].slice(0, 1).eq(0).all().item<bool>());
  CATCH_REQUIRE_FALSE(at::allclose(out, encoder->forward(asvs, index, mask, counts * 2)));
  CATCH_REQUIRE_THROWS_AS(encoder->forward(asvs, index, mask), deepbio::ArgumentError);
  CATCH_REQUIRE_THROWS_AS(encoder->forward(asvs, index, torch::ones({1, 13}, torch::kBool), counts),
                          deepbio::ShapeError);
}

CATCH_TEST_CASE("target heads carry the names of AAM's three shapes", "[layers]") {
  ModelConfig config = short_asvs();
  CATCH_CHECK(names(*TargetHead(config, 2)) == std::vector<std::string>{"weight", "bias"});
  config.regressor_hidden_dims = {12, 6};
  CATCH_CHECK(names(*TargetHead(config, 2)) == std::vector<std::string>{"0.weight", "0.bias",
                                                                        "2.weight", "2.bias",
                                                                        "4.weight", "4.bias"});
  config.regressor_dropout = 0.1;
  config.residual_regression_head = true;
  TargetHead head(config, 2);
  CATCH_CHECK(names(*head) == std::vector<std::string>{"skip.weight", "skip.bias", "mlp.0.weight",
                                                       "mlp.0.bias", "mlp.3.weight", "mlp.3.bias",
                                                       "mlp.6.weight", "mlp.6.bias"});
  head->eval();
  const auto p = head->named_parameters();
  const Tensor x = torch::randn({4, 16});
  Tensor y = at::linear(x, p["mlp.0.weight"], p["mlp.0.bias"]).relu();
  y = at::linear(at::linear(y, p["mlp.3.weight"], p["mlp.3.bias"]).relu(), p["mlp.6.weight"],
                 p["mlp.6.bias"]);
  CATCH_CHECK(at::allclose(head->forward(x), y + at::linear(x, p["skip.weight"], p["skip.bias"]),
                           1e-5, 1e-6));
}
