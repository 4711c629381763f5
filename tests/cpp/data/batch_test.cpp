#include "deepbio/data/batch.h"

#include <torch/types.h>

#include "catch.h"

using namespace deepbio::data;

CATCH_TEST_CASE("padded_tokens puts each ASV's row where it occurs and zeros under padding",
                "[batch]") {
  SampleBatch batch;
  batch.asv_tokens = torch::tensor({{5, 1, 0}, {5, 2, 3}}, torch::kLong);
  batch.asv_index = torch::tensor({{1, 0, 0}, {1, 1, 0}}, torch::kLong);
  batch.mask = torch::tensor({{true, true, false}, {true, false, false}});
  const torch::Tensor expected =
      torch::tensor({5, 2, 3, 5, 1, 0, 0, 0, 0, 5, 2, 3, 0, 0, 0, 0, 0, 0}, torch::kLong)
          .reshape({2, 3, 3});
  CATCH_REQUIRE(torch::equal(padded_tokens(batch), expected));
}

CATCH_TEST_CASE("padded_tokens of a batch without samples is empty and keeps its axes", "[batch]") {
  SampleBatch batch;
  batch.asv_tokens = torch::zeros({1, 4}, torch::kLong);
  batch.asv_index = torch::zeros({0, 2}, torch::kLong);
  batch.mask = torch::zeros({0, 2}, torch::kBool);
  CATCH_REQUIRE(padded_tokens(batch).sizes() == torch::IntArrayRef({0, 2, 4}));
}
