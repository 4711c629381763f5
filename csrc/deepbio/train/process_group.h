// The processes that train one model together, on one machine or on many. Each takes its part of
// every batch (train/shared_pass.h); what they learn is added up.
//
// The library knows no network: whoever has one (torch.distributed under torchrun, MPI) gives
// all_reduce. Every process calls the functions below equally often and in the same order; a
// process that ended makes all_reduce throw in the others. Threads: belongs to the thread of the
// trainer.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace deepbio::train {

struct ProcessGroup {
  int64_t rank = 0, world_size = 1;
  // Adds up a tensor over all processes, in place: contiguous, of the same shape and type in each,
  // on the CPU or where the model is.
  std::function<void(torch::Tensor&)> all_reduce;

  bool is_alone() const { return world_size == 1; }
  // The one that reads and writes the run directory.
  bool is_first() const { return rank == 0; }
  // Whether it is true in any process.
  bool any(bool here) const;
  // Comes back when all have come here.
  void wait() const { (void)any(false); }
  // Overwrites tensors, of any shapes and types, with those of the first process.
  void broadcast(const std::vector<torch::Tensor>& tensors) const;
  // Adds up the gradients of parameters; one that no process has stays undefined.
  void sum_gradients(const std::vector<std::pair<std::string, torch::Tensor>>& parameters) const;
};

}  // namespace deepbio::train
