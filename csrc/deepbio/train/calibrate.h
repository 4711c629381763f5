// A data-dependent start for a new encoder, so that who is in a sample is visible from the first
// step.
//
// Fresh ASV embeddings differ from one another by a tenth of what they have in common, and AAM adds
// a random vector per slot on top (N(0, 1)): the differences drown, and small data sets end at the
// mean. Here the gain and bias of the ASV pooling norm are rewritten so that each of the D numbers
// has mean 0 and standard deviation 1 over the distinct ASVs of a table, and slot positions start
// at zero. Names, shapes and arithmetic of the model stay as they are. In the spirit of
// layer-sequential unit-variance initialisation (Mishkin & Matas 2016).
#pragma once

#include "deepbio/data/datasets.h"
#include "deepbio/model/aam.h"

namespace deepbio::train {

// returns  the embeddings of all features, calibrated
// throws   ArgumentError for a table with fewer than two features.
torch::Tensor calibrate_asv_embeddings(model::AamModel& model, const data::SampleDataset& dataset);

// Fits scale and shift of abundance_pooling, so that over the given samples each of the D numbers
// that its projection gets has mean 0 and standard deviation 1. A predictor without
// abundance_pooling stays as it is.
//   inputs  embeddings: of all features, where they are at hand; undefined: they are computed
//   throws  ArgumentError for fewer than two samples
void calibrate_abundance_pooling(model::AamModel& model, const data::SampleDataset& dataset,
                                 const std::vector<int64_t>& samples,
                                 const torch::Tensor& embeddings = {});

}  // namespace deepbio::train
