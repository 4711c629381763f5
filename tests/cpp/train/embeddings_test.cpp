#include "deepbio/train/embeddings.h"

#include <torch/types.h>

#include "catch.h"

#include "deepbio/train/checkpoint.h"

using namespace deepbio;

CATCH_TEST_CASE("embeddings are written in every format, and replace a file only when told to") {
  const test::TemporaryFolder folder;
  const torch::Tensor vectors = torch::arange(6, torch::kFloat).view({2, 3});
  for (const char* name : {"e.tsv", "e.npy", "e.safetensors"}) {
    CATCH_INFO(name);
    const std::string path = folder / name;
    train::write_embeddings(path, {"a", "b"}, vectors, io::Overwrite::kRefuse);
    CATCH_CHECK_THROWS_WITH(
        train::write_embeddings(path, {"a", "b"}, vectors, io::Overwrite::kRefuse),
        Catch::Contains("the output exists"));
    train::write_embeddings(path, {"a", "b"}, vectors, io::Overwrite::kAllow);
  }
  const auto read = train::load_tensors(folder / "e.safetensors");
  CATCH_REQUIRE(read.size() == 1);
  CATCH_CHECK(torch::equal(read[0].second, vectors));
}
