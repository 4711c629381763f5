#include "deepbio/train/scores.h"

#include <torch/types.h>

#include <cmath>

#include "catch.h"

namespace {

using namespace deepbio::train;

}  // namespace

CATCH_TEST_CASE("means weigh each batch by its samples") {
  Means means;
  means.add("loss", 1.0, 8);
  means.add("loss", 4.0, 2);
  CATCH_REQUIRE(means.values().at("loss") == Approx(1.6));
}

CATCH_TEST_CASE("scores of a regression are in the units of the target") {
  const auto codec = deepbio::data::TargetCodec::fit_regression(
      "age", {20, 40, 60}, deepbio::data::TargetTransform::kMinMax);
  const std::optional<deepbio::data::TargetCodec> maybe_codec = codec;
  const deepbio::model::ModelConfig config;
  Scores scores(config, maybe_codec, LossOptions());
  scores.add(torch::tensor({{0.F}, {1.F}}), torch::tensor({{0.1F}, {1.F}}));
  std::map<std::string, double> terms;
  scores.write_metrics(terms);
  CATCH_REQUIRE(terms.at("mae") == Approx(2.0).epsilon(1e-5));
}

CATCH_TEST_CASE("the quantile nearest the median is the answer of a quantile model") {
  const std::optional<deepbio::data::TargetCodec> no_codec;
  const deepbio::model::ModelConfig config;
  LossOptions loss;
  loss.quantiles = {0.5, 0.9};
  Scores scores(config, no_codec, loss);
  scores.add(torch::tensor({5.F, 9.F}).view({1, 1, 2}), torch::tensor({{5.F}}));
  std::map<std::string, double> terms;
  scores.write_metrics(terms);
  CATCH_REQUIRE(terms.at("mae") == 0);
  CATCH_REQUIRE(nearest_to_median({0.1, 0.4, 0.6}) == 1);
}

CATCH_TEST_CASE("scores of a classifier count hits, and judge its probabilities as they are") {
  const std::optional<deepbio::data::TargetCodec> no_codec;
  deepbio::model::ModelConfig config;
  config.is_classifier = true;
  config.out_dim = 2;
  Scores scores(config, no_codec, LossOptions());
  const torch::Tensor probabilities = torch::tensor({{0.9F, 0.1F}, {0.1F, 0.9F}, {0.6F, 0.4F}});
  // The third sample is given class 1 though class 0 is likelier, as a weighted choice may.
  scores.add_classes(probabilities.log(), torch::tensor({0, 1, 1}, torch::kLong),
                     torch::tensor({0, 1, 0}, torch::kLong));
  std::map<std::string, double> terms;
  scores.write_metrics(terms);
  CATCH_REQUIRE(terms.at("accuracy") == Approx(2.0 / 3));
  CATCH_REQUIRE(terms.at("auc") == 1);
  CATCH_REQUIRE(terms.at("log_loss") == Approx(-(2 * std::log(0.9) + std::log(0.6)) / 3));
}
