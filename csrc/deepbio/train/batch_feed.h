// The batches of an epoch on the device of the model. Private to the trainer.
//
// On a GPU the next batch is copied from page-locked memory on a stream of its own while the step
// runs; on the CPU batches are handed on as they are. Threads: belongs to the thread of the
// trainer.
#pragma once

#include <c10/core/Event.h>
#include <c10/core/Stream.h>
#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "deepbio/data/datasets.h"
#include "deepbio/data/loader.h"

namespace deepbio::train {

class BatchFeed {
 public:
  // The batches of these items; options.pin_memory is set as the device wants it.
  BatchFeed(const data::SampleDataset& dataset, const std::vector<int64_t>& items,
            data::LoaderOptions options, torch::Device device);
  int64_t num_batches() const { return loader_.num_batches(); }
  void begin(uint64_t epoch, int64_t first_batch = 0);
  // The next batch, or nullopt at the end of the epoch. throws what making a batch threw.
  std::optional<data::SampleBatch> next();

 private:
  void copy_ahead();

  torch::Device device_;
  data::Loader<data::SampleBatch> loader_;
  std::optional<c10::Stream> copies_;       // undefined on the CPU
  std::optional<data::SampleBatch> ahead_;  // on its way to the device
  std::optional<c10::Event> arrived_;
};

}  // namespace deepbio::train
