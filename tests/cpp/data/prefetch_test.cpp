#include "deepbio/data/prefetch.h"

#include <stdexcept>

#include "catch.h"

using namespace deepbio::data;

CATCH_TEST_CASE("An error while handing out jobs comes in its place and is the end", "[prefetch]") {
  for (const int64_t threads : {0, 1, 3}) {
    int number = 0;
    Prefetcher<int> prefetcher(
        [&]() -> std::optional<Prefetcher<int>::Job> {
          if (number == 5) throw std::runtime_error("no more");
          return [n = number++] { return n; };
        },
        threads, 4);
    for (int i = 0; i < 5; ++i) CATCH_REQUIRE(prefetcher.next() == i);
    CATCH_REQUIRE_THROWS_AS(prefetcher.next(), std::runtime_error);
    CATCH_REQUIRE_FALSE(prefetcher.next().has_value());
  }
}
