#include "deepbio/train/validation.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <limits>

#include "deepbio/model/functional.h"
#include "deepbio/train/predictor.h"

namespace deepbio::train {
namespace {

constexpr uint64_t kValidationEpoch = std::numeric_limits<uint64_t>::max();

}  // namespace

std::map<std::string, double> Validation::run(data::Loader<data::SampleBatch>& loader, const FeatureTensors& features,
                                              const CountTarget& counts, StepGenerator& generator) const {
  const torch::NoGradGuard no_grad;
  model_.eval();
  const model::ModelConfig& config = model_.config();
  Means means;
  Scores scores(config, codec_);
  loader.begin(0);
  for (uint64_t step = 0; const std::optional<data::SampleBatch> batch = loader.next(); ++step) {
    const model::Inputs inputs = make_inputs(*batch, features);
    const LossTargets targets = make_loss_targets(*batch, counts);
    const model::Outputs outputs = model_.forward(
        inputs, {.skip_padding = true, .predict_counts = wanted_.counts, .embed_samples = wanted_.samples});
    LossTerms terms = multi_task_loss(outputs, targets, options_.loss, config.is_classifier, config.encoder_type);
    if (wanted_.nucleotides) {
      generator.seed_step(kValidationEpoch, step);
      add_masked_nucleotides(inputs, targets, terms, means);
    }
    means.add(terms, batch->mask.size(0));
    if (!model_.is_predictor()) continue;
    const torch::Tensor& answer = outputs.target_prediction;
    scores.add(config.is_classifier ? model::class_scores(model_, answer) : answer, targets.target);
  }
  std::map<std::string, double> found = means.values();
  if (model_.is_predictor()) scores.write_metrics(found);
  return found;
}

// The model masks in training only; here a second pass with a mask of its own (the same in every epoch) measures what
// it has learned about hidden bases, while the other terms see the sequences as they are.
void Validation::add_masked_nucleotides(model::Inputs inputs, const LossTargets& targets, LossTerms& terms,
                                        Means& means) const {
  const model::ModelConfig& config = model_.config();
  const torch::Tensor tokens = inputs.asv_tokens;
  const torch::Tensor which = config.nuc_mask_strategy == "span"
                                  ? model::functional::span_mask(tokens, config.nuc_mask_ratio)
                                  : model::functional::random_mask(tokens, config.nuc_mask_ratio);
  inputs.asv_tokens = model::functional::apply_mask_token(tokens, which);
  const torch::Tensor logits =
      model_.forward(inputs, {.return_nucleotides = true, .skip_padding = true}).nuc_predictions;
  terms.nuc_loss = nucleotide_loss(logits, tokens, which, targets.nucleotide_weight);
  terms.total_loss = terms.total_loss + options_.loss.nuc_penalty * terms.nuc_loss;
  const int64_t masked = which.sum().item<int64_t>();
  if (masked == 0) return;
  const int64_t hits = (logits.argmax(-1) == tokens).logical_and(which).sum().item<int64_t>();
  means.add("nuc_accuracy", static_cast<double>(hits) / static_cast<double>(masked), masked);
}

}  // namespace deepbio::train
