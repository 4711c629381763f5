// The files of a study and of a prediction as options; what is done with them is decided in train/.
#pragma once

#include <cstdint>
#include <string>

#include <CLI/CLI.hpp>

#include "deepbio/train/prediction_data.h"
#include "deepbio/train/study.h"

namespace deepbio::tools {

// Declares table, sequences, tree and distances; of a predictor also metadata and its column.
void add_study_options(CLI::App& app, train::StudyFiles& files, bool is_predictor);

struct PredictionFiles {
  std::string model, table, sequences;
  std::string metadata;  // of the run's covariates, or ""
  int64_t passes = 1;    // more than one: another draw of reads in each
  void add_options(CLI::App& app);
};
// Says what is odd about the samples on stderr. throws what train::prediction_data and
// add_covariates throw; with_covariates false: the embeddings of samples do not see them.
train::PredictionData read_prediction_data(const PredictionFiles& files,
                                           const train::RunConfig& config, bool is_quiet,
                                           bool with_covariates = true);

}  // namespace deepbio::tools
