#include "deepbio/model/aam.h"

#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio::model;
using torch::Tensor;

namespace {

ModelConfig small_aam() {
  ModelConfig config;
  config.embedding_dim = 16;
  config.max_bp = 20;
  config.token_limit = 7;
  config.asv_num_heads = config.sample_num_heads = config.encoder_num_heads = 2;
  return config;
}

// Two samples of ASVs 0..2, the second with one padded slot.
Inputs distinct() {
  Inputs inputs;
  inputs.asv_tokens = torch::tensor({{5, 1, 2, 3, 4, 1}, {5, 4, 4, 2, 0, 0}, {5, 3, 0, 3, 3, 0}});
  inputs.asv_index = torch::tensor({{0, 1, 2}, {2, 0, 0}});
  inputs.mask = torch::tensor({{true, true, true}, {true, true, false}});
  inputs.counts = torch::tensor({{3.0, 1.0, 9.0}, {2.0, 5.0, 0.0}});
  return inputs;
}

Tensor padded_tokens(const Inputs& inputs) {
  return inputs.asv_tokens.index({inputs.asv_index}) * inputs.mask.unsqueeze(-1);
}

}  // namespace

CATCH_TEST_CASE("model sizes are those computed from AAM's formula", "[aam]") {
  ModelConfig config;
  config.predict_nucleotides = true;
  config.asv_num_layers = config.sample_num_layers = config.encoder_num_layers = 4;
  config.count_num_layers = config.target_num_layers = 4;
  const auto size = [](const torch::nn::Module& module) {
    int64_t total = 0;
    for (const auto& parameter : module.parameters()) total += parameter.numel();
    return total;
  };
  CATCH_REQUIRE(size(*make_model(config, false)) == 2533639);
  CATCH_REQUIRE(size(*make_model(config, true)) == 4121225);
}

CATCH_TEST_CASE("a clone has the same names and numbers, and a life of its own", "[aam]") {
  for (const bool is_predictor : {false, true}) {
    ModelConfig config = small_aam();
    config.freeze_base = is_predictor;
    const auto model = make_model(config, is_predictor);
    model->eval();
    const auto copy = std::dynamic_pointer_cast<AamModel>(model->clone());
    CATCH_REQUIRE(copy);
    CATCH_REQUIRE(copy->named_parameters().keys() == model->named_parameters().keys());
    CATCH_REQUIRE_FALSE(copy->is_training());
    const Tensor before = model->forward(distinct()).embeddings.detach().clone();
    CATCH_REQUIRE(at::equal(copy->forward(distinct()).embeddings, before));
    for (const auto& item : copy->named_parameters()) {
      CATCH_REQUIRE(item.value().requires_grad() ==
                    model->named_parameters()[item.key()].requires_grad());
      const torch::NoGradGuard no_grad;
      item.value().detach().add_(1);
    }
    CATCH_REQUIRE(at::equal(model->forward(distinct()).embeddings, before));
    CATCH_REQUIRE_FALSE(at::equal(copy->forward(distinct()).embeddings, before));
  }
}

CATCH_TEST_CASE(
    "what padding holds does not matter where it is left out, and counts only where they are asked "
    "for",
    "[aam]") {
  ModelConfig config = small_aam();
  config.predict_nucleotides = true;
  const auto model = make_model(config, true);
  model->eval();
  const Inputs inputs = distinct();
  const Outputs full = model->forward(inputs, {.return_nucleotides = true});
  const Outputs some = model->forward(inputs, {.return_nucleotides = true, .skip_padding = true});
  CATCH_REQUIRE(at::allclose(full.target_prediction, some.target_prediction, 0, 1e-6));
  const auto same = [](const Tensor& a, const Tensor& b, const Tensor& real) {
    return at::allclose(a.masked_select(real), b.masked_select(real), 0, 1e-6);
  };
  CATCH_REQUIRE(same(full.count_prediction, some.count_prediction, inputs.mask));
  CATCH_REQUIRE(
      same(full.nuc_predictions, some.nuc_predictions, inputs.asv_tokens.gt(0).unsqueeze(-1)));
  const Outputs without = model->forward(inputs, {.predict_counts = false});
  CATCH_REQUIRE_FALSE(without.count_prediction.defined());
  CATCH_REQUIRE(at::equal(without.target_prediction, full.target_prediction));
}

CATCH_TEST_CASE("distinct ASVs and padded tokens give the same numbers", "[aam]") {
  ModelConfig config = small_aam();
  config.predict_nucleotides = true;
  config.count_embedding = true;
  for (const bool is_predictor : {false, true}) {
    const auto model = make_model(config, is_predictor);
    model->eval();
    CATCH_REQUIRE(model->is_predictor() == is_predictor);
    const Inputs once = distinct();
    const Inputs padded = inputs_from_padded(padded_tokens(once), once.counts.unsqueeze(-1));
    CATCH_REQUIRE(at::equal(padded.mask, once.mask));
    const Outputs a = model->forward(once, {true, true}), b = model->forward(padded, {true, true});
    CATCH_REQUIRE(at::allclose(a.embeddings, b.embeddings, 0, 1e-5));
    CATCH_REQUIRE(at::allclose(a.base_embeddings, b.base_embeddings, 0, 1e-5));
    CATCH_REQUIRE(a.base_embeddings[1][2].eq(0).all().item<bool>());
    CATCH_REQUIRE(a.nuc_predictions.sizes() == at::IntArrayRef({3, 6, 7}));
    CATCH_REQUIRE(at::allclose(a.nuc_predictions, b.nuc_predictions.slice(0, 0, 3), 0, 1e-5));
    if (!is_predictor) continue;
    CATCH_REQUIRE(at::allclose(a.target_prediction, b.target_prediction, 0, 1e-5));
    CATCH_REQUIRE(a.count_prediction.sizes() == at::IntArrayRef({2, 3}));
    CATCH_REQUIRE(at::allclose(a.count_prediction, b.count_prediction, 0, 1e-5));
  }
}

CATCH_TEST_CASE("ASV embeddings computed before stand for the tokens", "[aam]") {
  SequencePredictor model(small_aam());
  model->eval();
  Inputs inputs = distinct();
  const Tensor expected = model->forward(inputs).target_prediction;
  inputs.asv_embeddings = model->encode_asvs(inputs.asv_tokens);
  inputs.asv_tokens = torch::Tensor();
  CATCH_REQUIRE(at::equal(model->forward(inputs).target_prediction, expected));
}

CATCH_TEST_CASE("a frozen base gets no gradient, the branches do", "[aam]") {
  ModelConfig config = small_aam();
  config.freeze_base = true;
  SequencePredictor model(config);
  const Outputs out = model->forward(distinct());
  (out.target_prediction.sum() + out.count_prediction.sum()).backward();
  size_t with_gradient = 0;
  for (const auto& item : model->named_parameters()) {
    const bool of_base = item.key().rfind("base_model.", 0) == 0;
    CATCH_INFO(item.key());
    CATCH_REQUIRE(item.value().grad().defined() == !of_base);
    with_gradient += item.value().grad().defined();
  }
  CATCH_REQUIRE(with_gradient > 20);
}

CATCH_TEST_CASE("masking happens in training with nucleotides asked for, and nowhere else",
                "[aam]") {
  ModelConfig config = small_aam();
  config.predict_nucleotides = true;
  config.nuc_mask_ratio = 0.5;
  SequenceEncoder model(config);
  torch::manual_seed(0);
  const Outputs out = model->forward(distinct(), {true, false});
  CATCH_REQUIRE(out.mask_indices.any().item<bool>());
  CATCH_REQUIRE_FALSE(model->forward(distinct()).mask_indices.defined());
  model->eval();
  CATCH_REQUIRE_FALSE(model->forward(distinct(), {true, false}).mask_indices.defined());
}

CATCH_TEST_CASE("each encoder type and head gives its own outputs", "[aam]") {
  ModelConfig config = small_aam();
  config.encoder_type = "combined";
  const Outputs combined = SequenceEncoder(config)->forward(distinct());
  CATCH_REQUIRE(combined.unifrac_pred.sizes() == at::IntArrayRef({2, 2}));
  CATCH_REQUIRE(combined.tax_pred.sizes() == at::IntArrayRef({2, 7}));
  CATCH_REQUIRE_FALSE(combined.embeddings.defined());
  config.encoder_type = "faith_pd";
  config.base_output_dim = 1;
  CATCH_REQUIRE(SequenceEncoder(config)->forward(distinct()).base_prediction.sizes() ==
                at::IntArrayRef({2, 1}));
  config = small_aam();
  config.is_classifier = true;
  config.out_dim = 3;
  const Tensor classes = SequencePredictor(config)->forward(distinct()).target_prediction;
  CATCH_REQUIRE(at::allclose(classes.exp().sum(-1), torch::ones({2})));
  config = small_aam();
  config.num_quantiles = 3;
  config.out_dim = 2;
  CATCH_REQUIRE(SequencePredictor(config)->forward(distinct()).target_prediction.sizes() ==
                at::IntArrayRef({2, 2, 3}));
  config = small_aam();
  config.bounded_targets = true;
  config.learnable_output_scale = true;
  const Tensor bounded = SequencePredictor(config)->forward(distinct()).target_prediction;
  CATCH_REQUIRE(bounded.gt(0).logical_and(bounded.lt(1)).all().item<bool>());
}

CATCH_TEST_CASE(
    "an empty batch and a batch without real ASVs give finite outputs of the right shape",
    "[aam]") {
  SequencePredictor model(small_aam());
  model->eval();
  const Outputs none = model->forward(inputs_from_padded(torch::zeros({0, 3, 6}, torch::kLong)));
  CATCH_REQUIRE(none.target_prediction.sizes() == at::IntArrayRef({0, 1}));
  const Outputs blank = model->forward(inputs_from_padded(torch::zeros({2, 3, 6}, torch::kLong)));
  CATCH_REQUIRE(blank.target_prediction.isfinite().all().item<bool>());
  CATCH_REQUIRE_THROWS_AS(inputs_from_padded(torch::zeros({3, 6}, torch::kLong)),
                          deepbio::ShapeError);
}

CATCH_TEST_CASE("a config that cannot be built is refused before anything is allocated", "[aam]") {
  ModelConfig config = small_aam();
  config.asv_num_heads = 3;
  CATCH_REQUIRE_THROWS_AS(make_model(config, true), deepbio::ConfigError);
}
