#include "deepbio/community/distance_parts.h"

#include <algorithm>

#include "catch.h"

#include "deepbio/base/error.h"

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
  for (const char* bad : {"", "3", "0/8", "9/8", "-1/8", "1/0", "a/b", "1/8x", "1/ 8", "1/8/2"}) {
    CATCH_REQUIRE_THROWS_AS(parse_part(bad), ArgumentError);
  }
}

}  // namespace
}  // namespace deepbio::community
