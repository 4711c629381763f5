// Predictions and embeddings of a trained run on a table.
//
// Each distinct ASV of the whole table is encoded once. Predictions come in the units of the
// target.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deepbio/data/datasets.h"
#include "deepbio/train/checkpoint.h"
#include "deepbio/train/feed.h"
#include "deepbio/train/process_group.h"

namespace deepbio::train {

struct Predictions {
  std::vector<std::string> sample_ids;
  torch::Tensor values;            // float64 [N, O] in target units, or class probabilities [N, C]
  std::vector<int64_t> class_ids;  // [N] for a classifier
  std::vector<double> levels;      // of quantiles beside the prediction: a quantile regression's, a
                                   // histogram's 5 % and 95 %
  torch::Tensor quantiles;         // float64 [N, levels] in target units; undefined otherwise
  torch::Tensor distribution;  // float64 [N, num_bins] probabilities of a histogram head; undefined
                               // without one
  // float64 [N]: mean of the distribution (values: its median), in target units.
  torch::Tensor means;
  // float64 [N]: spread over several draws of reads; undefined after one pass.
  torch::Tensor deviation;
};

struct PredictOptions {
  int64_t batch_size = 32;
  std::string device;  // "": where the model is; it stays on the device
  uint64_t epoch = 0;  // which draw of reads, for a dataset that draws anew in each epoch
  ProcessGroup
      group;  // of processes that make the same call: each answers for its part, all get all
  OptionRows rows();
};

// throws ArgumentError when the run is not a predictor.
Predictions predict(model::AamModel& model, const RunConfig& config,
                    const data::SampleDataset& dataset, const std::vector<int64_t>& samples,
                    const PredictOptions& options = {});
// float32 [N, D]: the encoder's sample embeddings.
torch::Tensor embed(model::AamModel& model, const data::SampleDataset& dataset,
                    const std::vector<int64_t>& samples, const PredictOptions& options = {});
// sample_id, prediction (classes: the label, then probability_CLASS columns; quantiles:
// quantile_LEVEL columns), prediction_std where there is one; numbers with 9 significant digits. A
// name with a tab, a quote or a line end is quoted as in metadata.
void write_predictions(const std::string& path, const Predictions& predictions,
                       const RunConfig& config, io::Overwrite overwrite = io::Overwrite::kAllow);
// What is known of samples that are judged, in the units of the target.
struct Truth {
  std::vector<double> values;       // regression
  std::vector<std::string> labels;  // classes
};
// The same with the column `actual` after the prediction.
void write_validation(const std::string& path, const Predictions& predictions,
                      const RunConfig& config, const Truth& actual);
// What a model over a frozen base need not compute for each batch of this table; empty for one that
// learns it.
FeatureTensors frozen_features(model::AamModel& model, const data::SampleDataset& dataset);
// All ASV embeddings of a table [F, D], each feature once.
torch::Tensor encode_features(model::AamModel& model, const data::SampleDataset& dataset,
                              int64_t batch_size = 64);

}  // namespace deepbio::train
