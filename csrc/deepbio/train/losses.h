// AAM's four loss terms and their sum. Each is a function of tensors; Python calls the same ones.
//
// Axes: B samples, S ASVs per sample, U distinct ASVs, L positions, V vocabulary, D embedding, O
// outputs, Q quantiles, C classes. Every loss is a scalar.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/base/json.h"
#include "deepbio/base/options.h"
#include "deepbio/model/aam.h"

namespace deepbio::train {

using at::Tensor;

struct RegressionLoss;

struct LossOptions {
  double target_penalty = 1, count_penalty = 1, penalty = 1, nuc_penalty = 1;
  std::string target_loss_type = "huber";  // a name of the table in losses.cpp
  std::vector<double> quantiles{0.1, 0.5, 0.9};
  double over_penalty = 1, under_penalty = 1;  // asymmetric
  std::vector<double> class_weights;
  std::map<std::string, std::string> loss_config;  // output index -> a loss of single numbers
  OptionRows rows();
  const RegressionLoss& regression_loss() const;  // that target_loss_type names; throws ConfigError
  int64_t num_quantiles() const;  // outputs per number that the loss wants; 0: one plain number
  Json to_json() const;
  static LossOptions from_json(const Json& json);  // throws ConfigError
  void check() const;                              // throws ConfigError
};

// The place of the level whose quantile is the prediction: the one nearest 0.5, the lower of two.
int64_t nearest_to_median(const std::vector<double>& levels);

// What a loss wants the model to answer for each number.
enum class LossAnswer { kNumber, kQuantiles, kBins };

// A loss of numbers, what `loss_type` may be: a row in losses.cpp. Whoever has to know something of
// a loss asks its row.
struct RegressionLoss {
  const char* name;
  Tensor (*of)(const Tensor& prediction, const Tensor& target, const LossOptions& options);
  LossAnswer answer;
  bool is_per_column;                                // may stand in loss_config
  std::array<std::string_view, 2> own_options = {};  // that no other loss looks at
};
std::span<const RegressionLoss> regression_losses();
const RegressionLoss& loss_with_answer(LossAnswer answer);  // the first of them

// What the terms are measured against; an undefined tensor leaves its term at zero.
struct LossTargets {
  Tensor target;  // float [B, O] or int64 [B]
  // float [B, S], in the unit the count head predicts (relative abundance or min-max)
  Tensor counts;
  Tensor mask;               // bool [B, S]
  Tensor base_target;        // distances [B, B], or what base_prediction is compared with
  Tensor nucleotides;        // int64 [U, L], tokens before masking
  Tensor nucleotide_weight;  // float [U], how often each distinct ASV occurs; undefined: 1
  Tensor sample_weights;     // float [B]
};

struct LossTerms {
  Tensor target_loss, count_loss, unifrac_loss, nuc_loss, total_loss;  // scalars
};

// A term of the sum: its name in reports, where it stands and the option that weighs it.
struct LossTerm {
  const char* name;
  Tensor LossTerms::*value;
  double LossOptions::*weight;
};
std::span<const LossTerm> loss_terms();
// The weighted sum of the terms.
Tensor total_loss(const LossTerms& terms, const LossOptions& options);

// In training, where a model is several networks, the target loss is the mean of theirs.
LossTerms multi_task_loss(const model::Outputs& outputs, const LossTargets& targets,
                          const LossOptions& options, bool is_classifier,
                          const std::string& encoder_type);

// prediction [B, O] (quantile: [B, O, Q]), target [B, O]. throws ShapeError.
Tensor regression_loss(const Tensor& prediction, const Tensor& target, const LossOptions& options,
                       const Tensor& sample_weights = {});
// prediction: log-probabilities [B, C], target int64 [B]
Tensor classification_loss(const Tensor& prediction, const Tensor& target,
                           const Tensor& class_weights = {}, const Tensor& sample_weights = {});
// N / (classes that occur * samples of the class), 0 for one without samples: what makes classes
// count alike.
//   classes int64 [N]
std::vector<double> balanced_class_weights(const Tensor& classes, int64_t num_classes);
// Cross-entropy of a histogram head against a Gaussian around the target (model/distribution.h).
//   log_probabilities [B, C], target [B, 1], bin_edges [C + 1]
Tensor histogram_loss(const Tensor& log_probabilities, const Tensor& target,
                      const Tensor& bin_edges, const Tensor& sample_weights = {});
// mean over real ASVs of (prediction - counts)^2; prediction, counts [B, S], mask [B, S]
Tensor count_loss(const Tensor& prediction, const Tensor& counts, const Tensor& mask);
// Distances between embeddings: tanh(|z_i - z_j| / 10), zero diagonal.  z [B, D] -> [B, B]
Tensor embedding_distances(const Tensor& embeddings);
// Mean squared error over the strict upper triangle; 0 for B = 1. throws ShapeError.
Tensor unifrac_loss(const Tensor& embeddings, const Tensor& distances);
// Mean squared error over all elements; of faith_pd and taxonomy. throws ShapeError, ArgumentError
// for NaN in target.
Tensor base_loss(const Tensor& prediction, const Tensor& target);
// Cross-entropy over `where` and tokens > 0 (all real tokens when `where` is undefined), ASV u
// counted weight[u] times.
//   logits [..., L, V], tokens int64 and where bool [..., L], weight [...]
Tensor nucleotide_loss(const Tensor& logits, const Tensor& tokens, const Tensor& where,
                       const Tensor& weight = {});

}  // namespace deepbio::train
