#include "deepbio/data/categories.h"

#include <ATen/ATen.h>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/data/datasets.h"

using namespace deepbio;
using data::CategoricalEncoder;

namespace {

io::Metadata small_metadata() {
  io::Metadata metadata;
  metadata.path = "m.tsv";
  metadata.id_column = "sample-id";
  metadata.ids = {"a", "b", "c", "d"};
  metadata.columns = {"site", "country"};
  metadata.types = {"", ""};
  metadata.values = {{"tongue", "gum", "", "throat"}, {"NO", "DK", "DK", ""}};
  for (size_t row = 0; row < metadata.ids.size(); ++row) {
    metadata.row_of[metadata.ids[row]] = static_cast<int64_t>(row);
    metadata.lines.push_back(static_cast<int64_t>(row) + 2);
  }
  return metadata;
}

std::vector<int64_t> numbers(const at::Tensor& ids) {
  return {ids.data_ptr<int64_t>(), ids.data_ptr<int64_t>() + ids.numel()};
}

}  // namespace

CATCH_TEST_CASE("values of training samples are numbered in sorted order, everything else is 0",
                "[categories]") {
  const io::Metadata metadata = small_metadata();
  const auto encoder = CategoricalEncoder::fit({"site", "country"}, metadata, {"a", "b", "c"});
  CATCH_CHECK(encoder.cardinalities() ==
              std::map<std::string, int64_t>{{"site", 3}, {"country", 3}});
  // gum 1, tongue 2; c misses its value, throat was not seen, e has no metadata.
  const auto ids = encoder.encode(metadata, {"a", "b", "c", "d", "e"});
  CATCH_CHECK(numbers(ids.at("site")) == std::vector<int64_t>{2, 1, 0, 0, 0});
  CATCH_CHECK(numbers(ids.at("country")) == std::vector<int64_t>{2, 1, 1, 0, 0});
}

CATCH_TEST_CASE("an encoder of covariates survives JSON; null is none", "[categories]") {
  const auto encoder = CategoricalEncoder::fit({"site"}, small_metadata(), {"a", "b", "d"});
  CATCH_CHECK(encoder.to_json().dump() == R"({"site": ["gum", "throat", "tongue"]})");
  CATCH_CHECK(CategoricalEncoder::from_json(encoder.to_json()).to_json() == encoder.to_json());
  CATCH_CHECK(CategoricalEncoder::from_json(Json()).empty());
  CATCH_CHECK_FALSE(encoder.empty());
  CATCH_CHECK_THROWS_AS(CategoricalEncoder::from_json(Json::parse(R"({"site":["b","a"]})", "x")),
                        ConfigError);
}

CATCH_TEST_CASE("covariates that are not there, empty or named twice are refused", "[categories]") {
  const io::Metadata metadata = small_metadata();
  CATCH_CHECK_THROWS_WITH(CategoricalEncoder::fit({"sight"}, metadata, {"a"}),
                          Catch::Contains("site"));
  CATCH_CHECK_THROWS_WITH(CategoricalEncoder::fit({"country"}, metadata, {"d"}),
                          Catch::Contains("no value in the 1"));
  CATCH_CHECK_THROWS_WITH(CategoricalEncoder::fit({"site", "site"}, metadata, {"a"}),
                          Catch::Contains("twice"));
}

CATCH_TEST_CASE("a batch carries the covariates of its samples", "[categories]") {
  auto table = std::make_shared<io::CountTable>();
  table->sample_ids = {"a", "b", "c"};
  table->feature_ids = {"ACGT"};
  table->indptr = {0, 1, 2, 3};
  table->indices = {0, 0, 0};
  table->values = {1, 2, 3};
  data::SampleDataset dataset(table, {"ACGT"}, {});
  CATCH_CHECK(dataset.batch(std::vector<int64_t>{0}).categorical_ids.empty());
  dataset.set_categories({{"site", at::tensor({2, 1, 0}, at::kLong)}});
  CATCH_CHECK(numbers(dataset.batch(std::vector<int64_t>{2, 0}).categorical_ids.at("site")) ==
              std::vector<int64_t>{0, 2});
  CATCH_CHECK_THROWS_AS(dataset.set_categories({{"site", at::tensor({2, 1}, at::kLong)}}),
                        ShapeError);
  CATCH_CHECK_THROWS_AS(dataset.set_categories({{"site", at::ones({3})}}), ShapeError);
}
