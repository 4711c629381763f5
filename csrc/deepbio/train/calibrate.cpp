#include "deepbio/train/calibrate.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <span>

#include "deepbio/base/error.h"
#include "deepbio/model/functional.h"
#include "deepbio/train/feed.h"
#include "deepbio/train/predictor.h"

namespace deepbio::train {
namespace {

constexpr double kSmallestDeviation = 1e-6;
constexpr size_t kBatchSize = 64;

// By its ending: a predictor has the encoder under base_model., an encoder by itself.
torch::Tensor parameter_ending_with(const model::AamModel& model, const std::string& ending) {
  for (const auto& item : model.named_parameters()) {
    if (item.key().ends_with(ending)) return item.value();
  }
  throw Error("calibration: the model has no parameter " + ending);
}

}  // namespace

torch::Tensor calibrate_asv_embeddings(model::AamModel& model, const data::SampleDataset& dataset) {
  if (dataset.sequences().size() < 2) {
    throw ArgumentError("calibration: expected at least two features, got " +
                        std::to_string(dataset.sequences().size()));
  }
  const torch::Tensor embeddings = encode_features(model, dataset);
  const torch::NoGradGuard no_grad;
  const torch::Tensor mean = embeddings.mean(0);
  // By n, as the distinct ASVs are all of the table.
  const torch::Tensor deviation =
      embeddings.std(0, /*unbiased=*/false).clamp_min(kSmallestDeviation);
  torch::Tensor gain = parameter_ending_with(model, "asv_encoder.attention_pooling.norm.weight");
  torch::Tensor bias = parameter_ending_with(model, "asv_encoder.attention_pooling.norm.bias");
  // The norm gives gain * n + bias, and is to give (gain * n + bias - mean) / deviation.
  bias.sub_(mean).div_(deviation);
  gain.div_(deviation);
  // The order of ASVs in a sample says nothing; what positions add would only hide the embeddings.
  parameter_ending_with(model, "sample_position_embedding.position_embedding.weight").zero_();
  return (embeddings - mean)
      .div_(deviation);  // what the pooling norm, the last step of the encoder, now gives
}

void calibrate_abundance_pooling(model::AamModel& model, const data::SampleDataset& dataset,
                                 const std::vector<int64_t>& samples,
                                 const torch::Tensor& embeddings) {
  if (!model.is_predictor() || !model.config().abundance_pooling) return;
  if (samples.size() < 2) {
    throw ArgumentError("calibration: expected at least two samples, got " +
                        std::to_string(samples.size()));
  }
  const torch::Tensor features =
      embeddings.defined() ? embeddings : encode_features(model, dataset);
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> parts;
  for (size_t begin = 0; begin < samples.size(); begin += kBatchSize) {
    const size_t size = std::min(samples.size() - begin, kBatchSize);
    const data::SampleBatch batch =
        data::on_device(dataset.batch(std::span(samples).subspan(begin, size)), features.device());
    const model::Inputs inputs = make_inputs(batch, {features, {}});
    // [B, D] of each batch; all samples together are [N, D], which is small beside the ASVs.
    parts.push_back(model::functional::pool_by_abundance(inputs.asv_embeddings, inputs.asv_index,
                                                         inputs.mask, inputs.counts));
  }
  const torch::Tensor pooled = torch::cat(parts);
  const torch::Tensor deviation = pooled.std(0, /*unbiased=*/false).clamp_min(kSmallestDeviation);
  parameter_ending_with(model, "abundance_pooling.scale").copy_(deviation.reciprocal());
  parameter_ending_with(model, "abundance_pooling.shift").copy_(-pooled.mean(0) / deviation);
}

}  // namespace deepbio::train
