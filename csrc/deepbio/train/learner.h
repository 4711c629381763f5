// One batch through the model: the loss of the whole batch, and this process's part of the
// gradients. Private to the trainer.
#pragma once

#include <cstdint>
#include <string>

#include "deepbio/data/batch.h"
#include "deepbio/model/aam.h"
#include "deepbio/train/feed.h"
#include "deepbio/train/losses.h"
#include "deepbio/train/process_group.h"
#include "deepbio/train/step_generator.h"

namespace deepbio::train {

// Which outputs the loss of a run wants.
struct WantedOutputs {
  bool nucleotides = false;  // masked bases are to be found again
  bool counts = true;
  bool samples = true;  // the sample level of the base, where only its own losses need it
};

WantedOutputs wanted_outputs(const model::AamModel& model, const LossOptions& loss,
                             const data::SampleDataset& dataset);

// A batch of training, and of how many whose gradients make one update.
struct LearnedBatch {
  const data::SampleBatch& batch;
  int64_t epoch = 0, step = 0, group_size = 1;
  double loss_scale = 1;
};

class Learner {
 public:
  // All outlive this. mixed_precision: as TrainingOptions has it.
  Learner(model::AamModel& model, const LossOptions& loss, WantedOutputs wanted,
          const ProcessGroup& group, StepGenerator& generator, const std::string& mixed_precision);
  // Adds the gradients of the loss times loss_scale / group_size. Of the first loss that is not
  // finite why, to fault, and then no gradients.
  //   throws ArgumentError: nothing to learn
  LossTerms learn(const LearnedBatch& learned, const FeatureTensors& features,
                  const CountTarget& counts, std::string& fault);

 private:
  // What is random in the step, seeded; of the bases, which are hidden.
  torch::Tensor draw(const LearnedBatch& learned);

  model::AamModel& model_;
  const LossOptions& loss_;
  WantedOutputs wanted_;
  const ProcessGroup& group_;
  StepGenerator& generator_;
  std::string mixed_precision_;
  bool is_frozen_;
};

}  // namespace deepbio::train
