#include "deepbio/data/prefetch.h"

#include <chrono>
#include <future>
#include <stdexcept>
#include <thread>

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

CATCH_TEST_CASE("A reader that finds nothing makes the next result itself", "[prefetch]") {
  std::promise<void> second_is_made;
  std::shared_future<void> seen = second_is_made.get_future().share();
  int number = 0;
  Prefetcher<bool> prefetcher(
      [&]() -> std::optional<Prefetcher<bool>::Job> {
        if (number == 2) return std::nullopt;
        if (number++ == 1) {
          return [&] {
            second_is_made.set_value();
            return true;
          };
        }
        // The one thread or the reader: the other has to make the second.
        return [&] { return seen.wait_for(std::chrono::seconds(20)) == std::future_status::ready; };
      },
      1, 2);
  CATCH_CHECK(prefetcher.next() == true);
  CATCH_CHECK(prefetcher.next() == true);
  CATCH_CHECK_FALSE(prefetcher.next().has_value());
}

CATCH_TEST_CASE("Results come in order, each once, however threads and reader take turns",
                "[prefetch]") {
  for (const int64_t threads : {1, 2, 4}) {
    for (const int64_t ahead : {1, 2, 5}) {
      int number = 0, num_right = 0;
      Prefetcher<int> prefetcher(
          [&]() -> std::optional<Prefetcher<int>::Job> {
            if (number == 3000) return std::nullopt;
            return [n = number++] {
              if (n % 7 == 0) std::this_thread::yield();
              return n;
            };
          },
          threads, ahead);
      for (int i = 0; i < 3000; ++i) num_right += prefetcher.next() == i;
      CATCH_CHECK(num_right == 3000);
      CATCH_CHECK_FALSE(prefetcher.next().has_value());
      CATCH_CHECK_FALSE(prefetcher.next().has_value());
    }
  }
}
