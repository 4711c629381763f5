#include "deepbio/train/checkpoint.h"

#include <torch/types.h>

#include <algorithm>

#include "catch.h"
#include "train/small_community.h"

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/bytes.h"

namespace deepbio::train {
namespace {

RunConfig small_run(const std::string& kind) {
  RunConfig config;
  config.kind = kind;
  config.model = small_model();
  config.data = {20, 8, 50, "abundance", "unweighted"};
  config.training = Json::object();
  config.versions = Json::object();
  return config;
}

CATCH_TEST_CASE("tensors of every dtype come back bit for bit", "[checkpoint]") {
  const test::TemporaryFolder folder;
  const torch::Tensor base = torch::arange(6).view({2, 3});
  NamedTensors tensors{{"empty", torch::empty({0, 4})},
                       {"scalar", torch::tensor(1.5)},
                       {"turned", base.t().to(torch::kFloat)}};
  for (const at::ScalarType type : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong,
                                    at::kInt, at::kShort, at::kChar, at::kByte, at::kBool}) {
    tensors.emplace_back(c10::toString(type), base.to(type));
  }
  save_tensors(folder / "t.safetensors", tensors);
  const NamedTensors back = load_tensors(folder / "t.safetensors");
  CATCH_REQUIRE(back.size() == tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const auto same_name = [&name = name](const auto& item) { return item.first == name; };
    const auto found = std::find_if(back.begin(), back.end(), same_name);
    CATCH_REQUIRE(found != back.end());
    CATCH_REQUIRE(found->second.scalar_type() == tensor.scalar_type());
    CATCH_REQUIRE(torch::equal(found->second, tensor));
  }
}

CATCH_TEST_CASE("a state dict loads into another model, and strictness is strict", "[checkpoint]") {
  const auto first = small_predictor();
  const auto second = model::make_model(small_model(), true);
  NamedTensors state = state_dict(*first);
  CATCH_REQUIRE(load_state_dict(*second, state).loaded.size() == state.size());
  for (const auto& [name, tensor] : state_dict(*second)) {
    const auto found = std::find_if(state.begin(), state.end(),
                                    [&](const auto& item) { return item.first == name; });
    CATCH_REQUIRE(torch::equal(tensor, found->second));
  }
  const std::string dropped = state.back().first;
  state.pop_back();
  CATCH_REQUIRE_THROWS_WITH(load_state_dict(*second, state), Catch::Contains(dropped));
  CATCH_REQUIRE(load_state_dict(*second, state, /*strict=*/false).missing ==
                std::vector<std::string>{dropped});
  state.emplace_back(dropped, torch::zeros({77}));
  CATCH_REQUIRE_THROWS_WITH(load_state_dict(*second, state), Catch::Contains("77"));
}

CATCH_TEST_CASE("a run config survives writing and reading", "[checkpoint]") {
  const test::TemporaryFolder folder;
  RunConfig config = small_run("train");
  config.target =
      data::TargetCodec::fit_regression("age", {1, 2, 6}, data::TargetTransform::kZScore);
  write_run_config(folder.path(), config);
  const RunConfig back = read_run_config(folder.path());
  CATCH_REQUIRE(back.to_json() == config.to_json());
  CATCH_REQUIRE(back.target->restore(back.target->normalize(4.5)) == Approx(4.5));
}

CATCH_TEST_CASE("a run directory of the version before is read by its own names", "[checkpoint]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "config.json",
                   R"({"format": "deepbio run", "format_version": 1, "kind": "train",
      "preset": "default", "model": {"embedding_dim": 32, "is_classifier": true, "out_dim": 3},
      "data": {"max_bp": 60, "token_limit": 10, "rarefy_depth_reads": 70, "asv_sampling": "first",
               "unifrac_metric": "unweighted"},
      "target": null, "categories": null, "training": {}, "trained_on": {}, "versions": {}})");
  const RunConfig config = read_run_config(folder.path());
  CATCH_CHECK(config.model.is_classifier);
  CATCH_CHECK(config.data.rarefy_depth_reads == 70);
  CATCH_CHECK(config.to_json().at("data").at("rarefy_depth").as_int() == 70);
}

CATCH_TEST_CASE("broken run directories say what is wrong", "[checkpoint]") {
  const test::TemporaryFolder folder;
  CATCH_REQUIRE_THROWS_AS(read_run_config(folder / "absent"), MissingFileError);
  CATCH_REQUIRE_THROWS_WITH(read_run_config(folder.path()), Catch::Contains("not a run directory"));
  test::write_text(folder / "config.json", "{\"format\": ");
  CATCH_REQUIRE_THROWS_AS(read_run_config(folder.path()), ParseError);
  test::write_text(folder / "config.json", "{\"format\": \"something else\"}");
  CATCH_REQUIRE_THROWS_AS(read_run_config(folder.path()), ConfigError);
  Json odd = small_run("train").to_json();
  odd.set("knid", "train");
  test::write_text(folder / "config.json", odd.dump());
  CATCH_REQUIRE_THROWS_WITH(read_run_config(folder.path()),
                            Catch::Contains("knid") && Catch::Contains("kind"));
}

CATCH_TEST_CASE(
    "a model is loaded with its best weights, and a run without or with damaged weights says so",
    "[checkpoint]") {
  const test::TemporaryFolder folder;
  write_run_config(folder.path(), small_run("train"));
  CATCH_REQUIRE_THROWS_WITH(load_model(folder.path()), Catch::Contains("no weights yet"));
  const auto model = small_predictor();
  save_tensors(folder / "model.safetensors", state_dict(*model));
  const auto back = load_model(folder.path());
  CATCH_REQUIRE_FALSE(back->is_training());
  const NamedTensors ours = state_dict(*model), theirs = state_dict(*back);
  for (size_t i = 0; i < ours.size(); ++i)
    CATCH_REQUIRE(torch::equal(ours[i].second, theirs[i].second));
  const std::string bytes = test::read_text(folder / "model.safetensors");
  test::write_text(folder / "model.safetensors", bytes.substr(0, bytes.size() / 2));
  CATCH_REQUIRE_THROWS_AS(load_model(folder.path()), ParseError);
}

CATCH_TEST_CASE(
    "a pretrained encoder goes into the base of a predictor, and another size names the option",
    "[checkpoint]") {
  const test::TemporaryFolder folder;
  auto encoder = model::make_model(small_model(), /*is_predictor=*/false);
  model::init_parameters(*encoder, 11);
  write_run_config(folder.path(), small_run("pretrain"));
  save_tensors(folder / "model.safetensors", state_dict(*encoder));
  const auto predictor = small_predictor();
  const LoadReport report = load_pretrained(*predictor, folder.path());
  CATCH_REQUIRE(report.loaded.size() == state_dict(*encoder).size());
  CATCH_REQUIRE(report.unexpected.empty());
  for (const auto& [name, tensor] : state_dict(*encoder)) {
    CATCH_REQUIRE(torch::equal(predictor->named_parameters()["base_model." + name], tensor));
  }
  model::ModelConfig wide = small_model();
  wide.embedding_dim = 32;
  CATCH_REQUIRE_THROWS_WITH(load_pretrained(*small_predictor(wide), folder.path()),
                            Catch::Contains("`embedding_dim`"));
  model::ModelConfig deep = small_model();
  deep.sample_num_layers = 2;
  CATCH_REQUIRE_THROWS_WITH(load_pretrained(*small_predictor(deep), folder.path()),
                            Catch::Contains("`attention_layers`"));
  model::ModelConfig longer = small_model();
  longer.max_bp = 30;
  CATCH_REQUIRE_THROWS_WITH(load_pretrained(*small_predictor(longer), folder.path()),
                            Catch::Contains("`max_bp`"));
}

}  // namespace
}  // namespace deepbio::train
