#include "deepbio/train/faults.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "deepbio/base/error.h"

namespace deepbio::train {

std::string first_not_finite(const NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors) {
    // Outputs that a model does not have are undefined.
    if (!tensor.defined() || !tensor.is_floating_point()) continue;
    if (!at::isfinite(tensor).all().item<bool>()) return name;
  }
  return "";
}

std::string first_not_finite(const Step& step) {
  // In the order of the computation: the first that is not finite is where it began.
  NamedTensors tensors = {{"counts", step.inputs.counts},
                          {"asv_embeddings computed before", step.inputs.asv_embeddings},
                          {"target", step.targets.target},
                          {"distances", step.targets.base_target},
                          {"asv_embeddings", step.outputs.asv_embeddings},
                          {"base_embeddings", step.outputs.base_embeddings},
                          {"embeddings", step.outputs.embeddings},
                          {"base_prediction", step.outputs.base_prediction},
                          {"nuc_predictions", step.outputs.nuc_predictions},
                          {"count_prediction", step.outputs.count_prediction},
                          {"target_prediction", step.outputs.target_prediction}};
  for (const LossTerm& term : loss_terms()) tensors.emplace_back(term.name, step.terms.*term.value);
  tensors.emplace_back("total_loss", step.terms.total_loss);
  return first_not_finite(tensors);
}

std::string first_not_finite(const model::AamModel& model) {
  return first_not_finite(state_dict(model));
}

std::string name_samples(const data::SampleBatch& batch) {
  // A message stays one line, whatever the size of the batch.
  constexpr size_t kMostNamed = 3;
  const std::vector<std::string>& ids = batch.sample_ids;
  std::string text = ids.size() == 1 ? "sample " : "samples ";
  for (size_t i = 0; i < std::min(ids.size(), kMostNamed); ++i)
    text += (i > 0 ? ", " : "") + quoted(ids[i]);
  if (ids.size() > kMostNamed) text += " and " + std::to_string(ids.size() - kMostNamed) + " more";
  return text;
}

}  // namespace deepbio::train
