// A step and an epoch of training as a line for people. Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "deepbio/train/trainer.h"

namespace deepbio::train {

// "epoch 2/16  step 3/40  loss 0.1234  812.0 samples/s  0:42 left"
//   steps_per_second  so far
std::string line_of(const StepReport& report, int64_t num_epochs, int64_t batch_size,
                    double steps_per_second);
// "epoch 2/16  loss 0.1234  val 0.1111  mae 3.2  812.0 samples/s  best": the metrics that are
// shown, terms that act.
std::string line_of(const EpochReport& report, int64_t num_epochs);

// Where a run that was stopped goes on: "after epoch 3", "in epoch 4 after step 7".
std::string place_of(const FitResult& result);

}  // namespace deepbio::train
