// The optimizers of the trainer. What learning rate they go by is train/schedule.h.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deepbio/base/json.h"

namespace deepbio::model {
class AamModel;
}

namespace deepbio::train {

struct OptimizerOptions {
  std::string kind = "adamw";  // adamw, adam, sgd
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double momentum = 0.9;  // of sgd
  double weight_decay = 0.01;
  std::string slow_prefix;  // parameters whose names begin so learn at lr * slow_factor; "": none
  double slow_factor = 1;
};

// What one update goes by. momentum replaces beta1 (adamw, adam) or the momentum of sgd where a
// schedule moves it.
struct Rate {
  double lr = 0;
  std::optional<double> momentum = {};
};

// Over named parameters, step for step torch.optim's AdamW (Loshchilov & Hutter 2019), Adam (Kingma
// & Ba 2015) and SGD; parameters without a gradient are left alone. State per parameter as in
// Python, so that either side resumes the other's: step, exp_avg and exp_avg_sq, or step and
// momentum_buffer.
class Optimizer {
 public:
  Optimizer(std::vector<std::pair<std::string, torch::Tensor>> parameters,
            OptimizerOptions options);
  void step(const Rate& rate);
  void zero_grad();
  void forget_slow_gradients();  // so that the next step leaves the parameters of slow_prefix alone
  // "exp_avg/NAME", "exp_avg_sq/NAME", "step/NAME"; of sgd "momentum_buffer/NAME", "step/NAME"
  std::vector<std::pair<std::string, torch::Tensor>> state() const;
  void load_state(const std::vector<std::pair<std::string, torch::Tensor>>&
                      state);  // throws ConfigError on a mismatch
  const std::vector<std::pair<std::string, torch::Tensor>>& parameters() const {
    return parameters_;
  }

 private:
  bool is_sgd() const { return options_.kind == "sgd"; }
  bool is_slow(size_t parameter) const;
  void step_group(bool slow, const Rate& rate);
  std::vector<std::pair<std::string, torch::Tensor>> parameters_;
  OptimizerOptions options_;
  std::vector<torch::Tensor> average_;  // exp_avg, or momentum_buffer
  std::vector<torch::Tensor> square_;   // exp_avg_sq; none for sgd
  std::vector<torch::Tensor> step_;
};

// What the loss is multiplied by before its gradients are taken in float16, whose smallest number
// is 6e-8: without it small gradients would be zero. The rule of torch.amp.GradScaler: half of it
// after gradients that are not finite, twice as much after 2000 updates in a row that were made.
struct LossScale {
  double factor = 65536;
  int64_t updates = 0;  // in a row
  void see(bool is_finite);
};
// Divides the gradients by the factor.
void unscale_gradients(const std::vector<std::pair<std::string, torch::Tensor>>& parameters,
                       double factor);

// Parameters that training changes: all but those of a frozen base.
//   throws ArgumentError when none is left
std::vector<std::pair<std::string, torch::Tensor>> trainable_parameters(
    const model::AamModel& model);

// The total 2-norm of the gradients; not finite when one of them is not.
double gradient_norm(const std::vector<std::pair<std::string, torch::Tensor>>& parameters);
// Scales gradients so that their total 2-norm is at most max_norm; returns the norm before.
// Gradients whose norm is not finite are left as they are.
double clip_gradients(const std::vector<std::pair<std::string, torch::Tensor>>& parameters,
                      double max_norm);
// The same, but parameters whose names start with `prefix` and all others by a norm of their own:
// the gradients of an encoder are larger by far than those of the heads over it, which would hardly
// learn under one norm. Returns the norm of all before.
double clip_apart(const std::vector<std::pair<std::string, torch::Tensor>>& parameters,
                  const std::string& prefix, double max_norm);

}  // namespace deepbio::train
