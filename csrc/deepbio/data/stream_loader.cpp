// Records are taken in one thread at a time, as a stream has an order; transforms and encoding,
// which take longer, run in the jobs.
#include <algorithm>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/data/pinned.h"
#include "deepbio/data/read_stream.h"

namespace deepbio::data {
namespace {

constexpr int64_t kPrefetch = 2;  // batches ahead per thread

}  // namespace

StreamLoader::StreamLoader(std::shared_ptr<ReadStream> stream, int64_t batch_size, bool drop_last,
                           int64_t num_threads, bool pin_memory)
    : stream_(std::move(stream)),
      batch_size_(batch_size),
      num_threads_(num_threads),
      drop_last_(drop_last),
      pin_memory_(pin_memory) {
  if (batch_size < 1)
    throw ArgumentError("batch_size: expected at least 1, got " + std::to_string(batch_size));
  if (num_threads < 0)
    throw ArgumentError("num_threads: expected 0 or more, got " + std::to_string(num_threads));
}

StreamLoader::~StreamLoader() { Prefetcher<Given>::discard(prefetcher_); }

void StreamLoader::begin(uint64_t epoch, int64_t first_batch, std::optional<uint64_t> draws) {
  Prefetcher<Given>::discard(prefetcher_);
  // In the calling thread: a missing file is reported here rather than by the first batch.
  stream_->begin(epoch, first_batch * batch_size_, draws);
  const auto next_job = [this]() -> std::optional<Prefetcher<Given>::Job> {
    StreamRecords records = stream_->take(batch_size_);
    const int64_t size = records.size();
    if (size == 0 || (drop_last_ && size < batch_size_)) return std::nullopt;
    // The job holds the stream: it may outlive the loader in a thread that is about to end.
    return [stream = stream_, records = std::move(records), is_pinned = pin_memory_] {
      Given out(stream->encode(records), records);
      if (is_pinned) pin(out.first);
      return out;
    };
  };
  prefetcher_ =
      std::make_unique<Prefetcher<Given>>(next_job, num_threads_, kPrefetch * num_threads_);
}

std::optional<std::pair<ReadBatch, StreamRecords>> StreamLoader::next() {
  if (!prefetcher_ || !prefetcher_->is_here()) {
    throw ArgumentError("loader: expected begin(epoch) before next(), in a forked child too");
  }
  return prefetcher_->next();
}

}  // namespace deepbio::data
