// What `pretrain` and `train` say on stderr and in RUN/training.log.
#pragma once

#include <chrono>
#include <fstream>
#include <string>

#include "deepbio/train/trainer.h"

namespace deepbio::tools {

// On a terminal one line that updates; else, and in training.log, a line per epoch.
class TrainingProgress {
 public:
  TrainingProgress(const std::string& log_path, bool quiet, int64_t num_epochs, bool append);
  void line(const std::string& text);  // stderr (unless quiet) and log
  void step(const train::StepReport& report, int64_t batch_size);
  void epoch(const train::EpochReport& report);

 private:
  void clear();
  std::ofstream log_;
  bool quiet_, is_terminal_;
  int64_t num_epochs_;
  int64_t steps_done_ = 0;  // in this process
  std::chrono::steady_clock::time_point start_, last_shown_;
  size_t shown_width_ = 0;
};

}  // namespace deepbio::tools
