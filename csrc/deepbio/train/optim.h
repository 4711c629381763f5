// AdamW and learning-rate schedules for the trainer.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "deepbio/base/json.h"

namespace deepbio::train {

struct AdamWOptions {
  double lr = 1e-4, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01;
  std::string slow_prefix;  // parameters whose names begin so learn at lr * slow_factor; "": none
  double slow_factor = 1;
};

// AdamW over named parameters (Loshchilov & Hutter 2019), step for step torch.optim.AdamW; parameters without a
// gradient are left alone. State per parameter: step, exp_avg, exp_avg_sq, as in Python, so that either side resumes
// the other's.
class AdamW {
 public:
  AdamW(std::vector<std::pair<std::string, torch::Tensor>> parameters, AdamWOptions options);
  void step(double lr);
  void zero_grad();
  void forget_slow_gradients();  // so that the next step leaves the parameters of slow_prefix alone
  // "exp_avg/NAME", "exp_avg_sq/NAME", "step/NAME"
  std::vector<std::pair<std::string, torch::Tensor>> state() const;
  void load_state(const std::vector<std::pair<std::string, torch::Tensor>>& state);  // throws ConfigError on a mismatch
  const std::vector<std::pair<std::string, torch::Tensor>>& parameters() const { return parameters_; }

 private:
  bool is_slow(size_t parameter) const;
  void step_group(bool slow, double lr);
  std::vector<std::pair<std::string, torch::Tensor>> parameters_;
  AdamWOptions options_;
  std::vector<torch::Tensor> exp_avg_, exp_avg_sq_, step_;
};

// Scales gradients so that their total 2-norm is at most max_norm; returns the norm before.
double clip_gradients(const std::vector<std::pair<std::string, torch::Tensor>>& parameters, double max_norm);

// Learning rate of update `step` (0-based): linear from lr/warmup to lr over warmup updates, then half a cosine to 0 at
// total. warmup is cut to a tenth of total when it is longer than that (AAM's default of 10 000 never ended).
double warmup_cosine(int64_t step, double lr, int64_t warmup_steps, int64_t total_steps);

}  // namespace deepbio::train
