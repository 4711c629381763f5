// A table read the way a run reads its data, for prediction, evaluation and embedding from any
// door.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "deepbio/data/datasets.h"
#include "deepbio/train/checkpoint.h"

namespace deepbio::train {

// redraw: another draw of reads in each epoch; otherwise the draw of epoch 0 always.
data::SampleDatasetOptions dataset_options(const DataConfig& data, uint64_t seed, bool redraw);

struct PredictionData {
  std::shared_ptr<const io::CountTable> table;  // samples deep enough, features with reads
  std::unique_ptr<data::SampleDataset> dataset;
  std::vector<int64_t> samples;       // all of them
  std::vector<std::string> left_out;  // samples with fewer reads than the run's rarefaction depth
  std::vector<std::string> notes;     // what to tell the user, a line each
};

// fasta_path: DNA of features whose ids are not DNA, or "".
// throws ArgumentError when no sample is deep enough, and what data::feature_sequences throws.
PredictionData prediction_data(const io::CountTable& whole, const RunConfig& config,
                               const std::string& fasta_path = "", bool redraw = false);

// Notes how many ASVs of the table the training samples of the run in this directory had:
// predictions on ASVs that no training sample had are guesses from their sequence alone. Nothing
// for runs that do not say which they had.
void note_unseen_asvs(PredictionData& data, const std::string& run);

// "3 of 9 ASVs are longer than `max_bp` 150 ...", or "".
std::string cut_note(const data::SampleDataset& dataset);

// The run's covariates of these samples, from the metadata; does nothing for a run without
// covariates. throws ArgumentError when the run has covariates and metadata_path is "".
void add_covariates(PredictionData& data, const RunConfig& config,
                    const std::string& metadata_path);

}  // namespace deepbio::train
