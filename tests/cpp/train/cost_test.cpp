#include "deepbio/train/cost.h"

#include "catch.h"
#include "train/small_community.h"

using namespace deepbio;
using namespace deepbio::train;

namespace {

model::ModelConfig small_config() {
  model::ModelConfig config = small_model();
  config.embedding_dim = 8;
  config.asv_num_layers = 3;
  config.sample_num_layers = 2;
  config.encoder_num_layers = config.count_num_layers = config.target_num_layers = 1;
  config.predict_nucleotides = true;
  return config;
}

// One layer of width 8 and feed-forward width 32 on one sequence, multiplications and additions.
double layer(double positions) {
  const double projections = 2 * positions * 8 * (3 * 8 + 8),
               feed_forward = 2 * 2 * positions * 8 * 32;
  return projections + feed_forward + 2 * 2 * positions * positions * 8;
}

}  // namespace

CATCH_TEST_CASE("the cost of a step counts distinct ASVs once and real slots only", "[cost]") {
  const SmallCommunity community;
  const data::SampleDataset dataset = community.dataset(false, 0);
  // Samples 0, 1 and 2 hold 4 ASVs each, 8 distinct ones of 20 bases and START.
  const data::SampleBatch batch = dataset.batch(std::vector<int64_t>{0, 1, 2});
  LossOptions loss;
  const double asvs = 8 * 3 * layer(21), samples = 3 * layer(4);
  const BatchCost encoder = batch_cost(batch, small_config(), false, loss);
  CATCH_CHECK(encoder.forward == Approx(asvs + 3 * samples));
  CATCH_CHECK(encoder.train == Approx(3 * encoder.forward));
  CATCH_CHECK(encoder.validate == Approx(2 * encoder.forward));
  CATCH_CHECK(encoder.distinct_asvs == 8);
  CATCH_CHECK(encoder.asv_positions == 8 * 21);
  CATCH_CHECK(encoder.asv_slots == 12);
  const BatchCost predictor = batch_cost(batch, small_config(), true, loss);
  CATCH_CHECK(predictor.train == Approx(3 * (asvs + 5 * samples)));
  loss.count_penalty = 0;
  CATCH_CHECK(batch_cost(batch, small_config(), true, loss).train ==
              Approx(3 * (asvs + 4 * samples)));
  model::ModelConfig frozen = small_config();
  frozen.freeze_base = true;
  const BatchCost heads = batch_cost(batch, frozen, true, loss);
  CATCH_CHECK(heads.train == Approx(3 * samples + 3 * samples));
  CATCH_CHECK(heads.saved_bytes < predictor.saved_bytes);
}

CATCH_TEST_CASE("the cost of a run adds up its steps, and time follows from a rate", "[cost]") {
  const SmallCommunity community;
  const data::SampleDataset dataset = community.dataset(false, 0);
  TrainingOptions options;
  options.batch_size = 4;
  options.epochs = 3;
  const Split split{{0, 1, 2, 3, 4, 5, 6, 7}, {8, 9, 10, 11}};
  model::ModelConfig config = small_config();
  config.freeze_base = true;
  const auto model = model::make_model(config, true, 1);
  const RunCost cost = run_cost(*model, options, dataset, dataset, split);
  CATCH_CHECK(cost.train_steps == 2);
  CATCH_CHECK(cost.val_steps == 1);
  CATCH_CHECK(cost.asv_length == Approx(21));
  CATCH_CHECK(cost.asv_slots == Approx(4));
  const double sample = layer(4);
  CATCH_CHECK(cost.flops_per_step == Approx(4 * (3 + 3 * 2) * sample));
  CATCH_CHECK(cost.flops_per_epoch == Approx(2 * cost.flops_per_step + 4 * 5 * sample));
  CATCH_CHECK(cost.flops_once == Approx(8 * 3 * layer(21)));
  CATCH_CHECK(cost.flops() == Approx(cost.flops_once + 3 * cost.flops_per_epoch));
  const Json json = to_json(cost, cost.flops() / 7);
  CATCH_CHECK(json.at("seconds").as_double() == Approx(7).epsilon(1e-3));
  CATCH_CHECK(json.at("steps_per_epoch").as_int() == 2);
}

CATCH_TEST_CASE("the rate of a machine is measured by training, also where an epoch is one batch",
                "[cost]") {
  const SmallCommunity community;
  const data::SampleDataset dataset = community.dataset(false, 0);
  TrainingOptions options;
  options.batch_size = 8;
  const Split split{{0, 1, 2, 3, 4, 5, 6, 7}, {8, 9, 10, 11}};
  const auto model = model::make_model(small_config(), true, 1);
  const double rate = measure_rate(model, options, dataset, dataset, split, /*seconds=*/0);
  CATCH_CHECK(rate > 1e6);
  CATCH_CHECK(rate < 1e13);
}
