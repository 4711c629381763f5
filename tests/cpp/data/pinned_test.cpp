#include "deepbio/data/pinned.h"

#include <torch/types.h>

#include "catch.h"

#include "deepbio/data/loader.h"

using namespace deepbio::data;

namespace {

ReadBatch numbers(std::span<const int64_t> indices, uint64_t) {
  ReadBatch batch;
  batch.lengths = torch::tensor(std::vector<int64_t>(indices.begin(), indices.end()), torch::kLong);
  return batch;
}

}  // namespace

CATCH_TEST_CASE("Batches are pinned where there is an accelerator, and refused where there is none",
                "[pinned]") {
  LoaderOptions options;
  options.pin_memory = true;
  for (options.num_threads = 0; options.num_threads < 2; ++options.num_threads) {
    Loader<ReadBatch> loader(3, numbers, options);
    loader.begin(0);
    if (at::hasCUDA()) {
      const auto batch = loader.next();
      CATCH_REQUIRE((batch->lengths.is_pinned() && batch->lengths.item<int64_t>() == 0));
      CATCH_REQUIRE_FALSE(batch->sequences.defined());
    } else {
      CATCH_REQUIRE_THROWS_AS(loader.next(), c10::Error);
    }
  }
  SampleBatch samples;
  samples.categorical_ids["site"] = torch::tensor({1, 2});
  if (at::hasCUDA()) {
    pin(samples);
    CATCH_REQUIRE(samples.categorical_ids["site"].is_pinned());
  } else {
    CATCH_REQUIRE_THROWS_AS(pin(samples), c10::Error);
  }
}
