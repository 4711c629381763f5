// Predictions over several draws of reads, and predictions as JSON.
#pragma once

#include <cstdint>

#include "deepbio/train/prediction_data.h"
#include "deepbio/train/predictor.h"

namespace deepbio::train {

// The mean over passes, each with its own draw of reads (data made with redraw); deviation is the
// spread of the prediction, of a class the spread of its probability. One pass: predict() as it is.
Predictions predict_passes(model::AamModel& model, const RunConfig& config,
                           const PredictionData& data, int64_t passes,
                           const PredictOptions& options = {});
// throws ArgumentError: several passes of a run that uses counts as they are, which would all be
// the same.
void check_passes(const RunConfig& config, int64_t passes);

// An object for each sample: sample_id, prediction; of classes probabilities; quantiles,
// prediction_std where there are any.
Json to_json(const Predictions& predictions, const RunConfig& config);
// num_samples, left_out, target, and output: the file that the predictions went to; "-": none, and
// they are in it as well.
Json summary(const Predictions& predictions, const PredictionData& data, const RunConfig& config,
             const std::string& output);

}  // namespace deepbio::train
