// What a predictor knows of its training samples before the first step: which ASVs are known, how
// its inputs are centred and scaled, where the bins of its histogram stand; and an answer to begin
// with.
//
// Every head starts at what a model without inputs would answer: the class rates, the distribution
// or the mean of the training targets. So the first loss is the loss of that answer, whatever the
// preset and the data, and training can only go down from there. Nothing of it looks at other
// samples than those given. Threads: changes the model.
#pragma once

#include <cstdint>
#include <vector>

#include "deepbio/data/datasets.h"
#include "deepbio/model/aam.h"

namespace deepbio::train {

// int64 [F]: what the ASVs of a table are known by (model/known_asvs.h).
torch::Tensor feature_identities(const data::SampleDataset& dataset);

// The ASVs that at least `min_samples` of the samples have (the 20 000 of most samples, when there
// are more).
//   returns  int64 [K], identities in rising order
torch::Tensor known_identities(const data::SampleDataset& dataset,
                               const std::vector<int64_t>& samples, int64_t min_samples);

// The config with num_known_asvs as the samples give it; min_samples 0: no branch of known ASVs.
model::ModelConfig fit_config(model::ModelConfig config, const data::SampleDataset& dataset,
                              const std::vector<int64_t>& samples, int64_t min_samples);

// Writes all of it into a new predictor; an encoder stays as it is.
//   inputs  a dataset with targets; embeddings [F, D] of all its features when they are at hand
//   throws  ArgumentError: fewer than two samples, no targets; the samples do not give as many
//   known ASVs as the config
void start_predictor(model::AamModel& model, const data::SampleDataset& dataset,
                     const std::vector<int64_t>& samples, int64_t min_samples,
                     const torch::Tensor& embeddings = {});

// Centres and scales the pooled sequences anew, after the encoder has moved; a model without that
// branch stays as it is.
void rescale_sequences(model::AamModel& model, const data::SampleDataset& dataset,
                       const std::vector<int64_t>& samples);

}  // namespace deepbio::train
