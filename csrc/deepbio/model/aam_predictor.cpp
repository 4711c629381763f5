// The predictor of model/aam.h; encoder, construction and copies stand in aam.cpp.
#include <ATen/Functions.h>

#include <tuple>
#include <utility>
#include <vector>

#include "deepbio/base/error.h"
#include "deepbio/model/aam.h"
#include "deepbio/model/distribution.h"
#include "deepbio/model/initialize.h"
#include "deepbio/model/known_asvs.h"

namespace deepbio::model {

namespace fn = functional;

namespace {

EncoderOptions count_stack(const ModelConfig& c) {
  return {c.count_num_layers,        c.count_num_heads, c.embedding_dim,
          c.count_intermediate_size, c.count_dropout,   fn::parse_activation(c.activation)};
}

EncoderOptions target_stack(const ModelConfig& c) {
  return {c.target_num_layers,        c.target_num_heads, c.embedding_dim,
          c.target_intermediate_size, c.target_dropout,   fn::parse_activation(c.activation)};
}

// What a head gives for one sample.
// A histogram has one number as its target, hence not times out_dim.
int64_t num_outputs(const ModelConfig& c) {
  if (c.num_bins > 0) return c.num_bins;
  return c.out_dim * (c.num_quantiles > 0 ? c.num_quantiles : 1);
}

torch::Tensor activate_output(const torch::Tensor& y, const std::string& activation) {
  if (activation == "relu") return y.relu();
  if (activation == "softplus") return at::softplus(y);
  if (activation == "exp") return y.exp();
  return y;
}

}  // namespace

SequencePredictorImpl::SequencePredictorImpl(ModelConfig config) : AamModel(std::move(config)) {
  const ModelConfig& c = config_;
  const int64_t dim = c.embedding_dim;
  // The order of registration is that of AAM's state dict; a checkpoint loads by name and shows in
  // this order.
  if (c.learnable_output_scale) {
    output_scale_ = register_parameter("output_scale", at::empty({c.out_dim}));
    output_bias_ = register_parameter("output_bias", at::empty({c.out_dim}));
  }
  base_model_ = register_module("base_model", SequenceEncoder(c));
  if (c.count_prediction) {
    count_encoder_ = register_module("count_encoder", TransformerEncoder(count_stack(c)));
    count_head_ = register_module("count_head", torch::nn::Linear(dim, 1));
  }
  if (c.transformer_branch) {
    target_encoder_ = register_module("target_encoder", TransformerEncoder(target_stack(c)));
    target_pooling_ = register_module("target_pooling", AttentionPooling(dim));
    if (c.target_layer_norm) {
      target_norm_ =
          register_module("target_norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim})));
    }
    // Weighs ASVs by how much of them there is, where the pooling above weighs by content.
    if (c.abundance_pooling) {
      abundance_pooling_ = register_module("abundance_pooling", AbundancePooling(dim));
    }
    target_head_ = register_module("target_head", TargetHead(c, num_outputs(c)));
  }
  if (!c.conditional_scaling_columns.empty()) {
    output_scales_ = register_module("output_scales", CategoryTables(c));
    output_biases_ = register_module("output_biases", CategoryTables(c));
  }
  if (!c.categorical_cardinalities.empty()) {
    const int64_t width =
        c.categorical_embed_dim * static_cast<int64_t>(c.categorical_cardinalities.size());
    categorical_embedder_ = register_module("categorical_embedder", CategoricalEmbedder(c));
    if (c.categorical_fusion == "gmu") {
      gmu_ = register_module("gmu", GatedFusion(dim, width));
    } else if (c.categorical_fusion == "cross-attention") {
      cross_attn_fusion_ = register_module("cross_attn_fusion", CrossAttentionFusion(c, width));
    } else if (c.categorical_fusion == "perceiver") {
      perceiver_fusion_ = register_module("perceiver_fusion", PerceiverFusion(c, width));
      // concat and add work on the ASV slots; without the transformer covariates go to the members
      // directly.
    } else if (c.transformer_branch) {
      const int64_t in = c.categorical_fusion == "concat" ? dim + width : width;
      categorical_projection_ =
          register_module("categorical_projection", torch::nn::Linear(in, dim));
    }
  }
  if (!c.is_plain()) register_branches();
  init_parameters(*this, seed_of_default_generator());
  // A frozen base asks for no gradient, so autograd records nothing below it.
  if (c.freeze_base) {
    for (auto& parameter : base_model_->parameters()) parameter.requires_grad_(false);
  }
}

torch::Tensor SequencePredictorImpl::encode_asvs(const torch::Tensor& asv_tokens) {
  return base_model_->encode_asvs(asv_tokens);
}

void SequencePredictorImpl::register_branches() {
  const ModelConfig& c = config_;
  const int64_t width =
      c.categorical_embed_dim * static_cast<int64_t>(c.categorical_cardinalities.size());
  const auto known_parts =
      static_cast<int64_t>(c.known_levels().size()) + (c.sees_log_abundance() ? 1 : 0);
  // Means over the ASVs that are there, and with abundance the same weighted by ln(count + 1).
  const int64_t pooled_parts = c.sees_abundance() ? 2 : 1;
  // The transformer answers once and is a member beside the others.
  int64_t members = c.transformer_branch ? 1 : 0;
  const auto add = [&](const char* name, int64_t inputs, int64_t hidden, double input_dropout,
                       double dropout) {
    members += c.num_members;
    const MemberNetsImpl::Size size{c.num_members,  inputs,        width,  hidden,
                                    num_outputs(c), input_dropout, dropout};
    return register_module(name, MemberNets(size));
  };
  if (c.num_known_asvs > 0) {
    known_asvs_ = register_module("known_asvs", KnownAsvs(c.num_known_asvs, c.max_bp));
    known_branch_ = add("known_branch", known_parts * c.num_known_asvs, c.known_hidden_dim,
                        c.known_input_dropout, c.known_dropout);
  }
  if (c.sequence_branch) {
    sequence_branch_ = add("sequence_branch", pooled_parts * c.embedding_dim, c.sequence_hidden_dim,
                           c.sequence_input_dropout, c.sequence_dropout);
  }
  // A mixture of no members has no weights that add up to 1.
  if (members == 0) {
    throw ConfigError(
        "model: expected a branch that predicts: transformer_branch, sequence_branch or known "
        "ASVs");
  }
  mixture_ = register_module("mixture", Mixture(c, members));
}

bool SequencePredictorImpl::needs_samples(const ForwardOptions& options) const {
  return config_.transformer_branch || options.embed_samples || options.return_sample_embeddings ||
         (options.predict_counts && config_.count_prediction);
}

Outputs SequencePredictorImpl::forward(const Inputs& inputs, const ForwardOptions& options) {
  // The sample level costs most of a step, so it runs only for what reads its output.
  const bool samples = needs_samples(options);
  const bool asvs = config_.sequence_branch || options.return_nucleotides;
  Outputs out =
      samples ? base_model_->forward(inputs, {.return_nucleotides = options.return_nucleotides,
                                              .return_sample_embeddings = true,
                                              .skip_padding = options.skip_padding})
      : asvs  ? base_model_->encode(inputs, options)
              : Outputs();
  const torch::Tensor base = out.base_embeddings;
  // Outputs keep [B, S, D] only for those who asked for it.
  if (!options.return_sample_embeddings) out.base_embeddings = torch::Tensor();
  if (!count_encoder_.is_empty() && options.predict_counts) {
    const torch::Tensor counted =
        count_head_->forward(count_encoder_->forward(base, inputs.mask, options.skip_padding));
    out.count_prediction = counted.squeeze(-1).sigmoid();
  }
  torch::Tensor categories, transformer;
  // A model with covariates takes samples without them: they count as unknown.
  if (!categorical_embedder_.is_empty() && !inputs.categorical_ids.empty()) {
    categories = categorical_embedder_->forward(inputs.categorical_ids);
  }
  // [B, outputs], one member of the mixture or the whole answer.
  if (config_.transformer_branch) transformer = transformer_output(inputs, base, categories, out);
  if (mixture_.is_empty()) {
    out.target_prediction = finish(transformer, inputs);
  } else {
    mix(member_outputs(inputs, out.asv_embeddings, categories, transformer), inputs,
        options.return_members, out);
  }
  return out;
}

void SequencePredictorImpl::start_at(const torch::Tensor& bias) {
  const torch::NoGradGuard no_grad;
  if (!target_head_.is_empty()) target_head_->start_at(bias);
  if (!known_branch_.is_empty()) known_branch_->start_at(bias);
  if (!sequence_branch_.is_empty()) sequence_branch_->start_at(bias);
}

torch::Tensor SequencePredictorImpl::known_inputs(const Inputs& inputs) const {
  if (!inputs.counts.defined())
    throw ArgumentError("counts: this model sees the reads of known ASVs, got none");
  if (!inputs.asv_identity.defined() && !inputs.asv_tokens.defined()) {
    throw ArgumentError(
        "asv_tokens: this model knows ASVs by their sequence, got none (nor asv_identity)");
  }
  // Features of a frozen encoder come with identities, computed once; tokens are hashed here.
  const torch::Tensor identity = inputs.asv_identity.defined()
                                     ? inputs.asv_identity
                                     : known_asvs_->identity_of(inputs.asv_tokens);
  return fn::known_asv_inputs(known_asvs_->columns_of(identity), inputs.asv_index, inputs.mask,
                              inputs.counts, known_asvs_->identities(),
                              config_.sees_log_abundance(), config_.known_levels());
}

torch::Tensor SequencePredictorImpl::sequence_inputs(const Inputs& inputs,
                                                     const torch::Tensor& asv_embeddings) const {
  const bool log_abundance = config_.sees_abundance();
  if (log_abundance && !inputs.counts.defined()) {
    throw ArgumentError("counts: this model pools sequences by abundance, got none");
  }
  return fn::pool_sequences(asv_embeddings, inputs.asv_index, inputs.mask, inputs.counts,
                            log_abundance);
}

torch::Tensor SequencePredictorImpl::member_outputs(const Inputs& inputs,
                                                    const torch::Tensor& asv_embeddings,
                                                    const torch::Tensor& categories,
                                                    const torch::Tensor& transformer) {
  std::vector<torch::Tensor> parts;
  if (!known_branch_.is_empty())
    parts.push_back(known_branch_->forward(known_inputs(inputs), categories));
  if (!sequence_branch_.is_empty()) {
    parts.push_back(sequence_branch_->forward(sequence_inputs(inputs, asv_embeddings), categories));
  }
  if (transformer.defined()) parts.push_back(transformer.unsqueeze(0));
  // Members of one width, [M, B, outputs]: known ASVs, sequences, transformer, in this order, as
  // the weights of the mixture are numbered.
  return parts.size() == 1 ? parts[0] : at::cat(parts);
}

void SequencePredictorImpl::mix(const torch::Tensor& members, const Inputs& inputs,
                                bool return_members, Outputs& out) {
  // In training each member is measured by itself: the loss of their mean would let them err in
  // opposite ways.
  const bool each = return_members || is_training();
  const MixtureImpl& mixture = *mixture_;
  if (config_.num_bins > 0) {
    out.bin_edges = mixture.bin_edges;
    out.target_distribution = fn::mix_members(members, mixture.weight, mixture.temperature);
    // The median, which minimises the absolute error that models are judged by.
    out.target_prediction =
        fn::distribution_quantile(out.target_distribution, mixture.bin_edges, 0.5).unsqueeze(1);
    if (each) out.member_predictions = members.log_softmax(-1);
    return;
  }
  const torch::Tensor finished = finish(members, inputs);
  if (each) out.member_predictions = finished;
  if (config_.is_classifier) {
    // Log-probabilities are logits as well.
    out.target_prediction = fn::mix_members(finished, mixture.weight, mixture.temperature);
  } else {
    // Numbers are averaged after their last step: the mean of what members answer, not of what they
    // feed it. Autocast leaves answers in a shorter type than weights.
    const torch::Tensor answers = finished.scalar_type() == mixture.weight.scalar_type()
                                      ? finished
                                      : finished.to(mixture.weight.scalar_type());
    out.target_prediction = at::tensordot(mixture.weight, answers, {0}, {0});
  }
}

torch::Tensor SequencePredictorImpl::transformer_output(const Inputs& inputs,
                                                        const torch::Tensor& base_embeddings,
                                                        const torch::Tensor& categories,
                                                        Outputs& out) {
  torch::Tensor pooled = pool_target(inputs, base_embeddings, categories, out);
  // Abundance and covariates are added after the norm, which would rescale them with the rest.
  if (!target_norm_.is_empty()) pooled = target_norm_->forward(pooled);
  if (!abundance_pooling_.is_empty()) {
    pooled = pooled + abundance_pooling_->forward(out.asv_embeddings, inputs.asv_index, inputs.mask,
                                                  inputs.counts);
  }
  if (categories.defined() && !gmu_.is_empty()) {
    std::tie(pooled, out.gmu_gate) = gmu_->forward(pooled, categories);
  }
  return target_head_->forward(pooled);
}

torch::Tensor SequencePredictorImpl::pool_target(const Inputs& inputs,
                                                 const torch::Tensor& base_embeddings,
                                                 const torch::Tensor& categories, Outputs& out) {
  torch::Tensor x = base_embeddings;
  if (categories.defined() && !perceiver_fusion_.is_empty()) {
    // The latents' mean is the sample already: neither target encoder nor pooling comes after it.
    fn::Fused fused = perceiver_fusion_->forward(x, inputs.mask, categories);
    out.perceiver_attn_weights = fused.attention;
    return fused.values;
  }
  if (categories.defined() && !cross_attn_fusion_.is_empty()) {
    fn::Fused fused = cross_attn_fusion_->forward(x, categories);
    out.cross_attn_weights = fused.attention;
    x = fused.values;
  }
  if (categories.defined() && !categorical_projection_.is_empty()) {
    const fn::LinearWeights projection{categorical_projection_->weight,
                                       categorical_projection_->bias};
    x = config_.categorical_fusion == "concat" ? fn::fuse_concat(x, categories, projection)
                                               : fn::fuse_add(x, categories, projection);
  }
  return target_pooling_->forward(target_encoder_->forward(x, inputs.mask, /*skip_padding=*/true),
                                  inputs.mask);
}

torch::Tensor SequencePredictorImpl::finish(torch::Tensor y, const Inputs& inputs) {
  // [.., O * Q] to [.., O, Q]. Scales and activations are for plain numbers.
  if (config_.num_quantiles > 0) return y.unflatten(-1, {config_.out_dim, config_.num_quantiles});
  for (const std::string& column : config_.conditional_scaling_columns) {
    const auto ids = inputs.categorical_ids.find(column);
    // Inputs without the covariate keep the answer as it is.
    if (ids == inputs.categorical_ids.end()) continue;
    y = fn::conditional_scale(y, ids->second, output_scales_->weight(column),
                              output_biases_->weight(column));
  }
  // Before the activation, so that a bounded answer stays bounded.
  if (output_scale_.defined()) y = y * output_scale_ + output_bias_;
  // Log-probabilities, which nll_loss takes and exp makes probabilities of without overflow.
  if (config_.is_classifier) return y.log_softmax(-1);
  if (config_.bounded_targets) return y.sigmoid();
  return activate_output(y, config_.output_activation);
}

}  // namespace deepbio::model
