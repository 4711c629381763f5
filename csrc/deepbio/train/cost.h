// What a training run will cost: floating-point operations from the shapes of its batches, time
// from a measured rate.
//
// A layer of width D and feed-forward width F on a sequence of T real positions takes T (8 D^2 + 4
// D F + 4 T D) operations forward, and three times that in a training step. A step runs the ASV
// stack on each distinct ASV and the stacks of the sample level on each sample; embeddings, norms,
// heads and losses are left out (a percent or two). docs/performance.md compares the figures with
// times. Threads: measure_rate trains, the others are const.
#pragma once

#include <cstdint>
#include <memory>

#include "deepbio/base/json.h"
#include "deepbio/train/trainer.h"

namespace deepbio::train {

// Work on one batch, in floating-point operations.
struct BatchCost {
  double forward = 0;  // without nucleotides
  double train = 0;    // a training step
  // Forward, and a second time through the ASV stack where nucleotides are learned.
  double validate = 0;
  double saved_bytes = 0;  // what the stacks keep from forward to backward
  int64_t distinct_asvs = 0, asv_positions = 0, asv_slots = 0;
};
BatchCost batch_cost(const data::SampleBatch& batch, const model::ModelConfig& config,
                     bool is_predictor, const LossOptions& loss);

struct RunCost {
  int64_t train_steps = 0, val_steps = 0, epochs = 0;  // steps of an epoch
  double distinct_asvs = 0, asv_length = 0,
         asv_slots = 0;  // means over training batches; slots: real, of a sample
  double flops_per_step = 0, flops_per_epoch = 0;  // an epoch with its validation
  double flops_once = 0;                           // embeddings of all features over a frozen base
  // Weights, gradients, moments, and the activations of the largest batch looked at.
  double memory_bytes = 0;
  double flops() const { return flops_once + flops_per_epoch * static_cast<double>(epochs); }
};
// Looks at batches of the first epoch, `most_batches` at most of each part. Patience is not
// foreseen.
RunCost run_cost(const model::AamModel& model, const TrainingOptions& options,
                 const data::SampleDataset& train, const data::SampleDataset& val,
                 const Split& split, int64_t most_batches = 200);

// Operations per second of this process: trains on the first batches for about `seconds`, at least
// three steps after the first, which is not counted. The model's weights change.
double measure_rate(const std::shared_ptr<model::AamModel>& model, const TrainingOptions& options,
                    const data::SampleDataset& train, const data::SampleDataset& val,
                    const Split& split, double seconds = 5);

// By name, with seconds_per_step, seconds_per_epoch and seconds at the given rate.
Json to_json(const RunCost& cost, double flops_per_second);

}  // namespace deepbio::train
