#include "deepbio/train/calibrate.h"

#include <cmath>

#include "catch.h"
#include "train/small_community.h"

#include "deepbio/base/error.h"
#include "deepbio/train/predictor.h"

namespace {

using deepbio::train::calibrate_abundance_pooling;
using deepbio::train::calibrate_asv_embeddings;
using deepbio::train::encode_features;
using deepbio::train::small_predictor;
using deepbio::train::SmallCommunity;

}  // namespace

CATCH_TEST_CASE("after calibration ASV embeddings have mean 0 and deviation 1 over the table") {
  const SmallCommunity community;
  const auto dataset = community.dataset(/*redraw=*/false);
  const auto model = small_predictor();
  CATCH_REQUIRE(encode_features(*model, dataset).std(0, false).max().item<double>() < 0.9);

  const torch::Tensor given = calibrate_asv_embeddings(*model, dataset);

  const torch::Tensor embeddings = encode_features(*model, dataset);
  CATCH_REQUIRE((given - embeddings).abs().max().item<double>() < 1e-4);
  CATCH_REQUIRE(embeddings.mean(0).abs().max().item<double>() < 1e-4);
  CATCH_REQUIRE((embeddings.std(0, false) - 1).abs().max().item<double>() < 1e-3);
}

CATCH_TEST_CASE("calibration zeroes slot positions and touches nothing else") {
  const SmallCommunity community;
  const auto model = small_predictor();
  const auto before = small_predictor();

  calibrate_asv_embeddings(*model, community.dataset(false));

  const auto old = before->named_parameters();
  int64_t changed = 0;
  for (const auto& item : model->named_parameters())
    changed += !item.value().equal(old[item.key()]);
  CATCH_REQUIRE(changed == 3);
  const std::string name =
      "base_model.sample_encoder.sample_position_embedding.position_embedding.weight";
  CATCH_REQUIRE(model->named_parameters()[name].abs().max().item<double>() == 0);
}

CATCH_TEST_CASE(
    "what the abundance pooling projects has mean 0 and deviation 1 over the training samples") {
  const SmallCommunity community;
  const auto dataset = community.dataset(false, /*depth=*/0);
  auto config = small_predictor()->config();
  config.abundance_pooling = true;
  const auto model = deepbio::model::make_model(config, true);
  const std::vector<int64_t> samples{0, 1, 2, 4, 5};

  calibrate_abundance_pooling(*model, dataset, samples);

  const auto p = model->named_parameters();
  const torch::Tensor embeddings = encode_features(*model, dataset);
  std::vector<torch::Tensor> rows;
  for (const int64_t sample : samples) {
    torch::Tensor sum = torch::zeros({config.embedding_dim});
    double weights = 0;
    const auto& table = dataset.table();
    for (int64_t entry = table.indptr[sample]; entry < table.indptr[sample + 1]; ++entry) {
      const double weight = std::log1p(table.values[entry]);
      sum += weight * embeddings[table.indices[entry]];
      weights += weight;
    }
    rows.push_back(sum / weights * p["abundance_pooling.scale"] + p["abundance_pooling.shift"]);
  }
  const torch::Tensor pooled = torch::stack(rows).detach();
  CATCH_REQUIRE(pooled.mean(0).abs().max().item<double>() < 1e-3);
  CATCH_REQUIRE((pooled.std(0, false) - 1).abs().max().item<double>() < 1e-3);
  CATCH_REQUIRE_THROWS_AS(calibrate_abundance_pooling(*model, dataset, {1}),
                          deepbio::ArgumentError);
}

CATCH_TEST_CASE("a table with one feature cannot calibrate") {
  const SmallCommunity community(4, 2);
  auto table = std::make_shared<deepbio::io::CountTable>();
  table->sample_ids = {"s"};
  table->feature_ids = {community.sequences[0]};
  table->indptr = {0, 1};
  table->indices = {0};
  table->values = {5};
  deepbio::data::SampleDatasetOptions options;
  options.max_bp = 20;
  options.token_limit = 8;
  const deepbio::data::SampleDataset dataset(table, {community.sequences[0]}, options);
  CATCH_REQUIRE_THROWS_AS(calibrate_asv_embeddings(*small_predictor(), dataset),
                          deepbio::ArgumentError);
}
