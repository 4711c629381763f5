// NaN and infinity on their way through a step of training: which tensor has the first one.
// Private to the trainer.
#pragma once

#include <string>

#include "deepbio/data/batch.h"
#include "deepbio/model/aam.h"
#include "deepbio/train/checkpoint.h"
#include "deepbio/train/losses.h"

namespace deepbio::train {

// The name of the first tensor, in the order given, that is not finite; "" when there is none.
// Undefined tensors and integers are finite.
std::string first_not_finite(const NamedTensors& tensors);

// What one step saw and made.
struct Step {
  const model::Inputs& inputs;
  const LossTargets& targets;
  const model::Outputs& outputs;
  const LossTerms& terms;
};
// Looks where a bad number came from before where it went: what went in, what came out, the terms
// of the loss.
std::string first_not_finite(const Step& step);
// Weights and buffers: nothing that is learned from here on would be finite either.
std::string first_not_finite(const model::AamModel& model);

// The samples of a batch by name, the first three in full.
std::string name_samples(const data::SampleBatch& batch);

}  // namespace deepbio::train
