#include "deepbio/data/loader.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>

#include <unistd.h>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"

namespace deepbio::data {
namespace {

void check(const LoaderOptions& options) {
  const auto refuse = [](const std::string& name, int64_t value, const std::string& expected) {
    throw ArgumentError(name + ": expected " + expected + ", got " + std::to_string(value));
  };
  if (options.batch_size < 1) refuse("batch_size", options.batch_size, "at least 1");
  if (options.num_threads < 0) refuse("num_threads", options.num_threads, "0 or more");
  if (options.prefetch < 1) refuse("prefetch", options.prefetch, "at least 1");
  if (options.world_size < 1) refuse("world_size", options.world_size, "at least 1");
  if (options.rank < 0 || options.rank >= options.world_size) {
    refuse("rank", options.rank, "0 to " + std::to_string(options.world_size - 1));
  }
}

}  // namespace

std::vector<int64_t> epoch_order(int64_t n, bool shuffle, uint64_t seed, uint64_t epoch) {
  if (shuffle) {
    CounterRandom random(seed, epoch, 0, Purpose::kOrder);
    return random_permutation(n, random);
  }
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  return order;
}

std::vector<std::vector<int64_t>> epoch_batches(std::span<const int64_t> items, const LoaderOptions& options,
                                                uint64_t epoch) {
  const auto n = static_cast<int64_t>(items.size());
  const std::vector<int64_t> order = epoch_order(n, options.shuffle, options.seed, epoch);
  // A rank takes every world_size-th place; past the end the order starts over, so that all ranks get as many.
  const int64_t share = (n + options.world_size - 1) / options.world_size;
  std::vector<std::vector<int64_t>> batches;
  for (int64_t i = 0; i < share; ++i) {
    if (i % options.batch_size == 0) batches.emplace_back();
    const int64_t place = (i * options.world_size + options.rank) % n;
    batches.back().push_back(items[static_cast<size_t>(order[static_cast<size_t>(place)])]);
  }
  if (options.drop_last && !batches.empty() && static_cast<int64_t>(batches.back().size()) < options.batch_size) {
    batches.pop_back();
  }
  return batches;
}

// Threads claim batch numbers in order and put results into `ready`; next() takes them in order. A claim waits while it
// would run more than `ahead` batches in front of the reader.
template <class Batch>
struct Loader<Batch>::State {
  struct Result {
    std::optional<Batch> batch;
    std::exception_ptr error;
  };
  std::vector<int64_t> items;
  Make make;
  LoaderOptions options;
  uint64_t epoch = 0;
  std::vector<std::vector<int64_t>> batches;
  int64_t given = 0, claimed = 0;
  bool stopping = false;
  std::map<int64_t, Result> ready;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::thread> threads;
  bool has_begun = false;
  pid_t process = 0;  // whose threads these are

  void stop() {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      stopping = true;
    }
    changed.notify_all();
    for (auto& thread : threads) thread.join();
    threads.clear();
    ready.clear();
    stopping = false;
  }

  // After fork() the child has the parent's state but none of its threads, perhaps with the lock held: that state can
  // neither be used nor destroyed, so it is left behind.
  static void leave_parent(std::unique_ptr<State>& state) {
    if (state->threads.empty() || state->process == ::getpid()) return;
    auto fresh = std::make_unique<State>();
    fresh->items = state->items;
    fresh->make = state->make;
    fresh->options = state->options;
    (void)state.release();
    state = std::move(fresh);
  }

  Result produce(int64_t number) const {
    try {
      return {make(batches[static_cast<size_t>(number)], epoch), nullptr};
    } catch (...) {
      return {std::nullopt, std::current_exception()};
    }
  }

  void work() {
    const int64_t ahead = options.num_threads * options.prefetch;
    std::unique_lock<std::mutex> lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return stopping || claimed < given + ahead; });
      if (stopping || claimed >= static_cast<int64_t>(batches.size())) return;
      const int64_t number = claimed++;
      lock.unlock();
      Result result = produce(number);
      lock.lock();
      ready.emplace(number, std::move(result));
      changed.notify_all();
    }
  }

  Result take() {
    if (threads.empty()) return produce(given++);
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return ready.count(given) > 0; });
    Result result = std::move(ready.at(given));
    ready.erase(given++);
    changed.notify_all();
    return result;
  }
};

template <class Batch>
Loader<Batch>::Loader(std::vector<int64_t> items, Make make, LoaderOptions options)
    : state_(std::make_unique<State>()) {
  check(options);
  if (items.empty()) throw ArgumentError("loader: expected items to load, got none");
  state_->items = std::move(items);
  state_->make = std::move(make);
  state_->options = options;
}

template <class Batch>
Loader<Batch>::~Loader() {
  if (!state_) return;
  State::leave_parent(state_);
  state_->stop();
}

template <class Batch>
Loader<Batch>::Loader(Loader&&) noexcept = default;

template <class Batch>
int64_t Loader<Batch>::num_batches() const {
  const LoaderOptions& options = state_->options;
  const auto n = static_cast<int64_t>(state_->items.size());
  const int64_t share = (n + options.world_size - 1) / options.world_size;
  return options.drop_last ? share / options.batch_size : (share + options.batch_size - 1) / options.batch_size;
}

template <class Batch>
void Loader<Batch>::begin(uint64_t epoch, int64_t first_batch) {
  State::leave_parent(state_);
  State& state = *state_;
  if (first_batch < 0 || first_batch > num_batches()) {
    throw ArgumentError("loader: an epoch has " + std::to_string(num_batches()) + " batches, cannot begin at batch " +
                        std::to_string(first_batch));
  }
  state.stop();
  state.epoch = epoch;
  state.batches = epoch_batches(state.items, state.options, epoch);
  state.given = state.claimed = first_batch;
  state.has_begun = true;
  state.process = ::getpid();
  for (int64_t i = 0; i < state.options.num_threads; ++i) state.threads.emplace_back([&state] { state.work(); });
}

template <class Batch>
std::optional<Batch> Loader<Batch>::next() {
  State::leave_parent(state_);
  State& state = *state_;
  if (!state.has_begun) throw ArgumentError("loader: expected begin(epoch) before next(), in a forked child too");
  if (state.given >= static_cast<int64_t>(state.batches.size())) return std::nullopt;
  typename State::Result result = state.take();
  if (result.error) std::rethrow_exception(result.error);
  return std::move(result.batch);
}

template <class Batch>
int64_t Loader<Batch>::position() const {
  return state_->given;
}

template class Loader<ReadBatch>;
template class Loader<SampleBatch>;

}  // namespace deepbio::data
