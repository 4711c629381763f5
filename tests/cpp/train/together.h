// Processes that train together, as threads of one test.
#pragma once

#include <torch/types.h>
#include <torch/utils.h>

#include <barrier>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "deepbio/train/process_group.h"

namespace deepbio::train {

// Calls work(group) in world_size threads, whose sums meet at a barrier. Work must not throw.
inline void run_together(int64_t world_size,
                         const std::function<void(const ProcessGroup& group)>& work) {
  std::barrier all_here(world_size);
  std::vector<torch::Tensor> parts(static_cast<size_t>(world_size));
  std::vector<std::thread> threads;
  for (int64_t rank = 0; rank < world_size; ++rank) {
    threads.emplace_back([&, rank] {
      at::set_num_threads(1);
      ProcessGroup group{rank, world_size, [&, rank](torch::Tensor& tensor) {
                           parts[static_cast<size_t>(rank)] = tensor.clone();
                           all_here.arrive_and_wait();
                           tensor.zero_();
                           for (const torch::Tensor& part : parts) tensor += part;
                           all_here.arrive_and_wait();
                         }};
      work(group);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace deepbio::train
