#include "deepbio/train/shared_pass.h"

#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "deepbio/model/device.h"

namespace deepbio::train {
namespace {

// What losses look at, and the axis of the samples.
constexpr std::pair<torch::Tensor model::Outputs::*, int64_t> kOfSamples[] = {
    {&model::Outputs::target_prediction, 0},  {&model::Outputs::target_distribution, 0},
    {&model::Outputs::member_predictions, 1}, {&model::Outputs::count_prediction, 0},
    {&model::Outputs::embeddings, 0},         {&model::Outputs::base_prediction, 0},
    {&model::Outputs::unifrac_pred, 0},       {&model::Outputs::faith_pred, 0},
    {&model::Outputs::tax_pred, 0},
};

// The same values with a gradient of their own.
torch::Tensor leaf_of(const torch::Tensor& values, const torch::Tensor& like) {
  return values.detach().set_requires_grad(torch::GradMode::is_enabled() && like.requires_grad());
}

torch::Tensor in_float32(const torch::Tensor& values) {
  return values.defined() ? values.to(torch::kFloat) : values;
}

}  // namespace

SharedPass::SharedPass(model::AamModel& model, const data::SampleBatch& whole,
                       const ProcessGroup& group, std::string mixed_precision)
    : model_(model), whole_(whole), group_(group), mixed_precision_(std::move(mixed_precision)) {}

SharedPass::Part SharedPass::part_of(int64_t size) const {
  const int64_t begin = size * group_.rank / group_.world_size;
  return {begin, size * (group_.rank + 1) / group_.world_size - begin};
}

// As the model's forward decides it.
bool SharedPass::reads_asvs(const model::ForwardOptions& options) const {
  const model::ModelConfig& config = model_.config();
  return !model_.is_predictor() || config.transformer_branch || config.sequence_branch ||
         options.return_nucleotides || options.embed_samples || options.return_sample_embeddings ||
         (options.predict_counts && config.count_prediction);
}

model::SequenceEncoderImpl& SharedPass::encoder() {
  if (auto* predictor = dynamic_cast<model::SequencePredictorImpl*>(&model_); predictor != nullptr)
    return *predictor->base_model();
  return dynamic_cast<model::SequenceEncoderImpl&>(model_);
}

void SharedPass::encode(const model::Inputs& whole, const model::ForwardOptions& options) {
  const Part part = part_of(whole.asv_tokens.size(0));
  const int64_t count = std::max<int64_t>(part.count, 1),
                // A process without a share encodes the last ASV: the model cannot run on none.
      begin = std::min(part.begin, whole.asv_tokens.size(0) - count);
  model::Inputs own;
  own.asv_tokens = whole.asv_tokens.narrow(0, begin, count);
  if (whole.hidden_bases.defined()) own.hidden_bases = whole.hidden_bases.narrow(0, begin, count);
  encoded_ = encoder().encode(own, options);
}

torch::Tensor SharedPass::gather(const torch::Tensor& own, int64_t axis, Part part,
                                 int64_t size) const {
  std::vector<int64_t> shape = own.sizes().vec();
  shape[static_cast<size_t>(axis)] = size;
  // Each row is one process's, and zero in the others, so the sum is exact in float.
  torch::Tensor all = torch::zeros(shape, own.options().dtype(torch::kFloat));
  all.narrow(axis, part.begin, part.count).copy_(own.detach().narrow(axis, 0, part.count));
  group_.all_reduce(all);
  return all.to(own.scalar_type());
}

// Every answer with this process's own, which has gradients, in its place.
void SharedPass::gather_samples(model::Outputs& outputs) const {
  const int64_t size = whole_.mask.size(0);
  const Part part = part_of(size);
  const int64_t end = part.begin + part.count;
  for (const auto& [value, axis] : kOfSamples) {
    torch::Tensor& own = outputs.*value;
    if (!own.defined()) continue;
    const torch::Tensor all = gather(own, axis, part, size);
    // Own rows are the tensors that autograd knows; those of the others are numbers.
    own = torch::cat({all.narrow(axis, 0, part.begin), own.narrow(axis, 0, part.count),
                      all.narrow(axis, end, size - end)},
                     axis);
  }
}

model::Outputs SharedPass::forward(const FeatureTensors& features,
                                   const torch::Tensor& hidden_bases,
                                   const model::ForwardOptions& options) {
  model::Outputs out;
  {
    // Ends before the losses, which are taken in float32.
    const model::Autocast cast(mixed_precision_, whole_.mask.device());
    out = answer(features, hidden_bases, options);
  }
  for (const auto& [value, axis] : kOfSamples) out.*value = in_float32(out.*value);
  out.nuc_predictions = in_float32(out.nuc_predictions);
  return out;
}

model::Outputs SharedPass::answer(const FeatureTensors& features, const torch::Tensor& hidden_bases,
                                  const model::ForwardOptions& options) {
  model::Inputs whole = make_inputs(whole_, features);
  whole.hidden_bases = hidden_bases;
  if (group_.is_alone()) return model_.forward(whole, options);
  const Part samples = part_of(whole_.mask.size(0));
  const data::SampleBatch own = data::part_of(whole_, samples.count > 0 ? samples.begin : 0,
                                              std::max<int64_t>(samples.count, 1));
  model::Inputs inputs = make_inputs(own, features);
  const bool encodes = reads_asvs(options) && !features.embeddings.defined();
  const int64_t num_asvs = whole_.asv_tokens.size(0);
  const Part asvs = part_of(num_asvs);
  if (encodes) {
    encode(whole, options);
    // A leaf between the two halves of the model: the loss leaves its gradient there, and
    // backward() sends it on into the encoder once it is that of all processes.
    embeddings_ =
        leaf_of(gather(encoded_.asv_embeddings, 0, asvs, num_asvs), encoded_.asv_embeddings);
    // Both are in the order of the table's features.
    inputs.asv_embeddings =
        embeddings_.index_select(0, torch::searchsorted(whole_.asv_features, own.asv_features));
  }
  model::Outputs out = model_.forward(inputs, options);
  gather_samples(out);
  if (!encodes || !encoded_.nuc_predictions.defined()) return out;
  nucleotides_ = leaf_of(encoded_.nuc_predictions, encoded_.nuc_predictions);
  const int64_t end = asvs.begin + asvs.count;
  const torch::Tensor all = gather(nucleotides_, 0, asvs, num_asvs);
  out.nuc_predictions =
      torch::cat({all.narrow(0, 0, asvs.begin), nucleotides_.narrow(0, 0, asvs.count),
                  all.narrow(0, end, num_asvs - end)});
  out.mask_indices = hidden_bases;
  return out;
}

void SharedPass::backward(const torch::Tensor& loss) {
  loss.backward();
  if (!embeddings_.defined() || !embeddings_.requires_grad()) return;
  const Part asvs = part_of(whole_.asv_tokens.size(0));
  std::vector<torch::Tensor> outputs, gradients;
  // All processes call all_reduce or none does, whatever each one's loss reached.
  if (group_.any(embeddings_.grad().defined())) {
    torch::Tensor sum =
        embeddings_.grad().defined() ? embeddings_.grad().clone() : torch::zeros_like(embeddings_);
    group_.all_reduce(sum);
    outputs.push_back(encoded_.asv_embeddings.narrow(0, 0, asvs.count));
    gradients.push_back(sum.narrow(0, asvs.begin, asvs.count));
  }
  if (nucleotides_.defined() && nucleotides_.grad().defined()) {
    outputs.push_back(encoded_.nuc_predictions);
    gradients.push_back(nucleotides_.grad());
  }
  // Both at once: the encoder's graph is walked through one time.
  if (!outputs.empty()) torch::autograd::backward(outputs, gradients);
}

torch::Tensor SharedPass::nucleotides(const torch::Tensor& tokens) {
  model::Inputs whole;
  whole.asv_tokens = tokens;
  const model::ForwardOptions options{.return_nucleotides = true, .skip_padding = true};
  const model::Autocast cast(mixed_precision_, tokens.device());
  if (group_.is_alone()) return in_float32(encoder().encode(whole, options).nuc_predictions);
  encode(whole, options);
  return in_float32(gather(encoded_.nuc_predictions, 0, part_of(tokens.size(0)), tokens.size(0)));
}

}  // namespace deepbio::train
