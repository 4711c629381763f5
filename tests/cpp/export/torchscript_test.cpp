#include "deepbio/export/torchscript.h"

#include <torch/script.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio::model;
using deepbio::exporting::write_torchscript;
using torch::Tensor;

namespace {

ModelConfig small() {
  ModelConfig config;
  config.embedding_dim = 16;
  config.max_bp = 20;
  config.token_limit = 9;
  return config;
}

Tensor some_tokens(int64_t samples, int64_t asvs, int64_t length) {
  Tensor tokens = torch::randint(1, 5, {samples, asvs, length});
  tokens.select(2, 0).fill_(5);
  tokens.slice(2, length / 2).slice(1, 1).zero_();
  tokens[samples - 1].slice(0, (asvs + 1) / 2).zero_();
  return tokens;
}

}  // namespace

CATCH_TEST_CASE("an exported model gives the model's numbers for any batch, ASVs and length",
                "[torchscript]") {
  torch::manual_seed(0);
  const deepbio::test::TemporaryFolder folder;
  ModelConfig config = small();
  config.count_embedding = true;
  for (const bool is_predictor : {false, true}) {
    const auto model = make_model(config, is_predictor);
    model->train();
    write_torchscript(folder / "model.pt", *model, R"({"kind":"test"})");
    CATCH_REQUIRE(model->is_training());
    model->eval();
    torch::jit::ExtraFilesMap extra{{"deepbio.json", ""}};
    torch::jit::Module loaded = torch::jit::load(folder / "model.pt", std::nullopt, extra);
    CATCH_REQUIRE(extra["deepbio.json"] == R"({"kind":"test"})");
    for (const auto& [samples, asvs, length] :
         {std::tuple{1, 1, 2}, {4, 9, 21}, {2, 3, 12}, {7, 2, 5}}) {
      const Tensor tokens = some_tokens(samples, asvs, length),
                   counts = torch::rand({samples, asvs}) * 50;
      const Outputs out = model->forward(inputs_from_padded(tokens, counts));
      const Tensor got = loaded.forward({tokens, counts}).toTensor();
      CATCH_REQUIRE(
          at::allclose(got, is_predictor ? out.target_prediction : out.embeddings, 1e-5, 1e-6));
    }
    for (const auto& node : loaded.get_method("forward").graph()->nodes()) {
      CATCH_REQUIRE(std::string(node->kind().toQualString()).rfind("deepbio::", 0) != 0);
    }
  }
}

CATCH_TEST_CASE("a model with covariates takes them as a third argument", "[torchscript]") {
  const deepbio::test::TemporaryFolder folder;
  ModelConfig config = small();
  config.categorical_cardinalities = {{"site", 4}, {"sex", 3}};
  config.categorical_fusion = "gmu";
  config.conditional_scaling_columns = {"site"};
  config.out_dim = 3;
  config.is_classifier = true;
  SequencePredictor model(config);
  write_torchscript(folder / "model.pt", *model);
  model->eval();
  torch::jit::Module loaded = torch::jit::load(folder / "model.pt");
  const Tensor tokens = some_tokens(3, 4, 8), sex = torch::tensor({1, 2, 0}),
               site = torch::tensor({3, 0, 1});
  const Tensor expected =
      model->forward(inputs_from_padded(tokens, {}, {{"sex", sex}, {"site", site}}))
          .target_prediction;
  const Tensor got =
      loaded.forward({tokens, torch::zeros({3, 4}), torch::stack({sex, site}, 1)}).toTensor();
  CATCH_REQUIRE(at::allclose(got, expected, 1e-5, 1e-6));
}

CATCH_TEST_CASE("an exported file trains: its parameters get gradients", "[torchscript]") {
  const deepbio::test::TemporaryFolder folder;
  SequencePredictor model(small());
  write_torchscript(folder / "model.pt", *model);
  torch::jit::Module loaded = torch::jit::load(folder / "model.pt");
  size_t parameters = 0, names = 0;
  for (const auto& parameter : loaded.named_parameters()) {
    ++parameters;
    names += model->named_parameters().contains(parameter.name);
  }
  CATCH_REQUIRE(parameters == model->parameters().size());
  CATCH_REQUIRE(names == parameters);
  loaded.forward({some_tokens(2, 3, 6), torch::ones({2, 3})}).toTensor().sum().backward();
  CATCH_REQUIRE(loaded.attr("target_head")
                    .toModule()
                    .attr("weight")
                    .toTensor()
                    .grad()
                    .abs()
                    .sum()
                    .item<double>() > 0);
}

CATCH_TEST_CASE("what cannot be exported or written is refused and leaves no file",
                "[torchscript]") {
  const deepbio::test::TemporaryFolder folder;
  ModelConfig config = small();
  config.encoder_type = "combined";
  CATCH_REQUIRE_THROWS_AS(write_torchscript(folder / "x.pt", *make_model(config, false)),
                          deepbio::ArgumentError);
  CATCH_REQUIRE_FALSE(std::filesystem::exists(folder / "x.pt"));
  deepbio::test::write_text(folder / "there.pt", "mine");
  CATCH_REQUIRE_THROWS_AS(write_torchscript(folder / "there.pt", *make_model(small(), true), "{}",
                                            deepbio::io::Overwrite::kRefuse),
                          deepbio::WriteError);
  CATCH_REQUIRE(deepbio::test::read_text(folder / "there.pt") == "mine");
}
