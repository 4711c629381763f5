#include "deepbio/train/validation.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <limits>

#include "deepbio/train/masked_bases.h"
#include "deepbio/train/predictor.h"
#include "deepbio/train/shared_pass.h"

namespace deepbio::train {
namespace {

// No epoch of training has this number: masks of validation are its own, the same in each epoch.
constexpr uint64_t kValidationEpoch = std::numeric_limits<uint64_t>::max();

}  // namespace

std::map<std::string, double> Validation::run(BatchFeed& batches, const FeatureTensors& features,
                                              const CountTarget& counts,
                                              StepGenerator& generator) const {
  const torch::NoGradGuard no_grad;
  model_.eval();
  const model::ModelConfig& config = model_.config();
  Means means;
  Scores scores(config, codec_, loss_);
  // Epoch 0 each time: the order is that of the split, and draws are fixed.
  batches.begin(0);
  for (uint64_t step = 0; const std::optional<data::SampleBatch> batch = batches.next(); ++step) {
    SharedPass pass(model_, *batch, group_, mixed_precision_);
    const LossTargets targets = make_loss_targets(*batch, counts);
    const model::Outputs outputs = pass.forward(
        features, {},
        {.skip_padding = true, .predict_counts = wanted_.counts, .embed_samples = wanted_.samples});
    LossTerms terms =
        multi_task_loss(outputs, targets, loss_, config.is_classifier, config.encoder_type);
    if (wanted_.nucleotides) {
      // Seeded by the batch: the same bases are hidden in each epoch, and losses can be compared.
      generator.seed_step(kValidationEpoch, step);
      add_masked_nucleotides(pass, config, targets, loss_, {terms, means});
    }
    means.add(terms, batch->mask.size(0));
    if (!model_.is_predictor()) continue;
    const torch::Tensor& answer = outputs.target_prediction;
    if (config.is_classifier)
      scores.add_classes(answer, model::class_scores(model_, answer).argmax(-1), targets.target);
    else
      scores.add(answer, targets.target);
  }
  std::map<std::string, double> found = means.values();
  if (model_.is_predictor()) scores.write_metrics(found);
  return found;
}

}  // namespace deepbio::train
