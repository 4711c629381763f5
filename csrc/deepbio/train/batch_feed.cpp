// Two things happen at once on a GPU: the step of one batch and the copy of the next. The copy runs
// on a stream of its own, and an event says when it has arrived; no thread waits for either.
#include "deepbio/train/batch_feed.h"

#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <span>
#include <utility>

namespace deepbio::train {
namespace {

data::LoaderOptions for_device(data::LoaderOptions options, torch::Device device) {
  // From memory that may be paged out a copy blocks the program, and nothing would overlap.
  options.pin_memory = device.is_cuda();
  return options;
}

// MPS has one stream for everything.
bool has_streams(torch::Device device) { return !device.is_cpu() && !device.is_mps(); }

}  // namespace

BatchFeed::BatchFeed(const data::SampleDataset& dataset, const std::vector<int64_t>& items,
                     data::LoaderOptions options, torch::Device device)
    : device_(device),
      loader_(
          items,
          [&dataset](std::span<const int64_t> indices, uint64_t epoch) {
            return dataset.batch(indices, epoch);
          },
          for_device(options, device)) {
  if (has_streams(device)) {
    const c10::impl::VirtualGuardImpl devices(device.type());
    copies_ = devices.getStreamFromGlobalPool(device);
  }
}

void BatchFeed::begin(uint64_t epoch, int64_t first_batch) {
  loader_.begin(epoch, first_batch);
  ahead_.reset();
  // Before the first step asks: its batch is on the way while the trainer gets ready.
  if (copies_) copy_ahead();
}

void BatchFeed::copy_ahead() {
  const std::optional<data::SampleBatch> made = loader_.next();
  // Before the copy of the next: its memory can be used again.
  ahead_.reset();
  if (!made) return;
  const c10::StreamGuard on_copies(*copies_);
  ahead_ = data::on_device(*made, device_, /*non_blocking=*/true);
  arrived_.emplace(device_.type());
  arrived_->record(*copies_);
}

std::optional<data::SampleBatch> BatchFeed::next() {
  if (!copies_) {
    std::optional<data::SampleBatch> made = loader_.next();
    return made && !device_.is_cpu() ? data::on_device(*made, device_) : made;
  }
  std::optional<data::SampleBatch> batch = std::move(ahead_);
  if (!batch) return batch;
  const c10::Stream work = c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
  // The stream of the step waits, not the program.
  arrived_->block(work);
  // The memory was taken on the stream of copies and is in use on this one.
  data::for_each_tensor(*batch, [&work](torch::Tensor& tensor) { tensor.record_stream(work); });
  copy_ahead();
  return batch;
}

}  // namespace deepbio::train
