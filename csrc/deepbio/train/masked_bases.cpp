#include "deepbio/train/masked_bases.h"

#include "deepbio/model/functional.h"

namespace deepbio::train {

void add_masked_nucleotides(SharedPass& pass, const model::ModelConfig& config,
                            const LossTargets& targets, const LossOptions& loss,
                            const ValidationSums& sums) {
  const torch::Tensor& tokens = targets.nucleotides;
  // Of the whole batch in every process, so that their number changes nothing.
  const torch::Tensor which =
      model::functional::draw_mask(tokens, config.nuc_mask_strategy, config.nuc_mask_ratio);
  const torch::Tensor logits = pass.nucleotides(model::functional::apply_mask_token(tokens, which));
  sums.terms.nuc_loss = nucleotide_loss(logits, tokens, which, targets.nucleotide_weight);
  sums.terms.total_loss = sums.terms.total_loss + loss.nuc_penalty * sums.terms.nuc_loss;
  // A batch of short ASVs may hide nothing: then it says nothing about accuracy.
  const int64_t masked = which.sum().item<int64_t>();
  if (masked == 0) return;
  const int64_t hits = (logits.argmax(-1) == tokens).logical_and(which).sum().item<int64_t>();
  sums.means.add("nuc_accuracy", static_cast<double>(hits) / static_cast<double>(masked), masked);
}

}  // namespace deepbio::train
