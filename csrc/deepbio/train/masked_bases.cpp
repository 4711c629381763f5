#include "deepbio/train/masked_bases.h"

#include "deepbio/model/functional.h"

namespace deepbio::train {

void add_masked_nucleotides(model::AamModel& model, model::Inputs inputs,
                            const LossTargets& targets, const LossOptions& loss, LossTerms& terms,
                            Means& means) {
  const model::ModelConfig& config = model.config();
  const torch::Tensor tokens = inputs.asv_tokens;
  const torch::Tensor which = config.nuc_mask_strategy == "span"
                                  ? model::functional::span_mask(tokens, config.nuc_mask_ratio)
                                  : model::functional::random_mask(tokens, config.nuc_mask_ratio);
  inputs.asv_tokens = model::functional::apply_mask_token(tokens, which);
  const torch::Tensor logits =
      model.forward(inputs, {.return_nucleotides = true, .skip_padding = true}).nuc_predictions;
  terms.nuc_loss = nucleotide_loss(logits, tokens, which, targets.nucleotide_weight);
  terms.total_loss = terms.total_loss + loss.nuc_penalty * terms.nuc_loss;
  const int64_t masked = which.sum().item<int64_t>();
  if (masked == 0) return;
  const int64_t hits = (logits.argmax(-1) == tokens).logical_and(which).sum().item<int64_t>();
  means.add("nuc_accuracy", static_cast<double>(hits) / static_cast<double>(masked), masked);
}

}  // namespace deepbio::train
