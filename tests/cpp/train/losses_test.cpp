#include "deepbio/train/losses.h"

#include <torch/types.h>

#include <cmath>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/io/tables/safetensors.h"
#include "deepbio/train/checkpoint.h"

namespace deepbio::train {
namespace {

double value(const torch::Tensor& tensor) { return tensor.item<double>(); }
Approx near(double expected) { return Approx(expected).margin(1e-6); }

CATCH_TEST_CASE("huber is half the square inside one and linear outside", "[losses]") {
  const torch::Tensor prediction = torch::tensor({{0.5}, {3.0}}), target = torch::zeros({2, 1});
  // 0.5 * 0.25 = 0.125 and 3 - 0.5 = 2.5
  CATCH_REQUIRE(value(regression_loss(prediction, target, {})) == near((0.125 + 2.5) / 2));
}

CATCH_TEST_CASE("balanced weights make every class that occurs count alike", "[losses]") {
  const torch::Tensor classes = torch::tensor({0, 0, 0, 2}, torch::kLong);
  // 4 samples over 2 classes that occur: 4 / (2 * 3), none, 4 / (2 * 1)
  const std::vector<double> weights = balanced_class_weights(classes, 3);
  CATCH_REQUIRE(weights == std::vector<double>{4.0 / 6, 0, 2});
}

CATCH_TEST_CASE("mse, mae, pinball and asymmetric losses follow their formulas", "[losses]") {
  const torch::Tensor prediction = torch::tensor({{1.0}, {-2.0}}), target = torch::zeros({2, 1});
  LossOptions options;
  options.target_loss_type = "mse";
  CATCH_REQUIRE(value(regression_loss(prediction, target, options)) == near(2.5));
  options.target_loss_type = "mae";
  CATCH_REQUIRE(value(regression_loss(prediction, target, options)) == near(1.5));
  options.target_loss_type = "asymmetric";
  options.over_penalty = 2;
  options.under_penalty = 3;
  CATCH_REQUIRE(value(regression_loss(prediction, target, options)) ==
                near((2 * 1.0 + 3 * 2.0) / 2));
  options.target_loss_type = "quantile";
  options.quantiles = {0.25, 0.75};
  // y = 1; answers 0 and 3: errors 1 and -2 -> 0.25 and 0.5
  const torch::Tensor levels = torch::tensor({0.0, 3.0}).view({1, 1, 2});
  CATCH_REQUIRE(value(regression_loss(levels, torch::ones({1, 1}), options)) ==
                near((0.25 + 0.5) / 2));
}

CATCH_TEST_CASE("sample weights multiply each sample's loss and are not divided out", "[losses]") {
  LossOptions options;
  options.target_loss_type = "mae";
  const torch::Tensor loss = regression_loss(torch::tensor({{1.0}, {1.0}}), torch::zeros({2, 1}),
                                             options, torch::tensor({3.0, 0.0}));
  CATCH_REQUIRE(value(loss) == near(1.5));
}

CATCH_TEST_CASE("each output column can have its own loss", "[losses]") {
  LossOptions options;
  options.loss_config = {{"0", "mae"}, {"1", "mse"}};
  const torch::Tensor prediction = torch::tensor({{4.0, 4.0}}), target = torch::zeros({1, 2});
  CATCH_REQUIRE(value(regression_loss(prediction, target, options)) == near((4.0 + 16.0) / 2));
}

CATCH_TEST_CASE("class weights make the weighted mean of the log-likelihoods", "[losses]") {
  const torch::Tensor prediction = torch::log(torch::tensor({{0.5, 0.5}, {0.25, 0.75}}));
  const torch::Tensor target = torch::tensor({0, 1}, torch::kLong);
  const double expected = (1 * std::log(2.0) + 3 * -std::log(0.75)) / 4;
  CATCH_REQUIRE(value(classification_loss(prediction, target, torch::tensor({1.0, 3.0}))) ==
                near(expected));
}

CATCH_TEST_CASE("the count loss is the mean over real ASVs only", "[losses]") {
  const torch::Tensor prediction = torch::tensor({{0.5, 9.0}, {0.0, 1.0}});
  const torch::Tensor mask = torch::tensor({{true, false}, {true, true}});
  CATCH_REQUIRE(value(count_loss(prediction, torch::zeros({2, 2}), mask)) ==
                near((0.25 + 0 + 1) / 3));
  CATCH_REQUIRE(value(count_loss(prediction, torch::zeros({2, 2}), torch::zeros_like(mask))) == 0);
}

CATCH_TEST_CASE("embedding distances are tanh of a tenth with an exactly zero diagonal",
                "[losses]") {
  const torch::Tensor distances = embedding_distances(torch::tensor({{0.0, 0.0}, {3.0, 4.0}}));
  CATCH_REQUIRE(value(distances[0][1]) == near(std::tanh(0.5)));
  CATCH_REQUIRE(value(distances[0][0]) == 0);
  CATCH_REQUIRE(value(distances[1][1]) == 0);
}

CATCH_TEST_CASE("the distance loss looks at each pair once, and at nothing for one sample",
                "[losses]") {
  const torch::Tensor z = torch::tensor({{0.0}, {5.0}, {10.0}});
  torch::Tensor wanted = torch::zeros({3, 3});
  const double a = std::tanh(0.5), b = std::tanh(1.0);
  CATCH_REQUIRE(value(unifrac_loss(z, wanted)) == near((a * a + b * b + a * a) / 3));
  CATCH_REQUIRE(value(unifrac_loss(torch::zeros({1, 4}), torch::zeros({1, 1}))) == 0);
  CATCH_REQUIRE_THROWS_AS(unifrac_loss(z, torch::zeros({2, 2})), ShapeError);
  wanted[0][1] = std::nan("");
  CATCH_REQUIRE_THROWS_AS(unifrac_loss(z, wanted), ArgumentError);
}

CATCH_TEST_CASE("identical embeddings give finite gradients", "[losses]") {
  const torch::Tensor z = torch::ones({3, 4}).requires_grad_();
  unifrac_loss(z, torch::full({3, 3}, 0.5)).backward();
  CATCH_REQUIRE(torch::isfinite(z.grad()).all().item<bool>());
}

CATCH_TEST_CASE("the nucleotide loss counts an ASV as often as it occurs", "[losses]") {
  torch::Tensor logits = torch::zeros({2, 2, 7});
  logits[1][0][2] = 100;  // sure and right
  const torch::Tensor tokens = torch::tensor({{1, 0}, {2, 0}}, torch::kLong);
  const double surprise = std::log(7.0);
  CATCH_REQUIRE(value(nucleotide_loss(logits, tokens, {})) == near(surprise / 2));
  CATCH_REQUIRE(value(nucleotide_loss(logits, tokens, {}, torch::tensor({1.0, 3.0}))) ==
                near(surprise / 4));
}

CATCH_TEST_CASE(
    "the nucleotide loss looks at masked positions, and is zero with a gradient when there are "
    "none",
    "[losses]") {
  const torch::Tensor logits = torch::zeros({1, 2, 7}).requires_grad_();
  const torch::Tensor tokens = torch::tensor({{1, 2}}, torch::kLong);
  CATCH_REQUIRE(value(nucleotide_loss(logits, tokens, torch::tensor({{false, true}}))) ==
                near(std::log(7.0)));
  const torch::Tensor none = nucleotide_loss(logits, tokens, torch::tensor({{false, false}}));
  CATCH_REQUIRE(value(none) == 0);
  none.backward();
  CATCH_REQUIRE(value(logits.grad().abs().sum()) == 0);
}

CATCH_TEST_CASE("the total is the weighted sum, and absent outputs give zero", "[losses]") {
  model::Outputs outputs;
  outputs.target_prediction = torch::tensor({{2.0}, {2.0}});
  outputs.embeddings = torch::tensor({{0.0}, {5.0}});
  LossTargets targets;
  targets.target = torch::zeros({2, 1});
  targets.base_target = torch::zeros({2, 2});
  LossOptions options;
  options.target_penalty = 2;
  options.penalty = 10;
  const LossTerms terms = multi_task_loss(outputs, targets, options, false, "unifrac");
  CATCH_REQUIRE(value(terms.target_loss) == near(1.5));
  CATCH_REQUIRE(value(terms.count_loss) == 0);
  CATCH_REQUIRE(value(terms.nuc_loss) == 0);
  const double distance = std::tanh(0.5) * std::tanh(0.5);
  CATCH_REQUIRE(value(terms.unifrac_loss) == near(distance));
  CATCH_REQUIRE(value(terms.total_loss) == near(2 * 1.5 + 10 * distance));
}

CATCH_TEST_CASE("a taxonomy encoder is measured by the mean square of its base prediction",
                "[losses]") {
  model::Outputs outputs;
  outputs.base_prediction = torch::full({2, 3}, 2.0);
  LossTargets targets;
  targets.base_target = torch::zeros({2, 3});
  CATCH_REQUIRE(value(multi_task_loss(outputs, targets, {}, false, "taxonomy").unifrac_loss) ==
                near(4));
  CATCH_REQUIRE_THROWS_AS(multi_task_loss(outputs, targets, {}, false, "combined"), ConfigError);
}

// AAM's numbers of one golden file, as our structs.
struct Golden {
  std::map<std::string, torch::Tensor> tensors;
  Json options;

  explicit Golden(const std::string& name) {
    const std::string path = test::shared("aam_golden/" + name + ".safetensors");
    for (const auto& [key, tensor] : load_tensors(path)) tensors[key] = tensor;
    options = Json::parse(io::read_safetensors(path).metadata.at("loss"));
  }
  torch::Tensor get(const std::string& key) const {
    const auto found = tensors.find(key);
    return found == tensors.end() ? torch::Tensor() : found->second;
  }
  torch::Tensor flat(const std::string& key, int64_t first, int64_t last) const {
    const torch::Tensor tensor = get(key);
    return tensor.defined() ? tensor.flatten(first, last) : tensor;
  }
  std::string take(const std::string& key, const std::string& fallback) {
    Json rest = Json::object();
    std::string taken = fallback;
    for (const auto& [name, value] : options.as_object()) {
      if (name == key) {
        taken = value.is_string() ? value.as_string() : value.dump();
      } else {
        rest.set(name, value);
      }
    }
    options = rest;
    return taken;
  }
};

void compare_with_aam(const std::string& name) {
  CATCH_INFO(name);
  Golden golden(name);
  const std::string encoder_type = golden.take("encoder_type", "unifrac");
  const bool is_classifier = golden.take("is_classifier", "false") == "true";
  model::Outputs outputs;
  outputs.target_prediction = golden.get("output.target_prediction");
  outputs.count_prediction = golden.flat("output.count_prediction", 1, 2);
  outputs.embeddings = golden.get("output.embeddings");
  outputs.base_prediction = golden.get("output.base_prediction");
  outputs.nuc_predictions = golden.flat("output.nuc_predictions", 0, 1);
  LossTargets targets;
  targets.target = golden.get("input.target");
  targets.counts = golden.flat("input.counts", 1, 2);
  targets.mask = (golden.get("input.tokens") > 0).any(-1);
  targets.base_target = golden.get("input.base_target");
  targets.nucleotides = golden.flat("input.nucleotides", 0, 1);
  const LossTerms terms = multi_task_loss(outputs, targets, LossOptions::from_json(golden.options),
                                          is_classifier, encoder_type);
  const auto expected = [&](const char* term) {
    return Approx(value(golden.get(std::string("loss.") + term))).margin(2e-6);
  };
  CATCH_REQUIRE(value(terms.target_loss) == expected("target_loss"));
  CATCH_REQUIRE(value(terms.count_loss) == expected("count_loss"));
  CATCH_REQUIRE(value(terms.unifrac_loss) == expected("unifrac_loss"));
  CATCH_REQUIRE(value(terms.nuc_loss) == expected("nuc_loss"));
  CATCH_REQUIRE(value(terms.total_loss) == expected("total_loss"));
}

CATCH_TEST_CASE("every term is what AAM computed", "[losses]") {
  DEEPBIO_NEEDS_SHARED();
  for (const char* name : {"pretrain_unifrac", "encoder_taxonomy", "regression_huber", "classifier",
                           "mlp_head_softplus", "categorical_concat", "categorical_gmu",
                           "conditional_scaling", "count_add", "count_film"}) {
    compare_with_aam(name);
  }
}

CATCH_TEST_CASE("loss options survive JSON and refuse what is wrong", "[losses]") {
  LossOptions options;
  options.class_weights = {1, 0.25};
  options.loss_config = {{"1", "mae"}};
  CATCH_REQUIRE(LossOptions::from_json(options.to_json()).to_json() == options.to_json());
  CATCH_REQUIRE_THROWS_WITH(LossOptions::from_json(Json::parse(R"({"penalti": 1})")),
                            Catch::Contains("penalti") && Catch::Contains("penalty"));
  CATCH_REQUIRE_THROWS_AS(LossOptions::from_json(Json::parse(R"({"loss_type": "hubert"})")),
                          ConfigError);
  CATCH_REQUIRE(
      LossOptions::from_json(Json::parse(R"({"target_loss_type": "mae"})")).target_loss_type ==
      "mae");
  CATCH_REQUIRE_THROWS_WITH(LossOptions::from_json(Json::parse(
                                R"({"loss_type": "quantile", "loss_config": {"0": "mae"}})")),
                            "`loss_config`: does not go with `loss_type=quantile`");
  CATCH_REQUIRE_THROWS_AS(
      LossOptions::from_json(Json::parse(R"({"loss_config": {"0": "asymmetric"}})")), ConfigError);
  CATCH_REQUIRE_THROWS_AS(LossOptions::from_json(Json::parse(R"({"quantiles": [0.9, 0.1]})")),
                          ConfigError);
  CATCH_REQUIRE_THROWS_AS(LossOptions::from_json(Json::parse(R"({"quantiles": []})")), ConfigError);
  CATCH_REQUIRE_THROWS_AS(LossOptions::from_json(Json::parse(R"({"penalty": -1})")), ConfigError);
}

}  // namespace
}  // namespace deepbio::train
