#include "deepbio/train/cost.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include "deepbio/data/loader.h"

namespace deepbio::train {
namespace {

using Clock = std::chrono::steady_clock;

struct StackSize {
  int64_t layers, heads, width;  // width 0: 4 D
};

StackSize asv_stack(const model::ModelConfig& c) {
  return {c.asv_num_layers, c.asv_num_heads, c.asv_intermediate_size};
}

// The sizes of a stack on sequences of the given real lengths.
struct StackWork {
  double forward = 0, saved_bytes = 0;
};

// 8 D^2: query, key, value and output projections, 2 operations for each weight; 4 D F: both layers
// of the feed-forward; 4 T D: scores and their sum over T keys.
StackWork stack_work(const std::vector<int64_t>& lengths, const StackSize& size,
                     int64_t embedding_dim) {
  const auto d = static_cast<double>(embedding_dim),
             f = size.width > 0 ? static_cast<double>(size.width) : 4 * d;
  StackWork work;
  for (const int64_t length : lengths) {
    const auto t = static_cast<double>(length);
    work.forward += t * (8 * d * d + 4 * d * f + 4 * t * d);
    work.saved_bytes += 4 * t * (6 * d + f + static_cast<double>(size.heads) + 4);
  }
  work.forward *= static_cast<double>(size.layers);
  work.saved_bytes *= static_cast<double>(size.layers);
  return work;
}

std::vector<int64_t> lengths_of(const at::Tensor& real) {
  // Of a bool tensor the sum is int64.
  const at::Tensor lengths = real.sum(1).contiguous();
  return {lengths.data_ptr<int64_t>(), lengths.data_ptr<int64_t>() + lengths.numel()};
}

// Members on one sample: two products each way of their two layers.
double member_flops(const model::ModelConfig& c) {
  const double known_parts =
      static_cast<double>(c.known_levels().size()) + (c.sees_log_abundance() ? 1 : 0);
  const auto outputs = static_cast<double>(c.num_bins > 0 ? c.num_bins : c.out_dim);
  const auto net = [&](double inputs, int64_t hidden) {
    return 2 * static_cast<double>(c.num_members * hidden) * (inputs + outputs);
  };
  double flops = 0;
  if (c.num_known_asvs > 0)
    flops += net(known_parts * static_cast<double>(c.num_known_asvs), c.known_hidden_dim);
  if (c.sequence_branch)
    flops += net((c.sees_abundance() ? 2 : 1) * static_cast<double>(c.embedding_dim),
                 c.sequence_hidden_dim);
  return flops;
}

bool is_frozen(const model::ModelConfig& config, bool is_predictor) {
  return is_predictor && config.freeze_base;
}

// The batches of an epoch, in the trainer's order.
std::vector<std::vector<int64_t>> batches_of(const TrainingOptions& options,
                                             const std::vector<int64_t>& items, bool shuffle,
                                             uint64_t epoch = 0) {
  data::LoaderOptions loading;
  loading.batch_size = options.batch_size;
  loading.shuffle = shuffle;
  loading.seed = options.seed;
  return data::epoch_batches(items, loading, epoch);
}

double feature_flops(const data::SampleDataset& dataset, const model::ModelConfig& config) {
  std::vector<int64_t> lengths;
  for (const std::string& sequence : dataset.sequences()) {
    lengths.push_back(
        std::min<int64_t>(static_cast<int64_t>(sequence.size()), dataset.options().max_bp) + 1);
  }
  return stack_work(lengths, asv_stack(config), config.embedding_dim).forward;
}

}  // namespace

BatchCost batch_cost(const data::SampleBatch& batch, const model::ModelConfig& config,
                     bool is_predictor, const LossOptions& loss) {
  const std::vector<int64_t> asvs = lengths_of(batch.asv_tokens.gt(0)),
                             samples = lengths_of(batch.mask);
  const auto on_samples = [&](int64_t layers, int64_t heads, int64_t width) {
    return stack_work(samples, {layers, heads, width}, config.embedding_dim);
  };
  const StackWork encoded = stack_work(asvs, asv_stack(config), config.embedding_dim);
  const StackWork sample = on_samples(config.sample_num_layers, config.sample_num_heads,
                                      config.sample_intermediate_size);
  const StackWork encoder = on_samples(config.encoder_num_layers, config.encoder_num_heads,
                                       config.encoder_intermediate_size);
  StackWork heads;
  const auto add = [&heads](const StackWork& work) {
    heads.forward += work.forward, heads.saved_bytes += work.saved_bytes;
  };
  if (is_predictor) heads.forward += member_flops(config) * static_cast<double>(samples.size());
  if (is_predictor && config.transformer_branch) {
    add(on_samples(config.target_num_layers, config.target_num_heads,
                   config.target_intermediate_size));
  }
  const bool counts = is_predictor && config.count_prediction && loss.count_penalty > 0;
  if (counts)
    add(on_samples(config.count_num_layers, config.count_num_heads,
                   config.count_intermediate_size));
  const bool frozen = is_frozen(config, is_predictor);
  // Without a transformer branch the sample level of a frozen base is left out, and no ASV is
  // encoded again.
  const bool has_samples = !is_predictor || config.transformer_branch || counts;
  const double base =
      (has_samples ? sample.forward + encoder.forward : 0) + (frozen ? 0 : encoded.forward);
  const bool learns_nucleotides = config.predict_nucleotides && loss.nuc_penalty > 0 && !frozen;
  BatchCost cost;
  cost.forward = base + heads.forward;
  // Backward costs twice forward: a product for the inputs' gradient and one for the weights'.
  cost.train = (frozen ? 1 : 3) * base + 3 * heads.forward;
  // The nucleotide head is measured in a second pass over masked sequences (train/masked_bases).
  cost.validate = cost.forward + (learns_nucleotides ? base : 0);
  cost.saved_bytes = heads.saved_bytes +
                     (frozen ? 0 : encoded.saved_bytes + sample.saved_bytes + encoder.saved_bytes);
  cost.distinct_asvs = static_cast<int64_t>(asvs.size());
  for (const int64_t length : asvs) cost.asv_positions += length;
  for (const int64_t slots : samples) cost.asv_slots += slots;
  return cost;
}

RunCost run_cost(const model::AamModel& model, const TrainingOptions& options,
                 const data::SampleDataset& train, const data::SampleDataset& val,
                 const Split& split, int64_t most_batches) {
  const auto parts = batches_of(options, split.train, true),
             val_parts = batches_of(options, split.val, false);
  // Batches are made as in training, but nothing of the model runs.
  const auto look = [&](const data::SampleDataset& dataset,
                        const std::vector<std::vector<int64_t>>& batches) {
    std::vector<BatchCost> costs;
    for (size_t i = 0;
         i < std::min(batches.size(), static_cast<size_t>(std::max<int64_t>(most_batches, 1)));
         ++i) {
      costs.push_back(batch_cost(dataset.batch(batches[i]), model.config(), model.is_predictor(),
                                 options.loss));
    }
    return costs;
  };
  RunCost run;
  run.train_steps = static_cast<int64_t>(parts.size()),
  run.val_steps = static_cast<int64_t>(val_parts.size());
  run.epochs = budget_epochs(options, static_cast<int64_t>(split.train.size()));
  double asvs = 0, positions = 0, slots = 0, samples = 0, activations = 0, steps = 0,
         validation = 0;
  for (const BatchCost& cost : look(train, parts)) {
    asvs += static_cast<double>(cost.distinct_asvs),
        positions += static_cast<double>(cost.asv_positions);
    slots += static_cast<double>(cost.asv_slots), run.flops_per_step += cost.train;
    // Memory is that of the largest batch, time that of the mean one.
    activations = std::max(activations, cost.saved_bytes), ++steps;
  }
  for (size_t i = 0; i < static_cast<size_t>(steps); ++i)
    samples += static_cast<double>(parts[i].size());
  const std::vector<BatchCost> validated = look(val, val_parts);
  for (const BatchCost& cost : validated)
    validation += cost.validate / static_cast<double>(validated.size());
  run.distinct_asvs = asvs / steps, run.asv_length = positions / asvs,
  run.asv_slots = slots / samples;
  run.flops_per_step /= steps;
  run.flops_per_epoch = run.flops_per_step * static_cast<double>(run.train_steps) +
                        validation * static_cast<double>(run.val_steps);
  if (is_frozen(model.config(), model.is_predictor()))
    run.flops_once = feature_flops(train, model.config());
  int64_t parameters = 0;
  for (const auto& parameter : model.parameters()) parameters += parameter.numel();
  // Four floats for each parameter: itself, its gradient, and the two moments of Adam.
  run.memory_bytes = activations + 16.0 * static_cast<double>(parameters);
  return run;
}

double measure_rate(const std::shared_ptr<model::AamModel>& model, const TrainingOptions& options,
                    const data::SampleDataset& train, const data::SampleDataset& val,
                    const Split& split, double seconds) {
  constexpr int64_t kFewest = 3;
  TrainingOptions some = options;
  some.epochs = kFewest + 1;  // enough steps also where an epoch is one batch
  some.min_steps = some.calibration_folds = 0;
  double taken = 0;
  std::vector<double> rates;
  int64_t steps = 0;
  Clock::time_point last;
  Callbacks callbacks;
  callbacks.on_step = [&](const StepReport& report) {
    const auto now = Clock::now();
    // The first step allocates memory and starts threads, which a long run does once.
    if (steps++ > 0) {
      const auto epoch = static_cast<uint64_t>(report.epoch);
      // The batch is made again, as the report does not carry it; that time is taken out by `last`
      // below.
      const auto batches = batches_of(options, split.train, true, epoch);
      const data::SampleBatch batch = train.batch(batches[static_cast<size_t>(report.step)], epoch);
      const double seconds_of_step = std::chrono::duration<double>(now - last).count();
      taken += seconds_of_step;
      rates.push_back(
          batch_cost(batch, model->config(), model->is_predictor(), options.loss).train /
          std::max(seconds_of_step, 1e-9));
    }
    last = Clock::now();
    return steps > kFewest && taken >= seconds ? Control::kStop : Control::kContinue;
  };
  // The end of an epoch validates; that is not a step.
  callbacks.on_epoch = [&](const EpochReport&) {
    last = Clock::now();
    return Control::kContinue;
  };
  Trainer(model, some).fit(train, val, split, callbacks);
  // The middle one: a step with more ASVs than any before it takes new memory, which a long run
  // does not notice.
  std::nth_element(rates.begin(), rates.begin() + static_cast<int64_t>(rates.size() / 2),
                   rates.end());
  return rates[rates.size() / 2];
}

Json to_json(const RunCost& cost, double flops_per_second) {
  // Four significant digits: an estimate.
  const auto rounded = [](double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", value);
    return Json(std::strtod(text, nullptr));
  };
  constexpr double kGiga = 1e9;
  Json out = Json::object();
  out.set("steps_per_epoch", cost.train_steps);
  out.set("epochs", cost.epochs);
  out.set("distinct_asvs", rounded(cost.distinct_asvs));
  out.set("asv_length", rounded(cost.asv_length));
  out.set("asvs_per_sample", rounded(cost.asv_slots));
  out.set("gflop_per_step", rounded(cost.flops_per_step / kGiga));
  out.set("gflop_per_second", rounded(flops_per_second / kGiga));
  out.set("seconds_per_step", rounded(cost.flops_per_step / flops_per_second));
  out.set("seconds_per_epoch", rounded(cost.flops_per_epoch / flops_per_second));
  out.set("seconds", rounded(cost.flops() / flops_per_second));
  out.set("memory_gib", rounded(cost.memory_bytes / 1073741824.0));
  return out;
}

}  // namespace deepbio::train
