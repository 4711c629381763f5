// A batch dealt to the processes that train together, and their answers put together again.
//
// Each process runs the model on its own samples and then computes the loss of the whole batch from
// all answers, of which only its own have gradients: the sum of the gradients over processes is
// that of one process with the whole batch, for every loss, also one over pairs of samples.
// Threads: belongs to the thread of the trainer.
#pragma once

#include <cstdint>
#include <vector>

#include "deepbio/data/batch.h"
#include "deepbio/model/aam.h"
#include "deepbio/train/process_group.h"

namespace deepbio::train {

class SharedBatch {
 public:
  // Both outlive this.
  SharedBatch(const data::SampleBatch& whole, const ProcessGroup& group);
  // This process's samples in the order of the batch, padded as in it. A process for which there is
  // none gets the first one, and what it answers is not looked at: its gradients are zero.
  const data::SampleBatch& own() const { return group_.is_alone() ? whole_ : own_; }
  // Rows of the whole batch's asv_tokens that own() holds. int64 [U of own]
  torch::Tensor own_asvs() const;
  // What one process would have got for the whole batch, of what the losses look at.
  model::Outputs gather(const model::Outputs& own) const;

 private:
  // The place of one output among the answers of all: its shape and that of its own part.
  struct Place {
    std::vector<int64_t> shape;
    int64_t begin = 0, count = 0;
  };
  Place place_of(const torch::Tensor& own, int64_t axis, const std::vector<int64_t>& rows) const;

  const data::SampleBatch& whole_;
  const ProcessGroup& group_;
  data::SampleBatch own_;
  // Of each process: its samples and its distinct ASVs.
  std::vector<int64_t> num_samples_, num_asvs_;
  torch::Tensor own_asvs_;
  // Of each distinct ASV of the whole batch: the first row among the ASVs of all processes, one
  // process after the other.
  torch::Tensor first_row_;
};

}  // namespace deepbio::train
