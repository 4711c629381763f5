// From the gradients of a step to new weights: clipping, the optimizer, the schedule, the mean of
// the weights. A part of the trainer's loop that knows nothing of data or losses.
// Private to the trainer.
#pragma once

#include <cstdint>
#include <string>

#include "deepbio/train/optim.h"
#include "deepbio/train/resume.h"
#include "deepbio/train/trainer.h"

namespace deepbio::train {

class Updates {
 public:
  // state: where the run stands; what changes in it here is updates, lr, loss_scale, average and
  // averaged.
  Updates(model::AamModel& model, const TrainingOptions& options, TrainingState& state,
          const ProcessGroup& group);
  // How many updates the whole run makes, which schedule, mean and unfreezing go by.
  void plan(int64_t total_updates) { total_ = total_updates; }
  // Whether the base model learns in the update that comes next.
  bool base_moves() const;
  // One update from the gradients that are there, in all processes, which are forgotten. Returns
  // the first gradient that is not finite, and then leaves the weights alone; "" else, and where a
  // smaller loss scale may help. The schedule goes on in any case, so that it ends with the run.
  std::string step();
  // What the loss is to be multiplied by before its gradients are taken; step() divides by it.
  double loss_scale() const { return scales_loss_ ? state_.loss_scale.factor : 1; }
  // Forgets the gradients; the schedule goes on.
  void skip();
  void zero_grad() { optimizer_.zero_grad(); }
  // Puts weights into the model and returns those that were there; does nothing without weights.
  NamedTensors swap_in(const NamedTensors& weights);
  Optimizer& optimizer() { return optimizer_; }

 private:
  void average();

  const TrainingOptions& options_;
  TrainingState& state_;
  const ProcessGroup& group_;
  Optimizer optimizer_;
  bool is_frozen_, scales_loss_;
  // The loss is the mean over M members, each with gradients of its own: norms of a model are 1 /
  // sqrt(M) of a member's.
  double member_share_ = 1;
  int64_t total_ = 1;
};

}  // namespace deepbio::train
