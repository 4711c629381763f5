// The generator of torch while training: each step draws from (seed, epoch, step), and what was
// there comes back. Private to the trainer. Threads: torch's default generator is one for all.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <mutex>
#include <vector>

#include "deepbio/base/random.h"

namespace deepbio::train {

// Seeds torch's default generator of a device, and that of the CPU, for each step and puts them
// back as they were, also when training throws.
class StepGenerator {
 public:
  explicit StepGenerator(uint64_t seed, at::Device device = at::kCPU) : seed_(seed) {
    keep(at::kCPU);
    if (!device.is_cpu()) keep(device);
  }
  ~StepGenerator() {
    for (Kept& kept : kept_) {
      const std::lock_guard<std::mutex> lock(kept.generator.mutex());
      kept.generator.set_state(kept.before);
    }
  }
  StepGenerator(const StepGenerator&) = delete;
  StepGenerator& operator=(const StepGenerator&) = delete;
  // rank: of the process, where those that train together draw apart.
  void seed_step(uint64_t epoch, uint64_t step, int64_t rank = 0) {
    CounterRandom random(seed_, epoch, step, Purpose::kStep);
    for (int64_t before = 0; before < rank; ++before) (void)random.next_u64();
    const uint64_t seed = random.next_u64();
    for (Kept& kept : kept_) {
      const std::lock_guard<std::mutex> lock(kept.generator.mutex());
      kept.generator.set_current_seed(seed);
    }
  }

 private:
  struct Kept {
    at::Generator generator;
    at::Tensor before;
  };
  void keep(at::Device device) {
    at::Generator generator = at::globalContext().defaultGenerator(device);
    const std::lock_guard<std::mutex> lock(generator.mutex());
    const at::Tensor before = generator.get_state();
    kept_.push_back({generator, before});
  }

  uint64_t seed_;
  std::vector<Kept> kept_;
};

}  // namespace deepbio::train
