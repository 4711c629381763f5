#include "deepbio/data/summary.h"

#include <torch/types.h>

#include "catch.h"

using namespace deepbio;
using namespace deepbio::data;

CATCH_TEST_CASE("Numbers of records: letters, GC, quality, unknown letters", "[summary]") {
  io::RecordBatch records;
  records.append(io::Record{"a", "", "ACgN", "!I!I", true});
  records.append(io::Record{"b", "", "", "", true});
  const ReadNumbers numbers = read_numbers(records, seq::SequenceType::kDna);
  CATCH_REQUIRE(torch::equal(numbers.lengths, torch::tensor({4, 0}, torch::kLong)));
  CATCH_REQUIRE(torch::equal(numbers.gc, torch::tensor({0.5F, 0.F})));
  CATCH_REQUIRE(torch::equal(numbers.mean_quality, torch::tensor({20.F, 0.F})));
  CATCH_REQUIRE(torch::equal(numbers.num_unknown, torch::tensor({1, 0}, torch::kLong)));
  CATCH_REQUIRE(numbers.num_bytes == 2 + 8 + 4 * 3 * 8);
}
