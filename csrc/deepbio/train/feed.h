// From a batch of samples to what the model takes and what the losses are measured against.
#pragma once

#include <string>

#include "deepbio/data/datasets.h"
#include "deepbio/model/aam.h"
#include "deepbio/train/losses.h"

namespace deepbio::train {

// What the count head is to predict, from the reads of a sample.
struct CountTarget {
  std::string kind = "relative";  // relative: reads / total of the sample; minmax: (reads - min) /
                                  // (max - min); raw
  double min = 0, max = 1;        // of minmax
  // counts float [B, S], mask bool [B, S] -> float [B, S], 0 under padding
  Tensor of(const Tensor& counts, const Tensor& mask) const;
};
// minmax looks at all entries of the given samples in the draw of epoch 0; a range below 1e-8
// counts as 1. throws ConfigError for an unknown kind.
CountTarget fit_count_target(const std::string& kind, const data::SampleDataset& dataset,
                             const std::vector<int64_t>& samples);

// What does not change from batch to batch about the features of a table, so that the model need
// not find it out again.
struct FeatureTensors {
  Tensor embeddings;  // [F, D], what encode_features gave; undefined: the model encodes the tokens
  Tensor identity;    // int64 [F], what feature_identities gave; undefined: from the tokens
};
FeatureTensors on_device(const FeatureTensors& features, torch::Device device);
model::Inputs make_inputs(const data::SampleBatch& batch, const FeatureTensors& features = {});
// The weight of a nucleotide is how often its ASV occurs in the batch.
LossTargets make_loss_targets(const data::SampleBatch& batch, const CountTarget& counts);

}  // namespace deepbio::train
