// Three fits, one after the other, on predictions of samples that the answering networks have not
// seen: a temperature for each branch, the weights between branches, and a bias for classes. Each
// is a search over a few values, as samples are few and a finer choice would fit their chance.
#include "deepbio/train/mixture.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <span>

#include "deepbio/base/random.h"
#include "deepbio/model/device.h"
#include "deepbio/model/distribution.h"
#include "deepbio/train/feed.h"
#include "deepbio/train/predictor.h"
#include "deepbio/train/start.h"

namespace deepbio::train {
namespace {

constexpr int64_t kWeightSteps = 20;

// In the order of SequencePredictorImpl::member_outputs.
std::vector<int64_t> members_of_branches(const model::ModelConfig& config) {
  std::vector<int64_t> members;
  if (config.num_known_asvs > 0) members.push_back(config.num_members);
  if (config.sequence_branch) members.push_back(config.num_members);
  if (config.transformer_branch) members.push_back(1);
  return members;
}

double cross_entropy(const torch::Tensor& log_probabilities, const torch::Tensor& truth) {
  return -(truth * log_probabilities).sum(-1).mean().item<double>();
}

// The temperature that makes one branch's probabilities right, between a quarter and four.
double best_temperature(const torch::Tensor& log_probabilities, const torch::Tensor& truth) {
  constexpr int kSteps = 16;
  double best = 1, least = std::numeric_limits<double>::infinity();
  for (int step = -kSteps; step <= kSteps; ++step) {
    // Steps of equal ratio, 4^(1/16) = 1.09 each.
    const double temperature = std::pow(4.0, static_cast<double>(step) / kSteps);
    const double loss = cross_entropy((log_probabilities / temperature).log_softmax(-1), truth);
    if (loss < least) best = temperature, least = loss;
  }
  return best;
}

// All ways to deal kWeightSteps steps to n branches.
// 21 ways for two branches, 231 for three: few enough to try them all.
void deal(int64_t branch, int64_t left, std::vector<int64_t>& parts,
          std::vector<std::vector<int64_t>>& out) {
  if (branch + 1 == static_cast<int64_t>(parts.size())) {
    parts[static_cast<size_t>(branch)] = left;
    out.push_back(parts);
    return;
  }
  for (int64_t part = 0; part <= left; ++part) {
    parts[static_cast<size_t>(branch)] = part;
    deal(branch + 1, left - part, parts, out);
  }
}

// Trains on the other folds and asks about this one.
class InnerFold {
 public:
  InnerFold(model::SequencePredictorImpl& whole, const TrainingOptions& options,
            const TrainerData& data)
      : whole_(whole), options_(options), data_(data), undisturbed_(data.train.undisturbed()) {
    // The inner trainer must not fit mixtures of its own.
    options_.calibration_folds = 0;
  }

  // False when a callback said stop.
  bool ask(const Split& split, uint64_t seed, const Callbacks& callbacks, HeldOut& out) {
    options_.seed = seed;
    model::ModelConfig config = whole_.config();
    // One member tells what its branch is worth, in a fraction of the time.
    config.num_members = 1;
    // What branches are worth shows over the encoder as it starts, in seconds.
    config.freeze_base = true;
    // ASVs known from this fold's training samples alone: no held-out sample has a say in them.
    config = fit_config(config, data_.train, split.train, options_.known_min_samples);
    if ((config.num_known_asvs > 0) != (whole_.config().num_known_asvs > 0))
      return true;  // too few samples to tell
    auto model = model::make_model(config, /*is_predictor=*/true, seed);
    model->to(model::device_of(whole_));
    copy_base(*model);
    start_predictor(*model, data_.train, split.train, options_.known_min_samples,
                    data_.features.embeddings);
    Trainer trainer(model, options_);
    trainer.set_features(data_.features);
    // The split holds nothing back, so that validation is not asked.
    if (trainer.fit(data_.train, data_.train, {split.train, {}, {}}, callbacks).interrupted)
      return false;
    collect(dynamic_cast<model::SequencePredictorImpl&>(*model), split.val, out);
    return true;
  }

 private:
  // The encoder as it stands in the whole model: calibrated or pretrained.
  void copy_base(model::AamModel& model) const {
    const torch::NoGradGuard no_grad;
    const auto from = whole_.named_parameters();
    for (auto& item : model.named_parameters()) {
      if (item.key().rfind("base_model.", 0) == 0) item.value().copy_(from[item.key()]);
    }
  }

  void collect(model::SequencePredictorImpl& model, const std::vector<int64_t>& samples,
               HeldOut& out) const {
    const torch::NoGradGuard no_grad;
    std::vector<torch::Tensor> branches, truth;
    if (out.branches.defined()) branches.push_back(out.branches), truth.push_back(out.truth);
    for (size_t begin = 0; begin < samples.size(); begin += kBatchSize) {
      const size_t size = std::min<size_t>(samples.size() - begin, kBatchSize);
      const data::SampleBatch batch = data::on_device(
          undisturbed_.batch(std::span(samples).subspan(begin, size)), model::device_of(model));
      const model::Outputs outputs =
          model.forward(make_inputs(batch, data_.features), {.skip_padding = true,
                                                             .predict_counts = false,
                                                             .embed_samples = false,
                                                             .return_members = true});
      branches.push_back(outputs.member_predictions.cpu());  // one member per branch
      truth.push_back(truth_of(outputs, batch.targets, model.config()).cpu());
    }
    out.branches = torch::cat(branches, 1);
    out.truth = torch::cat(truth);
  }

  static torch::Tensor truth_of(const model::Outputs& outputs, const torch::Tensor& target,
                                const model::ModelConfig& config) {
    if (config.is_classifier) return torch::one_hot(target, config.out_dim).to(torch::kFloat);
    if (config.num_bins > 0)
      return model::functional::soft_targets(target.squeeze(1), outputs.bin_edges);
    return target;
  }

  static constexpr size_t kBatchSize = 64;
  model::SequencePredictorImpl& whole_;
  TrainingOptions options_;
  const TrainerData& data_;
  const data::SampleDataset undisturbed_;
};

template <class T>
std::vector<T> chosen(const std::vector<T>& values, const std::vector<int64_t>& which) {
  std::vector<T> out;
  for (const int64_t i : which) out.push_back(values[static_cast<size_t>(i)]);
  return out;
}

void write(const BranchMixture& found, model::SequencePredictorImpl& model) {
  const torch::NoGradGuard no_grad;
  const std::vector<int64_t> members = members_of_branches(model.config());
  model::MixtureImpl& mixture = *model.mixture();
  int64_t at = 0;
  for (size_t branch = 0; branch < members.size(); ++branch) {
    // The weight of a branch is shared evenly by its members, which were not told apart.
    mixture.weight.narrow(0, at, members[branch])
        .fill_(found.weight[branch] / static_cast<double>(members[branch]));
    mixture.temperature.narrow(0, at, members[branch]).fill_(found.temperature[branch]);
    at += members[branch];
  }
}

}  // namespace

std::vector<int64_t> inner_folds(const std::vector<int64_t>& groups,
                                 const std::vector<int64_t>& classes, int64_t num_samples,
                                 int64_t num_folds, uint64_t seed) {
  std::vector<int64_t> fold(static_cast<size_t>(num_samples));
  CounterRandom random(seed, 0, 1, Purpose::kSplit);
  if (groups.empty()) {
    std::vector<int64_t> order = random_permutation(num_samples, random);
    if (!classes.empty()) {
      // By class after shuffling: dealing them out in turn gives each fold its share of every
      // class.
      std::stable_sort(order.begin(), order.end(),
                       [&](int64_t a, int64_t b) { return classes[a] < classes[b]; });
    }
    for (int64_t i = 0; i < num_samples; ++i) fold[order[i]] = i % num_folds;
    return fold;
  }
  // Largest groups first, each to the fold with the fewest samples so far; equal ones in random
  // order.
  std::map<int64_t, std::vector<int64_t>> members;
  for (int64_t i = 0; i < num_samples; ++i) members[groups[i]].push_back(i);
  std::vector<const std::vector<int64_t>*> all;
  for (const auto& [group, held] : members) all.push_back(&held);
  // Shuffled before the stable sort, so that groups of one size are dealt out in an order of
  // chance.
  const std::vector<int64_t> order = random_permutation(static_cast<int64_t>(all.size()), random);
  std::vector<const std::vector<int64_t>*> sorted = chosen(all, order);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](auto* a, auto* b) { return a->size() > b->size(); });
  std::vector<size_t> sizes(static_cast<size_t>(num_folds), 0);
  for (const auto* held : sorted) {
    const auto least = std::min_element(sizes.begin(), sizes.end()) - sizes.begin();
    sizes[static_cast<size_t>(least)] += held->size();
    for (const int64_t i : *held) fold[i] = least;
  }
  return fold;
}

BranchMixture best_mixture(const HeldOut& held_out, bool is_distribution) {
  const int64_t count = held_out.branches.size(0);
  BranchMixture best{std::vector<double>(count, 1.0 / static_cast<double>(count)),
                     std::vector<double>(count, 1.0)};
  if (is_distribution) {
    for (int64_t i = 0; i < count; ++i)
      best.temperature[i] = best_temperature(held_out.branches[i], held_out.truth);
  }
  const torch::Tensor temperature = torch::tensor(best.temperature, torch::kFloat);
  std::vector<std::vector<int64_t>> ways;
  std::vector<int64_t> parts(static_cast<size_t>(count));
  deal(0, kWeightSteps, parts, ways);
  double least = std::numeric_limits<double>::infinity();
  for (const std::vector<int64_t>& way : ways) {
    std::vector<double> weight;
    for (const int64_t part : way) weight.push_back(static_cast<double>(part) / kWeightSteps);
    const torch::Tensor w = torch::tensor(weight, torch::kFloat);
    const double loss =
        is_distribution
            ? cross_entropy(model::functional::mix_members(held_out.branches, w, temperature),
                            held_out.truth)
            : (torch::tensordot(w, held_out.branches, {0}, {0}) - held_out.truth)
                  .abs()
                  .mean()
                  .item<double>();
    if (loss < least) best.weight = weight, least = loss;
  }
  return best;
}

torch::Tensor best_class_bias(const torch::Tensor& log_probabilities,
                              const torch::Tensor& classes) {
  constexpr int kParts = 4;
  const int64_t num_classes = log_probabilities.size(1);
  const torch::Tensor counts = torch::bincount(classes, {}, num_classes).to(torch::kFloat);
  // A rare class is chosen more often with a bias of -log(rate), at a whole share as if all were
  // equally frequent. Half a sample is added, as a class may be missing.
  const torch::Tensor against_rates = -((counts + 0.5) / (counts + 0.5).sum()).log();
  torch::Tensor best = torch::zeros_like(against_rates);
  double most = -1;
  for (int part = 0; part <= kParts; ++part) {
    const torch::Tensor bias = against_rates * (static_cast<double>(part) / kParts);
    const torch::Tensor right = (log_probabilities + bias).argmax(-1).eq(classes).to(torch::kFloat);
    // Samples that are right, by class; over the classes' sizes it is their recall.
    const torch::Tensor hits = torch::bincount(classes, right, num_classes).to(torch::kFloat);
    const double balanced = (hits / counts.clamp_min(1)).sum().item<double>();
    if (balanced > most) best = bias, most = balanced;
  }
  return best;
}

bool fit_mixture(model::SequencePredictorImpl& model, const TrainingOptions& options,
                 const TrainerData& data, const Callbacks& callbacks) {
  const std::vector<int64_t>& samples = data.split.train;
  const model::ModelConfig& config = model.config();
  // Numbers by place among the training samples, as inner_folds counts them.
  const std::vector<int64_t> groups =
      data.split.groups.empty() ? std::vector<int64_t>() : chosen(data.split.groups, samples);
  std::vector<int64_t> classes;
  if (config.is_classifier) {
    for (const int64_t sample : samples)
      classes.push_back(data.train.targets()[sample].item<int64_t>());
  }
  const auto num_samples = static_cast<int64_t>(samples.size());
  const std::vector<int64_t> fold_of =
      inner_folds(groups, classes, num_samples, options.calibration_folds, options.seed);
  InnerFold inner(model, options, data);
  HeldOut held_out;
  for (int64_t fold = 0; fold < options.calibration_folds; ++fold) {
    Split split;
    for (int64_t i = 0; i < num_samples; ++i) {
      (fold_of[i] == fold ? split.val : split.train).push_back(samples[static_cast<size_t>(i)]);
    }
    if (split.val.empty() || split.train.size() < 2)
      continue;  // fewer groups or samples than folds
    Callbacks in_fold;
    if (callbacks.on_step) {
      in_fold.on_step = [&](StepReport report) {
        report.inner_fold = fold + 1;
        return callbacks.on_step(report);
      };
    }
    const uint64_t seed = options.seed + static_cast<uint64_t>(fold) + 1;
    if (!inner.ask(split, seed, in_fold, held_out)) return false;
  }
  if (!held_out.branches.defined()) return true;
  const BranchMixture found = best_mixture(held_out, config.is_classifier || config.num_bins > 0);
  write(found, model);
  if (config.is_classifier) {
    const torch::NoGradGuard no_grad;
    const torch::Tensor mixed = model::functional::mix_members(
        held_out.branches, torch::tensor(found.weight, torch::kFloat),
        torch::tensor(found.temperature, torch::kFloat));
    model.mixture()->class_bias.copy_(best_class_bias(mixed, held_out.truth.argmax(-1)));
  }
  return true;
}

}  // namespace deepbio::train
