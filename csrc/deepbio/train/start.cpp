// Scale matters to a head that starts at zero: its gradient is as large as its inputs. So inputs
// are brought to a size once, from the training samples, and that is part of the model (its
// buffers).
#include "deepbio/train/start.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <numeric>
#include <span>
#include <unordered_map>

#include "deepbio/base/error.h"
#include "deepbio/model/device.h"
#include "deepbio/model/distribution.h"
#include "deepbio/model/known_asvs.h"
#include "deepbio/seq/encode.h"
#include "deepbio/train/feed.h"
#include "deepbio/train/predictor.h"

namespace deepbio::train {
namespace {

constexpr size_t kMostKnown = 20000;
constexpr int64_t kSamplesAtOnce = 64;
// Added to the deviation of a known ASV's input: rare ones stay small.
constexpr double kKnownFloor = 0.01;
// What the scaled inputs of known ASVs have over the training samples.
constexpr double kKnownRms = 0.1;
// Deviation of a pooled embedding below which it is noise, not signal.
constexpr double kSequenceFloor = 0.05;
constexpr double kSmallestShare = 1e-4;

// Mean and variance of each column over batches of rows.
class Columns {
 public:
  void add(const torch::Tensor& rows) {
    const torch::Tensor x = rows.to(torch::kDouble);
    sum_ = sum_.defined() ? sum_ + x.sum(0) : x.sum(0);
    squares_ = squares_.defined() ? squares_ + x.square().sum(0) : x.square().sum(0);
    count_ += static_cast<double>(x.size(0));
  }
  torch::Tensor mean() const { return sum_ / count_; }
  // In double, where the difference of two means of squares keeps its digits; not below 0 by
  // rounding.
  torch::Tensor variance() const { return (squares_ / count_ - mean().square()).clamp_min(0); }

 private:
  torch::Tensor sum_, squares_;
  double count_ = 0;
};

torch::Tensor targets_of(const data::SampleDataset& dataset, const std::vector<int64_t>& samples) {
  if (!dataset.targets().defined())
    throw ArgumentError("start: a predictor needs a dataset with targets");
  return dataset.targets().index_select(0, torch::tensor(samples, torch::kLong));
}

// The bias of a head whose answer is `mean` for every sample, by what follows the head.
torch::Tensor before_activation(const torch::Tensor& mean, const model::ModelConfig& config) {
  constexpr double kInside = 1e-3;
  // Away from the ends, where the inverse is infinite.
  if (config.bounded_targets) return mean.clamp(kInside, 1 - kInside).logit();
  if (config.output_activation == "softplus") return mean.clamp_min(kInside).expm1().log();
  if (config.output_activation == "exp") return mean.clamp_min(kInside).log();
  return mean;
}

torch::Tensor start_of_numbers(const torch::Tensor& targets, const model::ModelConfig& config,
                               const std::vector<double>& levels) {
  // One number: the mean, which has the least squared error of all constants.
  if (config.num_quantiles == 0) return before_activation(targets.mean(0), config);
  const torch::Tensor at = torch::tensor(levels, torch::kFloat);
  return torch::quantile(targets, at, /*dim=*/0).t().flatten();  // [O, Q] as the head gives it
}

torch::Tensor class_rates(const torch::Tensor& targets, int64_t num_classes) {
  // Half a sample for each class: one that these samples lack is unlikely, not impossible.
  const torch::Tensor counts = torch::bincount(targets, {}, num_classes).to(torch::kFloat) + 0.5;
  return counts / counts.sum();
}

// Bins whose first and last centre are the smallest and largest target.
torch::Tensor edges_of(const torch::Tensor& targets, int64_t num_bins) {
  const double low = targets.min().item<double>(), high = targets.max().item<double>();
  // A constant target has bins as well, so that the histogram is defined.
  const double width = std::max(high - low, 1e-6) / static_cast<double>(num_bins - 1);
  return torch::arange(num_bins + 1, torch::kDouble)
      .mul(width)
      .add(low - width / 2)
      .to(torch::kFloat);
}

class Start {
 public:
  Start(model::SequencePredictorImpl& model, const data::SampleDataset& dataset,
        const std::vector<int64_t>& samples)
      : model_(model),
        config_(model.config()),
        dataset_(dataset.undisturbed()),
        samples_(samples) {}

  void heads() {
    const torch::Tensor targets = targets_of(dataset_, samples_);
    if (config_.is_classifier) {
      model_.start_at(class_rates(targets, config_.out_dim).log());
    } else if (config_.num_bins > 0) {
      const torch::Tensor edges = edges_of(targets, config_.num_bins);
      model_.mixture()->bin_edges.copy_(edges);
      const torch::Tensor shares =
          model::functional::soft_targets(targets.squeeze(1), edges).mean(0);
      const torch::Tensor some = shares.clamp_min(kSmallestShare);
      // The distribution of the training targets: bins that none of them has are unlikely, not
      // impossible.
      model_.start_at((some / some.sum()).log());
    } else {
      std::vector<double> levels;
      for (int64_t q = 0; q < config_.num_quantiles; ++q) {
        // Evenly spaced: the model does not know the levels of its loss, and this is only where it
        // begins.
        levels.push_back(static_cast<double>(q + 1) /
                         static_cast<double>(config_.num_quantiles + 1));
      }
      model_.start_at(start_of_numbers(targets, config_, levels));
    }
  }

  void known_asvs(int64_t min_samples) {
    if (config_.num_known_asvs == 0) return;
    const torch::Tensor known = known_identities(dataset_, samples_, min_samples);
    torch::Tensor identities = model_.known_asvs()->identities();
    if (known.sizes() != identities.sizes()) {
      throw ArgumentError("start: the model has num_known_asvs " +
                          std::to_string(identities.size(0)) + ", these samples give " +
                          std::to_string(known.size(0)) + " known ASVs");
    }
    identities.copy_(known);
  }

  void scales(const torch::Tensor& embeddings, bool with_known) {
    const bool knows = with_known && config_.num_known_asvs > 0;
    const torch::Device device = model::device_of(model_);
    const torch::Tensor identity =
        knows ? feature_identities(dataset_).to(device) : torch::Tensor();
    Columns known, pooled;
    for (size_t begin = 0; begin < samples_.size(); begin += kSamplesAtOnce) {
      const size_t size = std::min<size_t>(samples_.size() - begin, kSamplesAtOnce);
      const data::SampleBatch batch =
          data::on_device(dataset_.batch(std::span(samples_).subspan(begin, size)), device);
      const model::Inputs inputs = make_inputs(batch, {embeddings, identity});
      if (knows) known.add(model_.known_inputs(inputs));
      if (config_.sequence_branch)
        pooled.add(model_.sequence_inputs(inputs, inputs.asv_embeddings));
    }
    if (knows) {
      // Divided by the square root of the deviation: an ASV that varies more counts more, though
      // not in full.
      const torch::Tensor variance = known.variance(),
                          scale = (variance.sqrt() + kKnownFloor).rsqrt();
      const torch::Tensor rms = (variance * scale.square()).mean().sqrt().clamp_min(1e-12);
      model_.known_branch()->set_standard(known.mean(), scale * (kKnownRms / rms));
    }
    if (config_.sequence_branch) {
      model_.sequence_branch()->set_standard(
          // The floor is added to the variance: an axis without signal is not blown up to size 1.
          pooled.mean(), (pooled.variance() + kSequenceFloor * kSequenceFloor).rsqrt());
    }
  }

 private:
  model::SequencePredictorImpl& model_;
  const model::ModelConfig& config_;
  const data::SampleDataset dataset_;
  const std::vector<int64_t>& samples_;
};

}  // namespace

torch::Tensor feature_identities(const data::SampleDataset& dataset) {
  // A part at a time, since tokens are 64-bit numbers.
  constexpr size_t kPart = 4096;
  const std::vector<std::string>& sequences = dataset.sequences();
  const torch::Tensor keys = model::functional::asv_keys(dataset.options().max_bp + 1);
  std::vector<torch::Tensor> parts{torch::empty({0}, torch::kLong)};
  for (size_t begin = 0; begin < sequences.size(); begin += kPart) {
    const size_t end = std::min(sequences.size(), begin + kPart);
    const std::vector<std::string_view> some(sequences.begin() + begin, sequences.begin() + end);
    const torch::Tensor tokens = seq::encode_aam_tokens(some, dataset.options().max_bp).values;
    parts.push_back(model::functional::asv_identity(tokens, keys));
  }
  return torch::cat(parts);
}

torch::Tensor known_identities(const data::SampleDataset& dataset,
                               const std::vector<int64_t>& samples, int64_t min_samples) {
  const torch::Tensor identity = feature_identities(dataset);
  const io::CountTable& table = dataset.table();
  // Features that agree in all bases that are read are one ASV; a sample counts once for it.
  struct Seen {
    int64_t samples = 0, last = -1;
  };
  std::unordered_map<int64_t, Seen> seen;
  for (const int64_t sample : samples) {
    for (int64_t entry = table.indptr[sample]; entry < table.indptr[sample + 1]; ++entry) {
      if (table.values[entry] <= 0) continue;
      // By identity rather than by feature: it is what the model will know them by.
      Seen& asv = seen[identity.data_ptr<int64_t>()[table.indices[entry]]];
      if (asv.last != sample) ++asv.samples;
      asv.last = sample;
    }
  }
  std::vector<std::pair<int64_t, int64_t>> found;  // samples (negative: most first), identity
  for (const auto& [which, asv] : seen) {
    if (asv.samples >= std::max<int64_t>(min_samples, 1)) found.emplace_back(-asv.samples, which);
  }
  // Ties by identity, so that the same table gives the same ASVs in any order of its features.
  std::sort(found.begin(), found.end());
  found.resize(std::min(found.size(), kMostKnown));
  std::vector<int64_t> identities;
  for (const auto& [count, which] : found) identities.push_back(which);
  // Rising, as known_columns searches them.
  std::sort(identities.begin(), identities.end());
  return torch::tensor(identities, torch::kLong);
}

model::ModelConfig fit_config(model::ModelConfig config, const data::SampleDataset& dataset,
                              const std::vector<int64_t>& samples, int64_t min_samples) {
  config.num_known_asvs =
      min_samples > 0 ? known_identities(dataset, samples, min_samples).size(0) : 0;
  return config;
}

void start_predictor(model::AamModel& model, const data::SampleDataset& dataset,
                     const std::vector<int64_t>& samples, int64_t min_samples,
                     const torch::Tensor& embeddings) {
  if (!model.is_predictor()) return;
  if (samples.size() < 2) {
    throw ArgumentError("start: expected at least two samples, got " +
                        std::to_string(samples.size()));
  }
  const torch::NoGradGuard no_grad;
  Start start(dynamic_cast<model::SequencePredictorImpl&>(model), dataset, samples);
  start.known_asvs(min_samples);
  const bool needs_embeddings = model.config().sequence_branch && !embeddings.defined();
  start.scales(needs_embeddings ? encode_features(model, dataset) : embeddings,
               /*with_known=*/true);
  start.heads();
}

void rescale_sequences(model::AamModel& model, const data::SampleDataset& dataset,
                       const std::vector<int64_t>& samples) {
  if (!model.is_predictor() || !model.config().sequence_branch) return;
  const torch::NoGradGuard no_grad;
  Start start(dynamic_cast<model::SequencePredictorImpl&>(model), dataset, samples);
  start.scales(encode_features(model, dataset), /*with_known=*/false);
}

}  // namespace deepbio::train
