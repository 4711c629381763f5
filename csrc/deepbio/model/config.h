// Options of the model family. Names and defaults are those of AAM's constructors, so that its
// keywords build the same model here. What each means stands in its row in config.cpp; JSON,
// Python, the command and docs/options.md follow from the rows.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "deepbio/base/json.h"
#include "deepbio/base/options.h"

namespace deepbio::model {

struct ModelConfig {
  int64_t vocab_size = 7;       // pad 0, A 1, C 2, G 3, T 4, START 5, MASK 6
  int64_t embedding_dim = 128;  // D
  int64_t max_bp = 150;         // positions of an ASV, START not counted
  int64_t token_limit = 1024;   // most ASVs of a sample
  int64_t asv_num_layers = 2, asv_num_heads = 4, asv_intermediate_size = 0;  // 0: 4 D
  double asv_dropout = 0.1;
  int64_t sample_num_layers = 2, sample_num_heads = 4, sample_intermediate_size = 0;
  double sample_dropout = 0.1;
  int64_t encoder_num_layers = 2, encoder_num_heads = 4, encoder_intermediate_size = 0;
  double encoder_dropout = 0.1;
  int64_t count_num_layers = 2, count_num_heads = 4, count_intermediate_size = 0;
  double count_dropout = 0.1;
  int64_t target_num_layers = 2, target_num_heads = 4, target_intermediate_size = 0;
  double target_dropout = 0.1;
  std::string activation = "gelu";       // gelu (erf), gelu_tanh, relu
  std::string encoder_type = "unifrac";  // unifrac, faith_pd, taxonomy, combined
  int64_t base_output_dim = 0;           // of faith_pd and taxonomy; 0: embedding_dim
  bool predict_nucleotides = false;
  double nuc_mask_ratio = 0.15;
  std::string nuc_mask_strategy = "random";  // random, span
  bool count_embedding = false;
  std::string count_embedding_method = "add";  // add, concat, film
  // Of the predictor only:
  int64_t out_dim = 1;
  bool is_classifier = false;
  bool freeze_base = false;
  bool count_prediction = true;
  bool target_layer_norm = true;
  // Ours: the head also sees the mean ASV embedding, weighted by ln(count + 1)
  bool abundance_pooling = false;
  bool bounded_targets = false;
  bool learnable_output_scale = false;
  std::string output_activation = "none";  // none, relu, softplus, exp
  std::vector<int64_t> regressor_hidden_dims;
  double regressor_dropout = 0;
  bool residual_regression_head = false;
  int64_t num_quantiles = 0;  // 0: plain output
  // column -> categories + 1 (0 = unknown)
  std::map<std::string, int64_t> categorical_cardinalities;
  int64_t categorical_embed_dim = 16;
  std::string categorical_fusion = "concat";  // concat, add, gmu, cross-attention, perceiver
  double categorical_dropout = 0.1;
  int64_t cross_attn_heads = 8, perceiver_num_latents = 64, perceiver_num_layers = 2;
  std::vector<std::string> conditional_scaling_columns;
  // Ours: branches of the prediction beside or instead of AAM's transformer, each of num_members
  // networks (members.h).
  bool transformer_branch = true;  // AAM's own: target encoder, pooling, head
  int64_t num_known_asvs = 0;  // ASVs known from training, by their own weights; 0: no such branch
  // What is seen of them: log_presence, presence, levels.
  std::string known_inputs = "log_presence";
  int64_t known_hidden_dim = 512;
  double known_dropout = 0.5, known_input_dropout = 0.1;
  // The mean ASV embedding of a sample: also of ASVs that training never saw.
  bool sequence_branch = false;
  int64_t sequence_hidden_dim = 128;
  double sequence_dropout = 0.5, sequence_input_dropout = 0.1;
  int64_t num_bins = 0;  // of the histogram head of a regression; 0: a plain number
  int64_t num_members = 1;

  // The table of all options, over the fields of this config.
  OptionRows rows();
  Json to_json() const;
  // throws ConfigError: unknown name (with the nearest), wrong type, value out of range. Keywords
  // of AAM that change only speed (attn_implementation, asv_chunk_size, gradient_checkpointing) are
  // accepted and dropped; null is AAM's None and leaves the default. Names of older run directories
  // are understood.
  static ModelConfig from_json(const Json& json);
  // Whether known ASVs and pooled sequences are seen by how much of them there is, too.
  bool sees_abundance() const { return known_inputs != "presence"; }
  bool sees_log_abundance() const { return known_inputs == "log_presence"; }
  // Shares of the reads above which a known ASV is marked; 0 is presence.
  std::vector<double> known_levels() const;
  // Whether the prediction is AAM's alone, without members, histogram or mixture.
  bool is_plain() const;
  // throws ConfigError: values out of range, heads that do not divide embedding_dim, options that
  // do not go together.
  void check() const;
};

}  // namespace deepbio::model
