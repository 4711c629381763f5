#include "deepbio/train/masked_bases.h"

#include "deepbio/model/functional.h"

namespace deepbio::train {

void add_masked_nucleotides(model::AamModel& model, const ValidationBatch& batch,
                            const LossOptions& loss, LossTerms& terms, Means& means) {
  const model::ModelConfig& config = model.config();
  const torch::Tensor& tokens = batch.targets.nucleotides;
  // Of the whole batch in every process, so that their number changes nothing.
  const torch::Tensor which =
      model::functional::draw_mask(tokens, config.nuc_mask_strategy, config.nuc_mask_ratio);
  model::Inputs inputs = batch.inputs;
  inputs.asv_tokens =
      model::functional::apply_mask_token(tokens, which).index_select(0, batch.shared.own_asvs());
  const torch::Tensor logits =
      batch.shared.gather(model.forward(inputs, {.return_nucleotides = true, .skip_padding = true}))
          .nuc_predictions;
  terms.nuc_loss = nucleotide_loss(logits, tokens, which, batch.targets.nucleotide_weight);
  terms.total_loss = terms.total_loss + loss.nuc_penalty * terms.nuc_loss;
  const int64_t masked = which.sum().item<int64_t>();
  if (masked == 0) return;
  const int64_t hits = (logits.argmax(-1) == tokens).logical_and(which).sum().item<int64_t>();
  means.add("nuc_accuracy", static_cast<double>(hits) / static_cast<double>(masked), masked);
}

}  // namespace deepbio::train
