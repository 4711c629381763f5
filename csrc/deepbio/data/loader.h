// Batches in order: which indices make which batch, and threads that make batches ahead.
//
// The order of an epoch is a function of (seed, epoch, number of items) only: see EpochBatches. It
// is computed batch by batch, so that memory does not grow with the items. Any number of threads
// gives the same batches in the same order. Threads start with an epoch and are joined with it; an
// error in one is rethrown by next(). A loader is used by one thread; after fork() in the child, an
// epoch must be begun anew.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "deepbio/data/batch.h"
#include "deepbio/data/permutation.h"

namespace deepbio::data {

struct LoaderOptions {
  int64_t batch_size = 1;
  bool shuffle = false;
  bool drop_last = false;
  uint64_t seed = 0;
  int64_t num_threads = 0;  // 0: batches are made in next() itself
  int64_t prefetch = 2;     // batches ahead per thread
  bool pin_memory = false;  // batches in page-locked memory (pinned.h); needs an accelerator
  int64_t rank = 0,
          world_size = 1;  // every rank gets the same number of batches (the tail wraps around)
};

// The batches of this rank in an epoch: consecutive groups of batch_size of its share of the order,
// which is identity, or with shuffle a permutation keyed by (seed, epoch). A rank takes every
// world_size-th place; past the end the order starts over, so that all ranks get as many. Threads:
// constant after construction.
class EpochBatches {
 public:
  // throws ArgumentError: a size or rank out of range.
  EpochBatches(int64_t num_items, const LoaderOptions& options, uint64_t epoch);
  int64_t size() const { return num_batches_; }
  // Items 0..num_items-1 of a batch. throws ArgumentError: number outside of [0, size()).
  std::vector<int64_t> at(int64_t number) const;

 private:
  LoaderOptions options_;
  int64_t num_items_, share_, num_batches_;  // share: items of this rank
  KeyedPermutation order_;
};

// Indices 0..n-1 in the order of an epoch.
std::vector<int64_t> epoch_order(int64_t n, bool shuffle, uint64_t seed, uint64_t epoch);
// All batches of a list of items.
std::vector<std::vector<int64_t>> epoch_batches(std::span<const int64_t> items,
                                                const LoaderOptions& options, uint64_t epoch);

// How batches of similar length are made.
struct LengthPlan {
  std::span<const int64_t> lengths;  // of each item
  // rising; lengths up to boundaries[k] share bucket k, longer ones the last.
  std::vector<int64_t> boundaries;
  int64_t max_tokens = 0;  // 0, or the largest rows * longest read of a batch, padding counted
};
// Batches of one bucket each, at most batch_size items and max_tokens cells. Items keep the order
// of the epoch inside a bucket; batches come in the order their last item came, the rest of each
// bucket at the end. Every rank gets every world_size-th batch, the list wrapping around so that
// all get as many.
//   throws ArgumentError: a read longer than max_tokens, boundaries that do not rise
std::vector<std::vector<int64_t>> length_batches(const LengthPlan& plan,
                                                 const LoaderOptions& options, uint64_t epoch);

template <class Batch>
class Loader {
 public:
  using Make = std::function<Batch(std::span<const int64_t> indices, uint64_t epoch)>;
  // items: dataset indices to load (for example the training samples).
  Loader(std::vector<int64_t> items, Make make, LoaderOptions options);
  // All of a dataset: indices 0..num_items-1.
  Loader(int64_t num_items, Make make, LoaderOptions options);
  ~Loader();
  Loader(Loader&&) noexcept;
  int64_t num_batches() const;  // per epoch
  // Starts epoch `epoch` at batch `first_batch` (to resume in mid-epoch).
  void begin(uint64_t epoch, int64_t first_batch = 0);
  // The same with batches of the caller's choice, made of dataset indices.
  void begin(uint64_t epoch, int64_t first_batch, std::vector<std::vector<int64_t>> batches);
  // The next batch, or nullopt at the end of the epoch. throws what making the batch threw.
  std::optional<Batch> next();
  int64_t position() const;  // batches given in this epoch

 private:
  struct State;
  void start(uint64_t epoch, int64_t first_batch, int64_t num_batches,
             std::function<std::vector<int64_t>(int64_t)> batch);
  std::unique_ptr<State> state_;
};

extern template class Loader<ReadBatch>;
extern template class Loader<SampleBatch>;

}  // namespace deepbio::data
