// A trained model against labelled samples, beside the answer of a model that knows nothing.
//
// Used by `deepbio evaluate`; metrics are those of train/metrics.h. Threads: free functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deepbio/train/prediction_data.h"
#include "deepbio/train/predictor.h"
#include "deepbio/train/study.h"

namespace deepbio::train {

struct EvaluationRequest {
  std::string metadata;  // file with the truth
  std::string column;    // its column; "": the one the run was trained on
  std::string samples;   // file with ids; "": every sample of the table that has a value
  StudyOptions study;    // missing_samples and missing_values are looked at
};

struct Evaluation {
  std::string column;
  Json model;     // metrics by name, num_samples; of classes also their names and the confusion
  Json baseline;  // of the mean, or of the most frequent class, with `answer`; null: the run does
                  // not say
  int64_t num_trained_on = 0;  // of the samples, which flatter the model
  int64_t num_samples = 0;
};

// throws ArgumentError: a run without target, listed samples that have no reads or no value.
Evaluation evaluate(model::AamModel& model, const std::string& run, const RunConfig& config,
                    const PredictionData& data, const EvaluationRequest& request,
                    const PredictOptions& options = {});

}  // namespace deepbio::train
