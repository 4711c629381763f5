#include "deepbio/train/prediction_data.h"

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/bytes.h"

namespace {

using deepbio::io::CountTable;
using deepbio::train::add_covariates;
using deepbio::train::prediction_data;
using deepbio::train::RunConfig;

// Three samples with 6, 2 and 5 reads; the third feature is held by the second sample alone.
CountTable three_samples() {
  CountTable table;
  table.sample_ids = {"deep", "shallow", "middle"};
  table.feature_ids = {std::string(20, 'A'), std::string(20, 'C'), std::string(20, 'G')};
  table.indptr = {0, 2, 3, 4};
  table.indices = {0, 1, 2, 1};
  table.values = {4, 2, 2, 5};
  return table;
}

RunConfig config_with_depth(int64_t depth_reads) {
  RunConfig config;
  config.kind = "train";
  config.data.rarefy_depth_reads = depth_reads;
  return config;
}

}  // namespace

CATCH_TEST_CASE(
    "samples below the depth of the run are left out by name, and features they alone held go "
    "too") {
  const auto data = prediction_data(three_samples(), config_with_depth(3));
  CATCH_REQUIRE(data.left_out == std::vector<std::string>{"shallow"});
  CATCH_REQUIRE(data.table->sample_ids == std::vector<std::string>{"deep", "middle"});
  CATCH_REQUIRE(data.table->num_features() == 2);
  CATCH_REQUIRE(data.samples == std::vector<int64_t>{0, 1});
}

CATCH_TEST_CASE("a run that does not rarefy keeps every sample with reads") {
  const auto data = prediction_data(three_samples(), config_with_depth(0));
  CATCH_REQUIRE(data.left_out.empty());
  CATCH_REQUIRE(data.dataset->size() == 3);
}

CATCH_TEST_CASE(
    "a table without a deep enough sample is refused with the depth and the deepest sample") {
  try {
    prediction_data(three_samples(), config_with_depth(100));
    CATCH_FAIL("expected an error");
  } catch (const deepbio::ArgumentError& error) {
    CATCH_REQUIRE_THAT(error.what(), Catch::Contains("100") && Catch::Contains("6"));
  }
}

CATCH_TEST_CASE("a run with covariates asks for metadata and numbers them as it was trained") {
  const deepbio::test::TemporaryFolder folder;
  const std::string path = folder / "m.tsv";
  deepbio::io::write_file(path, "sample-id\tsite\ndeep\tgum\nmiddle\ttongue\n");
  RunConfig config = config_with_depth(3);
  auto data = prediction_data(three_samples(), config);
  add_covariates(data, config, "");  // nothing to do
  CATCH_REQUIRE(data.dataset->batch(data.samples).categorical_ids.empty());
  config.categories = deepbio::data::CategoricalEncoder::from_json(
      deepbio::Json::parse(R"({"site": ["cheek", "gum", "palate"]})", "x"));
  CATCH_REQUIRE_THROWS_WITH(add_covariates(data, config, ""), Catch::Contains("(site)"));
  add_covariates(data, config, path);
  const auto ids = data.dataset->batch(data.samples).categorical_ids.at("site");
  CATCH_REQUIRE(ids[0].item<int64_t>() == 2);
  CATCH_REQUIRE(ids[1].item<int64_t>() == 0);
}

CATCH_TEST_CASE("a fixed dataset draws the same reads in every epoch, a redrawing one does not") {
  CountTable table = three_samples();
  table.values = {400, 200, 200, 500};
  const auto fixed = prediction_data(table, config_with_depth(100));
  const auto moving = prediction_data(table, config_with_depth(100), "", /*redraw=*/true);
  const std::vector<int64_t> first{0};
  CATCH_REQUIRE(fixed.dataset->batch(first, 0).counts.equal(fixed.dataset->batch(first, 5).counts));
  CATCH_REQUIRE_FALSE(
      moving.dataset->batch(first, 0).counts.equal(moving.dataset->batch(first, 5).counts));
}
