#include "deepbio/community/distance_parts.h"

#include <algorithm>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/io/tables/safetensors.h"

namespace deepbio::community {
namespace {

CATCH_TEST_CASE("every sample is of one part, and parts have nearly as many pairs", "[parts]") {
  for (const int64_t size : {1, 127, 128, 129, 1000, 20000}) {
    for (const int64_t parts : {1, 2, 3, 8}) {
      std::vector<int> owners(static_cast<size_t>(size), 0);
      std::vector<double> pairs;
      for (int64_t part = 1; part <= parts; ++part) {
        const std::vector<bool> wanted = samples_of_part({part, parts}, size);
        pairs.push_back(0);
        for (size_t i = 0; i < wanted.size(); ++i)
          if (wanted[i]) ++owners[i], pairs.back() += static_cast<double>(i);
      }
      CATCH_REQUIRE(std::count(owners.begin(), owners.end(), 1) == size);
      if (size < 20000) continue;
      const auto [least, most] = std::minmax_element(pairs.begin(), pairs.end());
      CATCH_REQUIRE(*most < 1.03 * *least);
    }
  }
}

CATCH_TEST_CASE("the number of a part is one of all", "[parts]") {
  CATCH_REQUIRE(parse_part("3/8").part == 3);
  CATCH_REQUIRE(parse_part("3/8").parts == 8);
  for (const char* bad :
       {"", "3", "0/8", "9/8", "-1/8", "1/0", "a/b", "1/8x", "1/ 8", "1/8/2", "1/4000000000"}) {
    CATCH_REQUIRE_THROWS_AS(parse_part(bad), ArgumentError);
  }
}

CATCH_TEST_CASE("a damaged part is refused with its file", "[parts]") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "part.safetensors";
  const std::vector<double> pairs{0.5, 0.25, 0.75};
  const auto merged = [&](const io::TensorEntry& entry, const std::string& part) {
    io::write_safetensors(path, {entry},
                          {{"format", "deepbio distances part 1"},
                           {"part", part},
                           {"content", "c"},
                           {"sample_ids", "[\"a\",\"b\",\"c\"]"}},
                          io::Overwrite::kAllow);
    return merge_distance_parts({path});
  };
  const auto entry = [&](const char* dtype, std::vector<int64_t> shape, uint64_t num_bytes) {
    return io::TensorEntry{"distances", dtype, std::move(shape), pairs.data(), num_bytes};
  };
  CATCH_REQUIRE(merged(entry("F64", {3}, 24), "1/1").values[2][1].item<double>() == 0.75);
  const auto named = Catch::StartsWith(path + ": ");
  CATCH_REQUIRE_THROWS_WITH(merged(entry("F64", {3}, 24), "2/1"), named);
  CATCH_REQUIRE_THROWS_WITH(merged(entry("F64", {3, 1}, 24), "1/1"), named);
  CATCH_REQUIRE_THROWS_WITH(merged(entry("I16", {3}, 6), "1/1"), named);
}

}  // namespace
}  // namespace deepbio::community
