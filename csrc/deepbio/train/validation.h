// What the samples held back say after an epoch. Private to the trainer.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "deepbio/data/targets.h"
#include "deepbio/model/aam.h"
#include "deepbio/train/batch_feed.h"
#include "deepbio/train/feed.h"
#include "deepbio/train/learner.h"
#include "deepbio/train/losses.h"
#include "deepbio/train/scores.h"
#include "deepbio/train/step_generator.h"

namespace deepbio::train {

class Validation {
 public:
  // All outlive this.
  Validation(model::AamModel& model, const LossOptions& loss,
             const std::optional<data::TargetCodec>& codec, WantedOutputs wanted,
             const ProcessGroup& group, const std::string& mixed_precision)
      : model_(model),
        loss_(loss),
        codec_(codec),
        wanted_(wanted),
        group_(group),
        mixed_precision_(mixed_precision) {}
  // All batches through the model in eval mode: means of the loss terms, total_loss
  // among them, and of a predictor the metrics.
  std::map<std::string, double> run(BatchFeed& batches, const FeatureTensors& features,
                                    const CountTarget& counts, StepGenerator& generator) const;

 private:
  model::AamModel& model_;
  const LossOptions& loss_;
  const std::optional<data::TargetCodec>& codec_;
  WantedOutputs wanted_;
  const ProcessGroup& group_;
  const std::string& mixed_precision_;
};

}  // namespace deepbio::train
