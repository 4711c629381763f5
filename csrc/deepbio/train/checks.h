// What can be known to be wrong before the first step: said before anything is written, by every
// door.
#pragma once

#include <optional>

#include "deepbio/data/datasets.h"
#include "deepbio/data/targets.h"
#include "deepbio/model/config.h"
#include "deepbio/train/split.h"
#include "deepbio/train/trainer.h"

namespace deepbio::train {

// What a model is trained with.
struct TrainingParts {
  const data::SampleDataset& train;
  const data::SampleDataset& val;
  const Split& split;
  const std::optional<data::TargetCodec>& codec;
};

// throws ArgumentError, ConfigError: an empty side of the split; targets or distances that are
// missing or out of range; classes, weights and outputs that differ in number; a metric of another
// kind of model; a range of predictions that cannot hold the targets; options without effect;
// nothing to learn.
void check_training(const model::ModelConfig& model, bool is_predictor,
                    const TrainingOptions& options, const TrainingParts& parts);

}  // namespace deepbio::train
