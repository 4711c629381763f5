#include "deepbio/train/learner.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "deepbio/base/error.h"
#include "deepbio/model/functional.h"
#include "deepbio/train/faults.h"
#include "deepbio/train/shared_pass.h"

namespace deepbio::train {

WantedOutputs wanted_outputs(const model::AamModel& model, const LossOptions& loss,
                             const data::SampleDataset& dataset) {
  const bool is_frozen = model.is_predictor() && model.config().freeze_base;
  WantedOutputs wanted;
  // An output that no loss looks at is not computed: the count head has a transformer of its own.
  wanted.nucleotides = model.config().predict_nucleotides && loss.nuc_penalty > 0 && !is_frozen;
  wanted.counts = loss.count_penalty > 0;
  wanted.samples = dataset.has_distances() && loss.penalty > 0;
  return wanted;
}

Learner::Learner(model::AamModel& model, const LossOptions& loss, WantedOutputs wanted,
                 const ProcessGroup& group, StepGenerator& generator,
                 const std::string& mixed_precision)
    : model_(model),
      loss_(loss),
      wanted_(wanted),
      group_(group),
      generator_(generator),
      mixed_precision_(mixed_precision),
      is_frozen_(model.is_predictor() && model.config().freeze_base) {}

// The same bases are hidden whatever the number of processes; dropout is each one's own.
torch::Tensor Learner::draw(const LearnedBatch& learned) {
  const model::ModelConfig& config = model_.config();
  const auto epoch = static_cast<uint64_t>(learned.epoch),
             step = static_cast<uint64_t>(learned.step);
  generator_.seed_step(epoch, step);
  torch::Tensor hidden;
  if (wanted_.nucleotides && config.nuc_mask_ratio > 0) {
    hidden = model::functional::draw_mask(learned.batch.asv_tokens, config.nuc_mask_strategy,
                                          config.nuc_mask_ratio);
  }
  // After the bases, which all processes draw alike: from here on dropout is each one's own.
  if (!group_.is_first()) generator_.seed_step(epoch, step, group_.rank);
  return hidden;
}

LossTerms Learner::learn(const LearnedBatch& learned, const FeatureTensors& features,
                         const CountTarget& counts, std::string& fault) {
  const data::SampleBatch& batch = learned.batch;
  SharedPass pass(model_, batch, group_, mixed_precision_);
  const LossTargets targets = make_loss_targets(batch, counts);
  const model::Outputs outputs = pass.forward(features, draw(learned),
                                              {.return_nucleotides = wanted_.nucleotides,
                                               .skip_padding = true,
                                               .predict_counts = wanted_.counts,
                                               .embed_samples = wanted_.samples && !is_frozen_});
  LossTerms terms = multi_task_loss(outputs, targets, loss_, model_.config().is_classifier,
                                    model_.config().encoder_type);
  // In every process alike, since the loss is that of the whole batch: none goes on into a backward
  // pass in which the others would be missing.
  if (!std::isfinite(terms.total_loss.item<double>())) {
    if (fault.empty())
      fault = first_not_finite(Step{make_inputs(batch, features), targets, outputs, terms}) + "; " +
              name_samples(batch);
    return terms;
  }
  if (!terms.total_loss.requires_grad()) {
    throw ArgumentError(
        "training: nothing to learn: every loss term is zero or belongs to frozen parameters");
  }
  // Gradients of a group add up to those of the mean of its batches.
  pass.backward(terms.total_loss * (learned.loss_scale / static_cast<double>(learned.group_size)));
  return terms;
}

}  // namespace deepbio::train
