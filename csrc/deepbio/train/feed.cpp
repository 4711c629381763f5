#include "deepbio/train/feed.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "deepbio/base/error.h"
#include "deepbio/community/table.h"

namespace deepbio::train {

Tensor CountTarget::of(const Tensor& counts, const Tensor& mask) const {
  const Tensor real = mask.to(counts.scalar_type());
  if (kind == "relative")
    // Shares of what the model is shown, which is less than the sample where token_limit cuts it.
    return counts * real / (counts * real).sum(1, /*keepdim=*/true).clamp_min(1e-12);
  // Padding would become -min / range without the mask.
  if (kind == "minmax") return (counts - min) / (max - min) * real;
  return counts * real;
}

CountTarget fit_count_target(const std::string& kind, const data::SampleDataset& dataset,
                             const std::vector<int64_t>& samples) {
  CountTarget target{.kind = kind};
  if (kind == "relative" || kind == "raw") return target;
  if (kind != "minmax") {
    throw ConfigError("count target: expected relative, minmax or raw, got " + quoted(kind));
  }
  double low = std::numeric_limits<double>::infinity(), high = -low;
  const data::SampleDatasetOptions& options = dataset.options();
  const io::CountTable& table = dataset.table();
  for (const int64_t sample : samples) {
    const int64_t begin = table.indptr[sample], end = table.indptr[sample + 1];
    std::vector<double> reads(table.values.begin() + begin, table.values.begin() + end);
    if (options.rarefy_depth_reads > 0) {
      reads = community::rarefy_counts(
          reads, table.sample_ids[sample],
          {.depth_reads = options.rarefy_depth_reads, .seed = options.seed});
    }
    // Entries above 0 alone, as the smallest is that of an ASV that is there.
    for (const double value : reads) {
      if (value <= 0) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (!(low <= high)) throw ArgumentError("count target: expected samples with reads, got none");
  target.min = low;
  target.max = high - low < 1e-8 ? low + 1 : high;
  return target;
}

FeatureTensors on_device(const FeatureTensors& features, torch::Device device) {
  const auto there = [device](const Tensor& t) {
    return t.defined() ? t.to(device, t.scalar_type()) : t;
  };
  return {there(features.embeddings), there(features.identity)};
}

model::Inputs make_inputs(const data::SampleBatch& batch, const FeatureTensors& features) {
  model::Inputs inputs;
  inputs.asv_tokens = batch.asv_tokens;
  inputs.asv_index = batch.asv_index;
  inputs.mask = batch.mask;
  inputs.counts = batch.counts;
  inputs.categorical_ids = batch.categorical_ids;
  if (features.embeddings.defined()) {
    inputs.asv_embeddings = features.embeddings.index_select(0, batch.asv_features);
  }
  if (features.identity.defined())
    inputs.asv_identity = features.identity.index_select(0, batch.asv_features);
  return inputs;
}

LossTargets make_loss_targets(const data::SampleBatch& batch, const CountTarget& counts) {
  LossTargets targets;
  targets.target = batch.targets;
  targets.mask = batch.mask;
  targets.counts = counts.of(batch.counts, batch.mask);
  targets.base_target = batch.distances;
  targets.nucleotides = batch.asv_tokens;
  targets.nucleotide_weight =
      // [U]: the loss of a distinct ASV counts as often as the ASV does, as if each were encoded
      // anew.
      at::bincount(batch.asv_index.masked_select(batch.mask), {}, batch.asv_tokens.size(0))
          .to(at::kFloat);
  return targets;
}

}  // namespace deepbio::train
