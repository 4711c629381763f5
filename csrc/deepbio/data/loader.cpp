#include "deepbio/data/loader.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/data/prefetch.h"

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

std::vector<std::vector<int64_t>> length_batches(const LengthPlan& plan, const LoaderOptions& options, uint64_t epoch) {
  check(options);
  if (!std::is_sorted(plan.boundaries.begin(), plan.boundaries.end(), std::less_equal<>())) {
    throw ArgumentError("length buckets: expected rising boundaries");
  }
  struct Bucket {
    std::vector<int64_t> items;
    int64_t longest = 0;
  };
  std::vector<Bucket> buckets(plan.boundaries.size() + 1);
  std::vector<std::vector<int64_t>> batches;
  const auto close = [&](Bucket& bucket) {
    batches.push_back(std::move(bucket.items));
    bucket = {};
  };
  for (const int64_t item :
       epoch_order(static_cast<int64_t>(plan.lengths.size()), options.shuffle, options.seed, epoch)) {
    const int64_t length = plan.lengths[static_cast<size_t>(item)];
    if (plan.max_tokens > 0 && length > plan.max_tokens) {
      throw ArgumentError("max_tokens: expected at least the longest read, got " + std::to_string(plan.max_tokens) +
                          " for record " + std::to_string(item) + " of " + std::to_string(length));
    }
    const auto at = std::lower_bound(plan.boundaries.begin(), plan.boundaries.end(), length) - plan.boundaries.begin();
    Bucket& bucket = buckets[static_cast<size_t>(at)];
    const int64_t rows = static_cast<int64_t>(bucket.items.size()) + 1, longest = std::max(bucket.longest, length);
    if (plan.max_tokens > 0 && rows > 1 && rows * longest > plan.max_tokens) close(bucket);
    bucket.items.push_back(item);
    bucket.longest = std::max(bucket.longest, length);
    if (static_cast<int64_t>(bucket.items.size()) == options.batch_size) close(bucket);
  }
  for (Bucket& bucket : buckets) {
    if (!bucket.items.empty() && !options.drop_last) close(bucket);
  }
  const auto total = static_cast<int64_t>(batches.size());
  const int64_t share = (total + options.world_size - 1) / options.world_size;
  std::vector<std::vector<int64_t>> own;
  for (int64_t i = 0; i < share; ++i) {
    own.push_back(batches[static_cast<size_t>((i * options.world_size + options.rank) % total)]);
  }
  return own;
}

template <class Batch>
struct Loader<Batch>::State {
  std::vector<int64_t> items;
  Make make;
  LoaderOptions options;
  uint64_t epoch = 0;
  std::vector<std::vector<int64_t>> batches;
  int64_t given = 0;
  size_t handed_out = 0;
  std::unique_ptr<Prefetcher<Batch>> prefetcher;

  std::optional<typename Prefetcher<Batch>::Job> next_job() {
    if (handed_out >= batches.size()) return std::nullopt;
    return [this, number = handed_out++] { return make(batches[number], epoch); };
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
  if (state_->prefetcher && !state_->prefetcher->is_here()) {
    (void)state_.release();  // in a forked child: what the parent's threads were using stays as it is
    return;
  }
  state_->prefetcher.reset();
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
  if (first_batch < 0 || first_batch > num_batches()) {
    throw ArgumentError("loader: an epoch has " + std::to_string(num_batches()) + " batches, cannot begin at batch " +
                        std::to_string(first_batch));
  }
  begin(epoch, first_batch, epoch_batches(state_->items, state_->options, epoch));
}

template <class Batch>
void Loader<Batch>::begin(uint64_t epoch, int64_t first_batch, std::vector<std::vector<int64_t>> batches) {
  if (first_batch < 0 || first_batch > static_cast<int64_t>(batches.size())) {
    throw ArgumentError("loader: there are " + std::to_string(batches.size()) + " batches, cannot begin at batch " +
                        std::to_string(first_batch));
  }
  if (state_->prefetcher && !state_->prefetcher->is_here()) {
    // In a forked child the parent's threads and their locks are left behind, with the state they look at.
    auto fresh = std::make_unique<State>();
    fresh->items = state_->items;
    fresh->make = state_->make;
    fresh->options = state_->options;
    (void)state_.release();
    state_ = std::move(fresh);
  }
  State& state = *state_;
  state.prefetcher.reset();
  state.epoch = epoch;
  state.batches = std::move(batches);
  state.given = first_batch;
  state.handed_out = static_cast<size_t>(first_batch);
  state.prefetcher =
      std::make_unique<Prefetcher<Batch>>([&state] { return state.next_job(); }, state.options.num_threads,
                                          state.options.num_threads * state.options.prefetch);
}

template <class Batch>
std::optional<Batch> Loader<Batch>::next() {
  State& state = *state_;
  if (!state.prefetcher || !state.prefetcher->is_here()) {
    throw ArgumentError("loader: expected begin(epoch) before next(), in a forked child too");
  }
  if (state.given >= static_cast<int64_t>(state.batches.size())) return std::nullopt;
  ++state.given;
  return state.prefetcher->next();
}

template <class Batch>
int64_t Loader<Batch>::position() const {
  return state_->given;
}

template class Loader<ReadBatch>;
template class Loader<SampleBatch>;

}  // namespace deepbio::data
