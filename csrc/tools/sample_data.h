// Files of a study to the datasets that `pretrain`, `train`, `predict`, `evaluate` and `embed` work on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/training_options.h"

#include "deepbio/data/datasets.h"
#include "deepbio/data/targets.h"
#include "deepbio/train/checkpoint.h"
#include "deepbio/train/prediction_data.h"
#include "deepbio/train/trainer.h"

namespace deepbio::tools {

// Takes a line for the log.
using Log = std::function<void(const std::string&)>;

struct StudyFiles {
  std::string table, sequences;  // sequences: FASTA for feature ids that are not DNA, or ""
  std::string tree, distances;   // "" when there is none
  std::string metadata, column;  // of a predictor
  void add_options(CLI::App& app, bool is_predictor);
};

// Samples ready to train on: with a target where there is one, deep enough, with distances.
struct Study {
  std::shared_ptr<const io::CountTable> table;
  std::unique_ptr<data::SampleDataset> train, val;  // the same samples; val has one fixed draw of reads
  train::Split split;
  std::optional<data::TargetCodec> codec;
  std::vector<double> values;       // targets of a regression, in table order
  std::vector<std::string> labels;  // of a classifier
  data::CategoricalEncoder categories;
  int64_t rarefy_depth_reads = 0;
  Json trained_on;  // for config.json
};

// throws what reading throws; ArgumentError when too few samples are left or the target is constant.
Study prepare_study(const StudyFiles& files, const TrainingSetup& setup, bool is_predictor, const Log& log);

struct PredictionFiles {
  std::string model, table, sequences;
  std::string metadata;  // of the run's covariates, or ""
  int64_t passes = 1;    // more than one: another draw of reads in each
  void add_options(CLI::App& app);
};
// Samples below the run's rarefaction depth are left out and logged. throws ArgumentError for a run with covariates
// where no metadata is given; with_covariates false: the embeddings of samples do not see them.
train::PredictionData prepare_prediction(const PredictionFiles& files, const train::RunConfig& config, const Log& log,
                                         bool with_covariates = true);

// Largest depth up to 5000 that keeps at least 90 % of the samples; at least 1.
int64_t auto_depth(const std::vector<double>& totals);

}  // namespace deepbio::tools
