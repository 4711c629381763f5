// How much each branch of a predictor is trusted, how sure its probabilities are, and where a class
// is chosen: fitted to training samples that the networks asked about them have not seen, never to
// validation or test samples.
//
// The training samples are split into a few inner folds (whole groups, where groups are given;
// classes in like shares). For each fold a model with one member per branch is trained on the rest
// and predicts it. A temperature per branch and the weights between branches then are those of the
// smallest loss over all these predictions (Guo, Pleiss, Sun & Weinberger 2017 for the
// temperature).
#pragma once

#include <vector>

#include "deepbio/train/trainer.h"

namespace deepbio::train {

// The inner fold 0..num_folds-1 of each sample.
//   groups   of each sample, or empty; a group is never split
//   classes  of each sample, or empty; without groups each class is dealt out in turn
std::vector<int64_t> inner_folds(const std::vector<int64_t>& groups,
                                 const std::vector<int64_t>& classes, int64_t num_samples,
                                 int64_t num_folds, uint64_t seed);

// What the branches said of samples they had not seen.
struct HeldOut {
  torch::Tensor branches;  // [n, N, C] log-probabilities, or numbers [n, N, O]
  torch::Tensor truth;     // [N, C] shares of classes or bins, or numbers [N, O]
};
struct BranchMixture {
  std::vector<double> weight, temperature;  // [n]; weights sum to 1
};
// The mixture of the smallest loss: cross-entropy, or mean absolute error of numbers. Weights in
// steps of 0.05.
BranchMixture best_mixture(const HeldOut& held_out, bool is_distribution);

// What is added to log-probabilities [N, C] where a class is chosen: a share 0, 1/4, ... 1 of
// -log(rate) of each class, the one of the highest balanced accuracy on these samples (the smallest
// share among equals).
torch::Tensor best_class_bias(const torch::Tensor& log_probabilities, const torch::Tensor& classes);

// Fits the mixture of a started predictor that has one. False when a callback said stop.
bool fit_mixture(model::SequencePredictorImpl& model, const TrainingOptions& options,
                 const TrainerData& data, const Callbacks& callbacks);

}  // namespace deepbio::train
