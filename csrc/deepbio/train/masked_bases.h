// What a model has learned about hidden bases, measured in validation.
//
// The model masks in training only. Here a second pass with a mask of its own measures the
// nucleotide head, while the other terms see the sequences as they are. The mask is drawn from
// torch's default generator, which the caller seeds so that it is the same in every epoch. Threads:
// belongs to the thread of the trainer.
#pragma once

#include "deepbio/model/aam.h"
#include "deepbio/train/losses.h"
#include "deepbio/train/scores.h"
#include "deepbio/train/shared_pass.h"

namespace deepbio::train {

// What a batch of validation has come to so far.
struct ValidationSums {
  LossTerms& terms;
  Means& means;
};

// Fills the nucleotide term, adds it to the total, and adds the share of hidden bases that are
// right to the means.
//   targets: of the whole batch
void add_masked_nucleotides(SharedPass& pass, const model::ModelConfig& config,
                            const LossTargets& targets, const LossOptions& loss,
                            const ValidationSums& sums);

}  // namespace deepbio::train
