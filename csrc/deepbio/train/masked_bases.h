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
#include "deepbio/train/shared_batch.h"

namespace deepbio::train {

// A batch of validation: what the model takes of it here, and what the loss is measured against.
struct ValidationBatch {
  const SharedBatch& shared;
  const model::Inputs& inputs;  // of shared.own()
  const LossTargets& targets;   // of the whole batch
};

// Fills the nucleotide term, adds it to the total, and adds the share of hidden bases that are
// right to `means`.
void add_masked_nucleotides(model::AamModel& model, const ValidationBatch& batch,
                            const LossOptions& loss, LossTerms& terms, Means& means);

}  // namespace deepbio::train
