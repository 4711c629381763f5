// The generator of torch while training: each step draws from (seed, epoch, step), and what was
// there comes back. Private to the trainer. Threads: torch's default generator is one for all.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <mutex>

#include "deepbio/base/random.h"

namespace deepbio::train {

// Seeds torch's default CPU generator for each step and puts it back as it was, also when training
// throws.
class StepGenerator {
 public:
  explicit StepGenerator(uint64_t seed)
      : seed_(seed), generator_(at::globalContext().defaultGenerator(at::kCPU)) {
    const std::lock_guard<std::mutex> lock(generator_.mutex());
    before_ = generator_.get_state();
  }
  ~StepGenerator() {
    const std::lock_guard<std::mutex> lock(generator_.mutex());
    generator_.set_state(before_);
  }
  StepGenerator(const StepGenerator&) = delete;
  StepGenerator& operator=(const StepGenerator&) = delete;
  // rank: of the process, where those that train together draw apart.
  void seed_step(uint64_t epoch, uint64_t step, int64_t rank = 0) {
    CounterRandom random(seed_, epoch, step, Purpose::kStep);
    for (int64_t before = 0; before < rank; ++before) (void)random.next_u64();
    const std::lock_guard<std::mutex> lock(generator_.mutex());
    generator_.set_current_seed(random.next_u64());
  }

 private:
  uint64_t seed_;
  at::Generator generator_;
  at::Tensor before_;
};

}  // namespace deepbio::train
