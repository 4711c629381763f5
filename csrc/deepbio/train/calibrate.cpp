#include "deepbio/train/calibrate.h"

#include <torch/torch.h>

#include "deepbio/base/error.h"
#include "deepbio/train/predictor.h"

namespace deepbio::train {
namespace {

constexpr double kSmallestDeviation = 1e-6;

torch::Tensor parameter_ending_with(const model::AamModel& model, const std::string& ending) {
  for (const auto& item : model.named_parameters()) {
    if (item.key().ends_with(ending)) return item.value();
  }
  throw Error("calibration: the model has no parameter " + ending);
}

}  // namespace

void calibrate_asv_embeddings(model::AamModel& model, const data::SampleDataset& dataset) {
  if (dataset.sequences().size() < 2) {
    throw ArgumentError("calibration: expected at least two features, got " +
                        std::to_string(dataset.sequences().size()));
  }
  const torch::Tensor embeddings = encode_features(model, dataset);
  const torch::NoGradGuard no_grad;
  const torch::Tensor mean = embeddings.mean(0);
  const torch::Tensor deviation = embeddings.std(0, /*unbiased=*/false).clamp_min(kSmallestDeviation);
  torch::Tensor gain = parameter_ending_with(model, "asv_encoder.attention_pooling.norm.weight");
  torch::Tensor bias = parameter_ending_with(model, "asv_encoder.attention_pooling.norm.bias");
  bias.sub_(mean).div_(deviation);
  gain.div_(deviation);
  parameter_ending_with(model, "sample_position_embedding.position_embedding.weight").zero_();
}

}  // namespace deepbio::train
