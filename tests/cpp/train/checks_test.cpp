#include "deepbio/train/checks.h"

#include "catch.h"
#include "train/small_community.h"

#include "deepbio/base/error.h"

namespace {

using namespace deepbio::train;
using Catch::Contains;

// A regression on twelve samples, the last four held back; a test changes one thing.
struct Case {
  SmallCommunity community;
  deepbio::data::SampleDataset train = community.dataset(true), val = community.dataset(false);
  deepbio::model::ModelConfig model = small_model();
  TrainingOptions options = small_training(2);
  Split split{{0, 1, 2, 3, 4, 5, 6, 7}, {8, 9, 10, 11}, {}};
  std::optional<deepbio::data::TargetCodec> codec;
  bool is_predictor = true;

  void check() const { check_training(model, is_predictor, options, {train, val, split, codec}); }
  void make_classes(int64_t outputs) {
    model.is_classifier = true;
    model.out_dim = outputs;
    train.set_targets(community.classes);
    val.set_targets(community.classes);
  }
};

}  // namespace

CATCH_TEST_CASE("a sound study passes, as a regression, a classifier and an encoder") {
  Case sound;
  sound.check();
  sound.make_classes(2);
  sound.options.loss.class_weights = {1, 2};
  sound.options.best_metric = "f1";
  sound.check();
  Case encoder;
  encoder.is_predictor = false;
  encoder.check();
}

CATCH_TEST_CASE("the targets of both datasets are looked at, each by its own samples") {
  Case more_val;
  more_val.split = {{0, 1}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, {}};
  more_val.check();
  const auto unknown = more_val.community.targets.clone();
  unknown[11][0] = std::numeric_limits<float>::quiet_NaN();
  more_val.val.set_targets(unknown);
  CATCH_REQUIRE_THROWS_WITH(more_val.check(), Contains("1 validation samples"));
  Case outside;
  outside.split.val = {12};
  CATCH_REQUIRE_THROWS_WITH(outside.check(), Contains("validation samples 0 to 11, got 12"));
  Case classes;
  classes.model.is_classifier = true;
  CATCH_REQUIRE_THROWS_WITH(classes.check(), Contains("`is_classifier`"));
}

CATCH_TEST_CASE("outputs, weights and metrics must be those of the target") {
  Case wide;
  wide.make_classes(1);
  CATCH_REQUIRE_THROWS_WITH(wide.check(), Contains("`out_dim`"));
  wide.make_classes(2);
  wide.options.loss.class_weights = {1, 2, 3};
  CATCH_REQUIRE_THROWS_WITH(wide.check(),
                            Contains("`class_weights`") && Contains("2 classes, got 3"));
  Case metric;
  metric.options.best_metric = "accuracy";
  CATCH_REQUIRE_THROWS_WITH(metric.check(), Contains("`best_metric=accuracy`"));
  metric.make_classes(2);
  metric.check();
  metric.options.best_metric = "mae";
  CATCH_REQUIRE_THROWS_AS(metric.check(), deepbio::ConfigError);
}

CATCH_TEST_CASE("a range of answers that cannot hold the targets is refused") {
  Case range;  // targets are -1 and 1
  range.model.bounded_targets = true;
  CATCH_REQUIRE_THROWS_WITH(range.check(),
                            Contains("`bounded_targets`") && Contains("-1") && Contains("minmax"));
  range.model.bounded_targets = false;
  range.model.output_activation = "relu";
  CATCH_REQUIRE_THROWS_WITH(range.check(), Contains("`output_activation=relu`"));
  const auto positive = (range.community.targets + 1) / 2;
  range.train.set_targets(positive);
  range.val.set_targets(positive);
  range.check();
  range.model.output_activation = "none";
  range.model.bounded_targets = true;
  range.check();
}

CATCH_TEST_CASE("options that would do nothing are refused") {
  Case weights;
  weights.options.loss.class_weights = {1, 2};
  CATCH_REQUIRE_THROWS_WITH(weights.check(),
                            Contains("`class_weights` has no effect in a regression"));
  Case quantiles;
  quantiles.options.loss.quantiles = {0.5};
  CATCH_REQUIRE_THROWS_WITH(quantiles.check(), Contains("`quantiles` has no effect"));
  Case over;
  over.options.loss.over_penalty = 2;
  CATCH_REQUIRE_THROWS_WITH(over.check(), Contains("asymmetric"));
  over.options.loss.target_loss_type = "asymmetric";
  over.check();
}

CATCH_TEST_CASE("quantiles need their median, the prediction") {
  Case quantiles;
  quantiles.options.loss.target_loss_type = "quantile";
  quantiles.options.loss.quantiles = {0.05, 0.95};
  CATCH_REQUIRE_THROWS_WITH(quantiles.check(), Contains("0.5 among the levels"));
  quantiles.options.loss.quantiles = {0.05, 0.5, 0.95};
  quantiles.check();
}

CATCH_TEST_CASE(
    "distances above 1 and batches without a pair are refused where distances are learned") {
  Case far;
  far.train.set_distances(far.community.distances * 5);
  CATCH_REQUIRE_THROWS_WITH(far.check(), Contains("expected distances up to 1, got 4"));
  far.options.loss.penalty = 0;
  far.check();
  Case lonely;
  lonely.options.batch_size = 1;
  CATCH_REQUIRE_THROWS_WITH(lonely.check(), Contains("`batch_size`"));
  lonely.is_predictor = false;
  CATCH_REQUIRE_THROWS_WITH(lonely.check(), Contains("`batch_size`"));
}

CATCH_TEST_CASE("nothing to learn is refused") {
  Case idle;
  idle.options.loss.target_penalty = idle.options.loss.count_penalty = 0;
  idle.options.loss.penalty = idle.options.loss.nuc_penalty = 0;
  CATCH_REQUIRE_THROWS_WITH(idle.check(), Contains("nothing to learn"));
  idle.options.loss.count_penalty = 1;
  idle.check();
  idle.model.count_prediction = false;
  CATCH_REQUIRE_THROWS_AS(idle.check(), deepbio::ArgumentError);
}
