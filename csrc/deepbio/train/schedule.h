// What learning rate each update of the weights goes by. All rates are torch.optim.lr_scheduler's,
// stepped once an update; warmup_cosine is AAM's, with its warm-up cut to what the run is long
// enough for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "deepbio/train/optim.h"

namespace deepbio::train {

struct ScheduleOptions {
  std::string name = "warmup_cosine";  // one of schedule_names()
  double lr = 1e-4;                    // the highest
  int64_t warmup_steps = 0;            // of warmup_cosine
  int64_t total_steps = 1;             // updates of the whole run
};

// constant, cosine, cosine_restarts, onecycle, plateau, warmup_cosine:
//   warmup_cosine    linear from lr / warmup to lr over the warm-up (at most a tenth of all
//                    updates), half a cosine to 0
//   cosine           CosineAnnealingLR(T_max=total): half a cosine from lr to 0
//   cosine_restarts  CosineAnnealingWarmRestarts(T_0=total // 4, T_mult=2)
//   onecycle         OneCycleLR(max_lr=lr, pct_start=0.3): up from lr / 25, down to lr / 250000;
//                    momentum 0.95, 0.85, 0.95
//   plateau          ReduceLROnPlateau(factor=0.3, patience=5) on the validation loss: see Plateau
//   constant         lr
std::vector<std::string> schedule_names();

// Of update 0, 1, ...; plateau gives lr, to be multiplied by Plateau::factor. throws ConfigError
// for another name.
Rate scheduled_rate(const ScheduleOptions& options, int64_t update);

// The learning rate falls where the loss of the validation samples stands still for longer than
// five epochs.
struct Plateau {
  std::optional<double> best = {};
  int64_t epochs_without_gain = 0;
  double factor = 1;
  void see(double val_loss);  // after each epoch
};

}  // namespace deepbio::train
