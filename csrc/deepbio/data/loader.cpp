// An epoch is a function from the number of a batch to its items (EpochBatches), which any thread
// can ask. So batches can be made ahead in any order and given in the right one, and going on in
// mid-epoch costs nothing: it begins with another number.
#include "deepbio/data/loader.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/data/pinned.h"
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

EpochBatches::EpochBatches(int64_t num_items, const LoaderOptions& options, uint64_t epoch)
    // Checked before world_size and batch_size divide below: members are made in the order of the
    // class.
    : options_((check(options), options)),
      num_items_(num_items),
      // Rounded up: all ranks get as many, or those with more would wait for the others in a
      // collective.
      share_((num_items + options.world_size - 1) / options.world_size),
      num_batches_(options.drop_last ? share_ / options.batch_size
                                     : (share_ + options.batch_size - 1) / options.batch_size),
      order_(num_items, options.seed, epoch) {}

std::vector<int64_t> EpochBatches::at(int64_t number) const {
  if (number < 0 || number >= num_batches_) {
    throw ArgumentError("batch: expected 0 to " + std::to_string(num_batches_ - 1) + ", got " +
                        std::to_string(number));
  }
  const int64_t begin = number * options_.batch_size,
                end = std::min(begin + options_.batch_size, share_);
  std::vector<int64_t> out(static_cast<size_t>(end - begin));
  for (int64_t i = begin; i < end; ++i) {
    // The ranks of a step hold neighbouring places, so that together they see the batches that one
    // rank of batch size world_size * B would.
    const int64_t place = (i * options_.world_size + options_.rank) % num_items_;
    out[static_cast<size_t>(i - begin)] = options_.shuffle ? order_.at(place) : place;
  }
  return out;
}

std::vector<int64_t> epoch_order(int64_t n, bool shuffle, uint64_t seed, uint64_t epoch) {
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  if (!shuffle) return order;
  const KeyedPermutation permutation(n, seed, epoch);
  for (int64_t& item : order) item = permutation.at(item);
  return order;
}

std::vector<std::vector<int64_t>> epoch_batches(std::span<const int64_t> items,
                                                const LoaderOptions& options, uint64_t epoch) {
  const EpochBatches batches(static_cast<int64_t>(items.size()), options, epoch);
  std::vector<std::vector<int64_t>> out;
  for (int64_t number = 0; number < batches.size(); ++number) {
    out.push_back(batches.at(number));
    for (int64_t& item : out.back()) item = items[static_cast<size_t>(item)];
  }
  return out;
}

std::vector<std::vector<int64_t>> length_batches(const LengthPlan& plan,
                                                 const LoaderOptions& options, uint64_t epoch) {
  check(options);
  // less_equal makes equal neighbours count as unsorted: a bucket between them could never be
  // filled.
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
  for (const int64_t item : epoch_order(static_cast<int64_t>(plan.lengths.size()), options.shuffle,
                                        options.seed, epoch)) {
    const int64_t length = plan.lengths[static_cast<size_t>(item)];
    if (plan.max_tokens > 0 && length > plan.max_tokens) {
      throw ArgumentError("max_tokens: expected at least the longest read, got " +
                          std::to_string(plan.max_tokens) + " for record " + std::to_string(item) +
                          " of " + std::to_string(length));
    }
    const auto at = std::lower_bound(plan.boundaries.begin(), plan.boundaries.end(), length) -
                    plan.boundaries.begin();
    Bucket& bucket = buckets[static_cast<size_t>(at)];
    const int64_t rows = static_cast<int64_t>(bucket.items.size()) + 1,
                  longest = std::max(bucket.longest, length);
    // A batch costs rows times its longest read. Closed before the item goes in that would pass the
    // limit; alone a read always fits, as was checked above.
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
    // A copy: past the end the list starts over, and a batch may be given twice.
    own.push_back(batches[static_cast<size_t>((i * options.world_size + options.rank) % total)]);
  }
  return own;
}

template <class Batch>
struct Loader<Batch>::State {
  std::vector<int64_t> items;  // empty: 0..num_items-1
  int64_t num_items = 0;
  Make make;
  LoaderOptions options;
  uint64_t epoch = 0;
  std::function<std::vector<int64_t>(int64_t)> batch;  // the dataset indices of batch number ...
  int64_t num_batches = 0, given = 0, handed_out = 0;
  std::unique_ptr<Prefetcher<Batch>> prefetcher;

  std::optional<typename Prefetcher<Batch>::Job> next_job() {
    if (handed_out >= num_batches) return std::nullopt;
    // Numbers are handed out under the prefetcher's lock; the job itself runs outside of it, in any
    // thread, and only reads the state.
    return [this, number = handed_out++] {
      Batch out = make(batch(number), epoch);
      // By the thread that made the batch: copying into page-locked memory takes time as well.
      if (options.pin_memory) pin(out);
      return out;
    };
  }
};

template <class Batch>
Loader<Batch>::Loader(std::vector<int64_t> items, Make make, LoaderOptions options)
    : Loader(static_cast<int64_t>(items.size()), std::move(make), options) {
  state_->items = std::move(items);
}

template <class Batch>
Loader<Batch>::Loader(int64_t num_items, Make make, LoaderOptions options)
    : state_(std::make_unique<State>()) {
  check(options);
  if (num_items < 1) throw ArgumentError("loader: expected items to load, got none");
  state_->num_items = num_items;
  state_->make = std::move(make);
  state_->options = options;
}

template <class Batch>
Loader<Batch>::~Loader() {
  if (!state_) return;
  if (state_->prefetcher && !state_->prefetcher->is_here()) {
    (void)
        state_.release();  // in a forked child: what the parent's threads were using stays as it is
    return;
  }
  state_->prefetcher.reset();
}

template <class Batch>
Loader<Batch>::Loader(Loader&&) noexcept = default;

template <class Batch>
int64_t Loader<Batch>::num_batches() const {
  return EpochBatches(state_->num_items, state_->options, 0).size();
}

template <class Batch>
void Loader<Batch>::begin(uint64_t epoch, int64_t first_batch) {
  EpochBatches batches(state_->num_items, state_->options, epoch);
  const int64_t num_batches = batches.size();
  // The items stay where they are as long as the loader lives.
  const auto of_batch = [batches, items = std::span<const int64_t>(state_->items)](int64_t number) {
    std::vector<int64_t> out = batches.at(number);
    for (int64_t& item : out) item = items.empty() ? item : items[static_cast<size_t>(item)];
    return out;
  };
  start(epoch, first_batch, num_batches, of_batch);
}

template <class Batch>
void Loader<Batch>::begin(uint64_t epoch, int64_t first_batch,
                          std::vector<std::vector<int64_t>> batches) {
  const auto num_batches = static_cast<int64_t>(batches.size());
  start(epoch, first_batch, num_batches, [batches = std::move(batches)](int64_t number) {
    return batches[static_cast<size_t>(number)];
  });
}

template <class Batch>
void Loader<Batch>::start(uint64_t epoch, int64_t first_batch, int64_t num_batches,
                          std::function<std::vector<int64_t>(int64_t)> batch) {
  if (first_batch < 0 || first_batch > num_batches) {
    throw ArgumentError("loader: an epoch has " + std::to_string(num_batches) +
                        " batches, cannot begin at batch " + std::to_string(first_batch));
  }
  if (state_->prefetcher && !state_->prefetcher->is_here()) {
    // In a forked child the parent's threads and their locks are left behind, with the state they
    // look at: it is never destroyed, so `batch` may go on looking at its items.
    auto fresh = std::make_unique<State>();
    fresh->items = state_->items;
    fresh->num_items = state_->num_items;
    fresh->make = state_->make;
    fresh->options = state_->options;
    (void)state_.release();
    state_ = std::move(fresh);
  }
  State& state = *state_;
  // Joins the threads of the epoch before, which look at the fields that change below.
  state.prefetcher.reset();
  state.epoch = epoch;
  state.batch = std::move(batch);
  state.num_batches = num_batches;
  state.given = state.handed_out = first_batch;
  state.prefetcher = std::make_unique<Prefetcher<Batch>>(
      [&state] { return state.next_job(); }, state.options.num_threads,
      state.options.num_threads * state.options.prefetch);
}

template <class Batch>
std::optional<Batch> Loader<Batch>::next() {
  State& state = *state_;
  if (!state.prefetcher || !state.prefetcher->is_here()) {
    throw ArgumentError("loader: expected begin(epoch) before next(), in a forked child too");
  }
  if (state.given >= state.num_batches) return std::nullopt;
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
