// A few samples whose target is carried by which ASVs they hold: what trainer and predictor tests
// learn from.
#pragma once

#include <torch/types.h>
#include <torch/utils.h>

#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "deepbio/base/random.h"
#include "deepbio/data/datasets.h"
#include "deepbio/model/aam.h"
#include "deepbio/train/trainer.h"

namespace deepbio::train {

// One thread while a test trains: the models are too small for more, and sums then have one order.
struct OneThread {
  int before = at::get_num_threads();
  OneThread() { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(before); }
};

struct SmallCommunity {
  OneThread one_thread;
  std::shared_ptr<const io::CountTable> table;
  std::vector<std::string> sequences;
  torch::Tensor targets, classes, distances;
  std::vector<int64_t> samples;

  // Even samples hold the first half of the features and the target -1, odd ones the second half
  // and +1.
  explicit SmallCommunity(int64_t num_samples = 12, int64_t num_features = 8) {
    CounterRandom random(7, 0, 0, Purpose::kSimulate);
    auto counts = std::make_shared<io::CountTable>();
    for (int64_t feature = 0; feature < num_features; ++feature) {
      std::string dna;
      for (int base = 0; base < 20; ++base) dna += "ACGT"[random.below(4)];
      counts->feature_ids.push_back(dna);
      sequences.push_back(dna);
    }
    targets = torch::empty({num_samples, 1});
    classes = torch::empty({num_samples}, torch::kLong);
    for (int64_t sample = 0; sample < num_samples; ++sample) {
      const int64_t side = sample % 2, half = num_features / 2;
      counts->sample_ids.push_back(std::string("s").append(std::to_string(sample)));
      for (int64_t feature = side * half; feature < (side + 1) * half; ++feature) {
        counts->indices.push_back(feature);
        counts->values.push_back(static_cast<double>(20 + random.below(40)));
      }
      counts->indptr.push_back(static_cast<int64_t>(counts->indices.size()));
      targets[sample][0] = side == 0 ? -1.0 : 1.0;
      classes[sample] = side;
    }
    distances = torch::cdist(targets, targets).clamp_max(0.8);
    table = counts;
    samples.resize(static_cast<size_t>(num_samples));
    std::iota(samples.begin(), samples.end(), 0);
  }

  data::SampleDataset dataset(bool redraw, int64_t depth = 50) const {
    data::SampleDatasetOptions options;
    options.max_bp = 20;
    options.token_limit = 8;
    options.rarefy_depth_reads = depth;
    options.redraw_each_epoch = redraw;
    data::SampleDataset out(table, sequences, options);
    out.set_targets(targets);
    out.set_distances(distances);
    return out;
  }
};

inline model::ModelConfig small_model() {
  model::ModelConfig config;
  config.embedding_dim = 16;
  config.max_bp = 20;
  config.token_limit = 8;
  config.asv_num_layers = config.sample_num_layers = config.encoder_num_layers = 1;
  config.count_num_layers = config.target_num_layers = 1;
  config.asv_num_heads = config.sample_num_heads = config.encoder_num_heads = 2;
  config.count_num_heads = config.target_num_heads = 2;
  config.predict_nucleotides = true;
  return config;
}

// Several networks over known ASVs and pooled sequences.
inline model::ModelConfig small_members() {
  model::ModelConfig config = small_model();
  config.predict_nucleotides = config.count_prediction = config.transformer_branch = false;
  config.sequence_branch = true;
  config.known_hidden_dim = config.sequence_hidden_dim = 16;
  config.num_members = 2;
  return config;
}

// What it answers in training depends on its inputs alone: threads that stand for processes share
// torch's generator.
inline model::ModelConfig small_model_without_chance() {
  model::ModelConfig config = small_model();
  config.asv_dropout = config.sample_dropout = config.encoder_dropout = 0;
  config.count_dropout = config.target_dropout = config.nuc_mask_ratio = 0;
  return config;
}

inline std::shared_ptr<model::AamModel> small_predictor(model::ModelConfig config = small_model()) {
  auto model = model::make_model(config, /*is_predictor=*/true);
  model::init_parameters(*model, 3);
  return model;
}

inline TrainingOptions small_training(int64_t epochs) {
  TrainingOptions options;
  options.epochs = epochs;
  options.batch_size = 4;
  options.lr = 3e-3;
  options.patience = 0;
  options.loader_threads = 0;
  return options;
}

}  // namespace deepbio::train
