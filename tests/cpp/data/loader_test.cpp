#include "deepbio/data/loader.h"

#include <torch/types.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <set>
#include <stdexcept>
#include <thread>

#include "catch.h"
#include <sys/wait.h>
#include <unistd.h>

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::data;

namespace {

std::vector<int64_t> first_items(int64_t count) {
  std::vector<int64_t> items(static_cast<size_t>(count));
  std::iota(items.begin(), items.end(), 100);  // not 0..n-1: items are ids of a dataset, not places
  return items;
}

// A batch that says which items and epoch it was made of. Early batches take longest, so threads
// finish out of order.
ReadBatch echo(std::span<const int64_t> indices, uint64_t epoch) {
  std::this_thread::sleep_for(std::chrono::microseconds(indices.front() % 7 == 0 ? 3000 : 100));
  ReadBatch batch;
  batch.labels = torch::tensor(std::vector<int64_t>(indices.begin(), indices.end()), torch::kLong);
  batch.lengths = torch::tensor(static_cast<int64_t>(epoch));
  return batch;
}

std::vector<std::vector<int64_t>> drain(Loader<ReadBatch>& loader) {
  std::vector<std::vector<int64_t>> out;
  while (const auto batch = loader.next()) {
    const auto* data = batch->labels.const_data_ptr<int64_t>();
    out.emplace_back(data, data + batch->labels.numel());
  }
  return out;
}

LoaderOptions shuffled(int64_t batch_size, int64_t num_threads) {
  LoaderOptions options;
  options.batch_size = batch_size;
  options.shuffle = true;
  options.seed = 9;
  options.num_threads = num_threads;
  return options;
}

std::vector<int64_t> flat(const std::vector<std::vector<int64_t>>& batches) {
  std::vector<int64_t> out;
  for (const auto& batch : batches) out.insert(out.end(), batch.begin(), batch.end());
  return out;
}

}  // namespace

CATCH_TEST_CASE(
    "The order of an epoch is a permutation that changes with seed and epoch and with nothing else",
    "[loader]") {
  const auto order = epoch_order(500, true, 3, 1);
  CATCH_REQUIRE(order == epoch_order(500, true, 3, 1));
  CATCH_REQUIRE(order != epoch_order(500, true, 3, 2));
  CATCH_REQUIRE(order != epoch_order(500, true, 4, 1));
  CATCH_REQUIRE(std::set<int64_t>(order.begin(), order.end()).size() == 500);
  CATCH_REQUIRE(*std::max_element(order.begin(), order.end()) == 499);
  CATCH_REQUIRE(epoch_order(4, false, 3, 1) == std::vector<int64_t>{0, 1, 2, 3});
  CATCH_REQUIRE(epoch_order(0, true, 0, 0).empty());
}

CATCH_TEST_CASE("Every thread count gives the same batches in the same order, every item once",
                "[loader]") {
  const auto items = first_items(103);
  std::vector<std::vector<int64_t>> reference;
  for (const int64_t threads : {0, 1, 2, 4}) {
    Loader<ReadBatch> loader(items, echo, shuffled(8, threads));
    for (const uint64_t epoch : {0, 3}) {
      loader.begin(epoch);
      const auto batches = drain(loader);
      CATCH_REQUIRE(batches == epoch_batches(items, shuffled(8, 0), epoch));
      CATCH_REQUIRE(static_cast<int64_t>(batches.size()) == loader.num_batches());
      CATCH_REQUIRE(loader.position() == 13);
      CATCH_REQUIRE_FALSE(loader.next().has_value());
      auto seen = flat(batches);
      std::sort(seen.begin(), seen.end());
      CATCH_REQUIRE(seen == items);
    }
  }
}

CATCH_TEST_CASE("Resuming at any batch gives the rest of the epoch", "[loader]") {
  const auto items = first_items(29);
  const auto all = epoch_batches(items, shuffled(4, 0), 5);
  for (const int64_t threads : {0, 2}) {
    Loader<ReadBatch> loader(items, echo, shuffled(4, threads));
    for (int64_t first = 0; first <= 8; ++first) {
      loader.begin(5, first);
      CATCH_REQUIRE(loader.position() == first);
      CATCH_REQUIRE(drain(loader) ==
                    std::vector<std::vector<int64_t>>(all.begin() + first, all.end()));
    }
    CATCH_REQUIRE_THROWS_AS(loader.begin(5, 9), ArgumentError);
  }
}

CATCH_TEST_CASE("Batches of a thousand million items are made one by one, and ranks share them",
                "[loader]") {
  LoaderOptions options = shuffled(1000, 0);
  options.world_size = 3;
  std::vector<int64_t> seen;
  for (options.rank = 0; options.rank < 3; ++options.rank) {
    const EpochBatches batches(1000000000, options, 2);
    CATCH_REQUIRE(batches.size() == 333334);
    for (const int64_t number : {int64_t{0}, int64_t{200000}, batches.size() - 2}) {
      const auto batch = batches.at(number);
      CATCH_REQUIRE((batch.size() == 1000 && batch == batches.at(number)));
      seen.insert(seen.end(), batch.begin(), batch.end());
    }
    CATCH_REQUIRE(batches.at(batches.size() - 1).size() == 334);
    CATCH_REQUIRE_THROWS_WITH(batches.at(333334), Catch::Contains("0 to 333333, got 333334"));
    CATCH_REQUIRE_THROWS_WITH(batches.at(-1), Catch::Contains("got -1"));
  }
  std::sort(seen.begin(), seen.end());
  CATCH_REQUIRE(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
  CATCH_REQUIRE((seen.front() >= 0 && seen.back() < 1000000000));
  options.rank = 3;
  CATCH_REQUIRE_THROWS_AS(EpochBatches(10, options, 0), ArgumentError);
}

CATCH_TEST_CASE("A loader of a whole dataset gives what one of all its indices gives", "[loader]") {
  std::vector<int64_t> all(29);
  std::iota(all.begin(), all.end(), 0);
  Loader<ReadBatch> loader(29, echo, shuffled(4, 2));
  loader.begin(3, 1);
  const auto expected = epoch_batches(all, shuffled(4, 0), 3);
  CATCH_REQUIRE(drain(loader) ==
                std::vector<std::vector<int64_t>>(expected.begin() + 1, expected.end()));
  CATCH_REQUIRE_THROWS_AS(Loader<ReadBatch>(0, echo, shuffled(4, 0)), ArgumentError);
}

CATCH_TEST_CASE("A refused begin leaves the epoch that was under way as it was", "[loader]") {
  const auto items = first_items(29);
  const auto all = epoch_batches(items, shuffled(4, 0), 5);
  for (const int64_t threads : {0, 2}) {
    Loader<ReadBatch> loader(items, echo, shuffled(4, threads));
    loader.begin(5, 3);
    CATCH_REQUIRE_THROWS_AS(loader.begin(6, 99), ArgumentError);
    CATCH_REQUIRE(drain(loader) == std::vector<std::vector<int64_t>>(all.begin() + 3, all.end()));
  }
}

CATCH_TEST_CASE("drop_last leaves out the short batch and the count says so", "[loader]") {
  LoaderOptions options = shuffled(8, 2);
  for (const int64_t count : {7, 8, 16, 17}) {
    for (const bool drop : {false, true}) {
      options.drop_last = drop;
      Loader<ReadBatch> loader(first_items(count), echo, options);
      loader.begin(0);
      const auto batches = drain(loader);
      CATCH_REQUIRE(static_cast<int64_t>(batches.size()) == (drop ? count / 8 : (count + 7) / 8));
      CATCH_REQUIRE(static_cast<int64_t>(batches.size()) == loader.num_batches());
      for (const auto& batch : batches) CATCH_REQUIRE((batch.size() == 8 || !drop));
    }
  }
}

CATCH_TEST_CASE("Ranks share an epoch: as many batches each, every item, only the tail twice",
                "[loader]") {
  const auto items = first_items(26);
  for (const int64_t world : {1, 2, 3, 4, 30}) {
    std::multiset<int64_t> seen;
    std::set<size_t> counts;
    for (int64_t rank = 0; rank < world; ++rank) {
      LoaderOptions options = shuffled(4, 0);
      options.rank = rank;
      options.world_size = world;
      const auto batches = epoch_batches(items, options, 2);
      counts.insert(batches.size());
      for (const int64_t item : flat(batches)) seen.insert(item);
    }
    CATCH_REQUIRE(counts.size() == 1);
    CATCH_REQUIRE(std::set<int64_t>(seen.begin(), seen.end()).size() == 26);
    CATCH_REQUIRE(static_cast<int64_t>(seen.size()) == (26 + world - 1) / world * world);
  }
}

CATCH_TEST_CASE("An error reaches the reader at its own batch, after the good ones before it",
                "[loader]") {
  for (const int64_t threads : {0, 1, 4}) {
    LoaderOptions options;
    options.batch_size = 2;
    options.num_threads = threads;
    const auto make = [](std::span<const int64_t> indices, uint64_t epoch) {
      if (indices.front() == 106) throw ParseError({"reads.fq", 6}, "a letter", "a dot");
      return echo(indices, epoch);
    };
    Loader<ReadBatch> loader(first_items(20), make, options);
    loader.begin(0);
    for (int64_t i = 0; i < 3; ++i)
      CATCH_REQUIRE(loader.next()->labels[0].item<int64_t>() == 100 + 2 * i);
    CATCH_REQUIRE_THROWS_AS(loader.next(), ParseError);
    CATCH_REQUIRE(loader.next()->labels[0].item<int64_t>() == 108);
  }
}

CATCH_TEST_CASE("Threads run at most prefetch batches each ahead of the reader", "[loader]") {
  std::atomic<int64_t> made{0};
  LoaderOptions options;
  options.num_threads = 3;
  options.prefetch = 2;
  Loader<ReadBatch> loader(
      first_items(50),
      [&](std::span<const int64_t> indices, uint64_t epoch) {
        ++made;
        return echo(indices, epoch);
      },
      options);
  CATCH_REQUIRE(made == 0);  // nothing runs before begin()
  loader.begin(0);
  for (int64_t given = 0; given < 10; ++given) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CATCH_REQUIRE(made <= given + 6);
    loader.next();
  }
  CATCH_REQUIRE(made > 6);
}

CATCH_TEST_CASE("A loader can be left in the middle of an epoch and begun anew", "[loader]") {
  Loader<ReadBatch> loader(first_items(64), echo, shuffled(2, 3));
  for (uint64_t epoch = 0; epoch < 5; ++epoch) {
    loader.begin(epoch);
    const auto batch = loader.next();
    CATCH_REQUIRE(batch->labels[0].item<int64_t>() ==
                  epoch_batches(first_items(64), shuffled(2, 0), epoch)[0][0]);
    CATCH_REQUIRE(batch->lengths.item<int64_t>() == static_cast<int64_t>(epoch));
  }
  Loader<ReadBatch> moved(std::move(loader));
  CATCH_REQUIRE(moved.next().has_value());
}

CATCH_TEST_CASE("A forked child begins its own epoch, whether or not the parent's threads run",
                "[loader]") {
  for (const bool parent_began : {false, true}) {
    auto loader = std::make_unique<Loader<ReadBatch>>(first_items(40), echo, shuffled(4, 2));
    if (parent_began) {
      loader->begin(0);
      loader->next();
    }
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);  // a child that hangs dies and fails the test
      bool good = false;
      try {
        CATCH_REQUIRE_THROWS_AS(loader->next(),
                                ArgumentError);  // the parent's epoch is not the child's
        loader->begin(1);
        good = drain(*loader) == epoch_batches(first_items(40), shuffled(4, 0), 1);
        loader.reset();
      } catch (...) {
        good = false;
      }
      _exit(good ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CATCH_REQUIRE((WIFEXITED(status) && WEXITSTATUS(status) == 0));
    if (parent_began) CATCH_REQUIRE(drain(*loader).size() == 9);  // the parent goes on
  }
}

CATCH_TEST_CASE("Options that make no sense are refused, and so is next() before begin()",
                "[loader]") {
  const auto with = [](auto change) {
    LoaderOptions options;
    change(options);
    return Loader<ReadBatch>(first_items(3), echo, options);
  };
  CATCH_REQUIRE_THROWS_WITH(with([](LoaderOptions& o) { o.batch_size = 0; }),
                            Catch::Contains("batch_size") && Catch::Contains("got 0"));
  CATCH_REQUIRE_THROWS_AS(with([](LoaderOptions& o) { o.num_threads = -1; }), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(with([](LoaderOptions& o) { o.prefetch = 0; }), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(with([](LoaderOptions& o) { o.rank = 1; }), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(Loader<ReadBatch>({}, echo, {}), ArgumentError);
  Loader<ReadBatch> loader(first_items(3), echo, {});
  CATCH_REQUIRE_THROWS_AS(loader.next(), ArgumentError);
}
