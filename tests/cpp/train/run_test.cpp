#include "deepbio/train/run.h"

#include <filesystem>

#include "catch.h"
#include "train/small_community.h"

#include "deepbio/base/error.h"
#include "deepbio/train/content_hash.h"

namespace {

using namespace deepbio::train;
using Catch::Contains;
using deepbio::Json;
namespace fs = std::filesystem;

RunStart some_start() {
  RunStart start;
  start.config.kind = "train";
  start.config.model = small_model();
  start.config.training = Json(Json::Object{{"resolved", small_training(3).to_json()}});
  start.config.trained_on =
      Json(Json::Object{{"content", Json(Json::Object{{"counts", "1"}, {"tree", "2"}})}});
  start.train_samples = {"a", "b"};
  start.val_samples = {"c"};
  start.train_asvs = {"ACGT"};
  return start;
}

std::string message_of(const std::string& path, RunMode mode) {
  try {
    Run run(path, mode);
    run.start(some_start());
    return "";
  } catch (const deepbio::Error& error) {
    return error.what();
  }
}

}  // namespace

CATCH_TEST_CASE("a run is written when it starts and not before, and leaves no lock behind") {
  const deepbio::test::TemporaryFolder folder;
  {
    Run run(folder / "run", RunMode::kNew);
    CATCH_REQUIRE_FALSE(fs::exists(folder / "run"));
    run.start(some_start());
    CATCH_REQUIRE(fs::exists(folder / "run/lock"));
    CATCH_REQUIRE(run.is_fresh());
    run.log({"one line", "another"});
  }
  CATCH_REQUIRE_FALSE(fs::exists(folder / "run/lock"));
  CATCH_REQUIRE(deepbio::test::read_text(folder / "run/train_samples.txt") == "a\nb\n");
  CATCH_REQUIRE(deepbio::test::read_text(folder / "run/training.log") == "one line\nanother\n");
  CATCH_REQUIRE(read_train_asvs(folder / "run") == std::vector<std::string>{"ACGT"});
  CATCH_REQUIRE(read_run_config(folder / "run").kind == "train");
}

CATCH_TEST_CASE("a second start is refused while the first works, in every mode") {
  const deepbio::test::TemporaryFolder folder;
  Run first(folder / "run", RunMode::kNew), second(folder / "run", RunMode::kNew);
  first.start(some_start());
  CATCH_REQUIRE_THROWS_WITH(second.start(some_start()), Contains("is training in it"));
  for (const RunMode mode : {RunMode::kOverwrite, RunMode::kResume}) {
    CATCH_REQUIRE_THAT(message_of(folder / "run", mode),
                       Contains("process") && Contains("is training in it"));
  }
  CATCH_REQUIRE_THAT(message_of(folder / "run", RunMode::kNew), Contains("not empty"));
}

CATCH_TEST_CASE("a lock that a killed run has left is taken over") {
  const deepbio::test::TemporaryFolder folder;
  fs::create_directory(folder / "run");
  deepbio::test::write_text(folder / "run/lock", "process 1 on elsewhere");
  CATCH_REQUIRE(message_of(folder / "run", RunMode::kNew).empty());
  deepbio::test::write_text(folder / "run/lock", "process 1 on elsewhere");
  CATCH_REQUIRE(message_of(folder / "run", RunMode::kResume).empty());
}

CATCH_TEST_CASE(
    "every state that a kill can leave is overwritten, and a folder with other files is not") {
  const std::vector<std::string> files{
      "training.log",  "config.json",    "train_samples.txt",          "model.safetensors",
      "metrics.jsonl", "train_asvs.txt", ".config.json.abc123wxyz.tmp"};
  for (size_t count = 1; count <= files.size(); ++count) {
    const deepbio::test::TemporaryFolder folder;
    fs::create_directories(folder / "run/last.new");
    for (size_t i = 0; i < count; ++i) deepbio::test::write_text(folder / ("run/" + files[i]), "");
    CATCH_REQUIRE_THAT(message_of(folder / "run", RunMode::kNew), Contains("not empty"));
    CATCH_REQUIRE(message_of(folder / "run", RunMode::kOverwrite).empty());
    CATCH_REQUIRE_FALSE(fs::exists(folder / "run/last.new"));
    CATCH_REQUIRE_FALSE(fs::exists(folder / "run/.config.json.abc123wxyz.tmp"));
  }
  const deepbio::test::TemporaryFolder folder;
  fs::create_directory(folder / "run");
  deepbio::test::write_text(folder / "run/thesis.txt", "precious");
  CATCH_REQUIRE_THAT(message_of(folder / "run", RunMode::kOverwrite),
                     Contains("not a run directory"));
  deepbio::test::write_text(folder / "run/config.json", "{}");
  CATCH_REQUIRE(message_of(folder / "run", RunMode::kOverwrite).empty());
  CATCH_REQUIRE(deepbio::test::read_text(folder / "run/thesis.txt") == "precious");
}

CATCH_TEST_CASE("a resumed run must be the same by content, wherever its files are") {
  const deepbio::test::TemporaryFolder folder;
  CATCH_REQUIRE(message_of(folder / "run", RunMode::kNew).empty());
  Run run(folder / "run", RunMode::kResume);
  RunStart moved = some_start();
  moved.config.trained_on.set("table", "/elsewhere/table.biom");
  run.start(moved);
  CATCH_REQUIRE(read_run_config(folder / "run").trained_on.at("table").as_string() ==
                "/elsewhere/table.biom");
  RunStart changed = moved;
  changed.config.trained_on.set("content", Json(Json::Object{{"counts", "other"}, {"tree", "2"}}));
  CATCH_REQUIRE_THROWS_WITH(run.start(changed),
                            Contains("cannot resume: the counts were other ones"));
  RunStart larger = moved;
  larger.config.model.embedding_dim = 32;
  CATCH_REQUIRE_THROWS_WITH(run.start(larger), Contains("the model was another one"));
}

CATCH_TEST_CASE(
    "the content of a dataset has a hash for each kind, and only the kind that changed differs") {
  const SmallCommunity community;
  const auto dataset = community.dataset(true);
  const Json before = content_hashes(dataset);
  CATCH_REQUIRE(changed_content(before, content_hashes(community.dataset(false))).empty());
  auto other = community.dataset(true);
  other.set_targets(community.targets * 2);
  CATCH_REQUIRE(changed_content(before, content_hashes(other)) == "the targets");
  other.set_distances(community.distances * 0.5);
  CATCH_REQUIRE(changed_content(before, content_hashes(other)) == "the targets and the distances");
  const SmallCommunity more(14);
  CATCH_REQUIRE_THAT(changed_content(before, content_hashes(more.dataset(true))),
                     Contains("the counts"));
}
