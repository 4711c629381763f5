// Each check is a mistake that would otherwise show after minutes or not at all: as a loss of 0, an
// option that did nothing, or a prediction that cannot reach the target. The order matters where
// one relies on another: sizes, then targets, then what is made of them.
#include "deepbio/train/checks.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "deepbio/base/error.h"
#include "deepbio/data/feature_sequences.h"
#include "deepbio/model/device.h"
#include "deepbio/train/metrics.h"
#include "deepbio/train/study.h"

namespace deepbio::train {
namespace {

class Checks {
 public:
  Checks(const model::ModelConfig& model, bool is_predictor, const TrainingOptions& options,
         const TrainingParts& parts)
      : model_(model),
        is_predictor_(is_predictor),
        options_(options),
        loss_(options.loss),
        parts_(parts) {}

  void go() const {
    // A device that is not there is told before anything is computed.
    (void)model::find_device(options_.device);
    check_split();
    check_sequences();
    if (is_predictor_) {
      check_targets(parts_.train, parts_.split.train, "training");
      check_targets(parts_.val, parts_.split.val, "validation");
      model_.is_classifier ? check_classes() : check_range();
    }
    check_best_metric();
    check_without_effect();
    check_quantiles();
    check_distances();
    check_something_to_learn();
  }

 private:
  void check_split() const {
    const bool needs_val = options_.best_metric != "last";  // a fixed budget chooses nothing
    if (parts_.split.train.empty() || (parts_.split.val.empty() && needs_val)) {
      throw ArgumentError("training: expected training and validation samples, got " +
                          std::to_string(parts_.split.train.size()) + " and " +
                          std::to_string(parts_.split.val.size()));
    }
    const auto check = [](const std::vector<int64_t>& items, const data::SampleDataset& dataset,
                          const char* what) {
      if (items.empty()) return;
      // Numbers of samples come from users of C++ and Python too, who split by themselves.
      const auto [least, most] = std::minmax_element(items.begin(), items.end());
      if (*least >= 0 && *most < dataset.size()) return;
      throw ArgumentError(std::string("training: expected ") + what + " samples 0 to " +
                          std::to_string(dataset.size() - 1) + ", got " +
                          std::to_string(*least < 0 ? *least : *most));
    };
    check(parts_.split.train, parts_.train, "training");
    check(parts_.split.val, parts_.val, "validation");
  }

  void check_sequences() const {
    // A predictor that knows ASVs by their identity alone reads no sequence, and may do without.
    const bool reads =
        !is_predictor_ || model_.is_plain() || model_.sequence_branch || model_.transformer_branch;
    const std::string without =
        data::without_sequence(parts_.train.table().feature_ids, parts_.train.sequences());
    if (!reads || without.empty()) return;
    throw ArgumentError("`missing_sequences=id`: the model reads sequences, but " + without +
                        "; give them with `sequences`");
  }

  static at::Tensor targets_of(const data::SampleDataset& dataset,
                               const std::vector<int64_t>& items) {
    return dataset.targets().index_select(0, at::tensor(items, at::kLong));
  }

  void check_targets(const data::SampleDataset& dataset, const std::vector<int64_t>& items,
                     const char* what) const {
    if (!dataset.targets().defined())
      throw ArgumentError("training: a predictor needs a dataset with targets");
    if (dataset.targets().is_floating_point() == model_.is_classifier) {
      throw ArgumentError(std::string("training: the targets are ") +
                          (model_.is_classifier ? "numbers" : "classes") + ", the model is for " +
                          (model_.is_classifier ? "classes" : "numbers") + "; see `is_classifier`");
    }
    const at::Tensor chosen = targets_of(dataset, items);
    // -1 and NaN are what a dataset has where a sample has no target.
    const at::Tensor known = model_.is_classifier ? chosen >= 0 : at::isfinite(chosen);
    if (known.all().item<bool>()) return;
    throw ArgumentError("training: expected a target for every sample, got none for " +
                        std::to_string(known.numel() - known.sum().item<int64_t>()) + " " + what +
                        " samples");
  }

  void check_classes() const {
    // Without a codec targets are class ids already, and only their range can be checked.
    if (parts_.codec) {
      const auto num_classes = static_cast<int64_t>(parts_.codec->classes().size());
      if (num_classes != model_.out_dim) {
        throw ArgumentError("training: the target has " + std::to_string(num_classes) +
                            " classes, the model " + std::to_string(model_.out_dim) +
                            " outputs (`out_dim`)");
      }
    }
    int64_t largest = targets_of(parts_.train, parts_.split.train).max().item<int64_t>();
    if (!parts_.split.val.empty()) {
      largest = std::max(largest, targets_of(parts_.val, parts_.split.val).max().item<int64_t>());
    }
    if (largest >= model_.out_dim) {
      throw ArgumentError("training: expected classes 0 to " + std::to_string(model_.out_dim - 1) +
                          ", got class " + std::to_string(largest) + "; see `out_dim`");
    }
    const auto num_weights = static_cast<int64_t>(loss_.class_weights.size());
    if (num_weights != 0 && num_weights != model_.out_dim) {
      throw ArgumentError("`class_weights`: expected one for each of " +
                          std::to_string(model_.out_dim) + " classes, got " +
                          std::to_string(num_weights));
    }
  }

  // What the last step of the network can answer must hold the scaled targets.
  void check_range() const {
    double low = -std::numeric_limits<double>::infinity(),
           high = std::numeric_limits<double>::infinity();
    if (model_.output_activation != "none" || model_.bounded_targets) low = 0;
    if (model_.bounded_targets) high = 1;
    const at::Tensor targets = targets_of(parts_.train, parts_.split.train);
    // Of the training samples: a held-out one beyond the range is what validation is to find out.
    const double least = targets.min().item<double>(), most = targets.max().item<double>();
    // Targets are float32, and minmax may give 1 + 1e-7.
    constexpr double kRounding = 1e-5;
    if (least >= low - kRounding && most <= high + kRounding) return;
    const std::string option = model_.bounded_targets
                                   ? "`bounded_targets`"
                                   : "`output_activation=" + model_.output_activation + "`";
    throw ArgumentError(option + " answers " +
                        (model_.bounded_targets ? "0 to 1" : "no number below 0") +
                        ", the scaled targets go from " + Json(least).dump() + " to " +
                        Json(most).dump() + "; `target_transform=minmax` fits");
  }

  void check_best_metric() const {
    const Metric* metric = find_metric(options_.best_metric);
    if (metric == nullptr) return;  // the validation loss
    const bool is_measured =
        // A metric that neither computes is measured by the trainer: the accuracy of hidden bases.
        metric->of_numbers == nullptr && metric->of_classes == nullptr
            ? model_.predict_nucleotides
            : is_predictor_ && (model_.is_classifier ? metric->of_classes != nullptr
                                                     : metric->of_numbers != nullptr);
    if (is_measured) return;
    throw ConfigError("`best_metric=" + options_.best_metric + "` is not measured " +
                      (!is_predictor_         ? "without a target"
                       : model_.is_classifier ? "for classes"
                                              : "in a regression"));
  }

  void check_without_effect() const {
    const auto refuse = [](bool is_idle, const std::string& option, const std::string& why) {
      if (is_idle) throw ConfigError(option + " has no effect " + why + "; leave it out");
    };
    const LossOptions plain;
    const bool is_regression = is_predictor_ && !model_.is_classifier;
    refuse(!loss_.class_weights.empty() && is_regression, "`class_weights`", "in a regression");
    refuse(options_.balanced_classes && !model_.is_classifier, "`balanced_classes`",
           "in a regression");
    if (options_.balanced_classes && !loss_.class_weights.empty()) {
      throw ConfigError(
          "`balanced_classes`: the training samples give the weights, so `class_weights` cannot");
    }
    const std::string& type = loss_.target_loss_type;
    refuse(model_.is_classifier && type != plain.target_loss_type, "`loss_type=" + type + "`",
           "for classes");
    refuse(model_.is_classifier && !loss_.loss_config.empty(), "`loss_config`", "for classes");
    const RegressionLoss& loss = loss_.regression_loss();
    const bool wants_bins = loss.answer == LossAnswer::kBins;
    // A histogram's answer is a place between its bins: scaling it afterwards would leave them.
    const bool scales = model_.bounded_targets || model_.output_activation != "none" ||
                        model_.learnable_output_scale;
    refuse(model_.num_bins > 0 && scales, "an option that scales or bounds the prediction",
           "with `loss_type=" + std::string(loss_with_answer(LossAnswer::kBins).name) + "`");
    // The loss and the head have to be of one kind: bins need log-probabilities, others a number.
    if (is_regression && wants_bins != (model_.num_bins > 0)) {
      throw ConfigError("`loss_type=" + type +
                        "` does not go with `num_bins=" + std::to_string(model_.num_bins) + "`");
    }
    // The options of a loss that is not chosen: a row says which are its own.
    for (const RegressionLoss& other : regression_losses()) {
      for (const std::string_view option : other.own_options) {
        if (option.empty() || &other == &loss) continue;
        refuse(differs(option), "`" + std::string(option) + "`",
               "without `loss_type=" + std::string(other.name) + "`");
      }
    }
  }

  // Whether an option of the loss is not as it is when nobody gives it.
  bool differs(std::string_view option) const {
    LossOptions given = loss_, plain;
    // Rows read the option by its name, so that a new option of a loss is compared without a line
    // here.
    return find_option(given.rows(), option)->get().dump() !=
           find_option(plain.rows(), option)->get().dump();
  }

  void check_quantiles() const {
    if (!is_predictor_ || loss_.num_quantiles() == 0) return;
    for (const double level : loss_.quantiles) {
      if (std::abs(level - 0.5) < 1e-9) return;
    }
    throw ConfigError(
        "`quantiles`: expected 0.5 among the levels, because the prediction is the median, got " +
        Json::array_of(loss_.quantiles).dump());
  }

  bool learns_distances() const {
    return loss_.penalty > 0 && parts_.train.has_distances() && !is_frozen();
  }
  bool is_frozen() const { return is_predictor_ && model_.freeze_base; }

  void check_distances() const {
    // Other encoders learn one number for a sample, and pairs do not matter.
    if (!learns_distances() || model_.encoder_type != "unifrac") return;
    check_model_distances(parts_.train);
    // A matrix of another dataset may be held back: both are looked at.
    check_model_distances(parts_.val);
    const community::Metric metric = parts_.train.options().metric;
    if (parts_.train.phylogeny() != nullptr &&
        (metric == community::Metric::kWeightedUnnormalized ||
         metric == community::Metric::kUnweightedUnnormalized)) {
      throw ArgumentError(
          "distances: " + std::string(community::to_string(metric)) +
          " has no upper end, the model's distances end at 1; use an unweighted or normalised "
          "`unifrac_metric`");
    }
    if (options_.batch_size < 2 || parts_.split.train.size() < 2) {
      throw ArgumentError(
          "`batch_size`: distances are learned from pairs of samples, expected at least 2 in a "
          "batch, got " +
          std::to_string(std::min<int64_t>(options_.batch_size,
                                           static_cast<int64_t>(parts_.split.train.size()))));
    }
  }

  void check_something_to_learn() const {
    const bool target = is_predictor_ && loss_.target_penalty > 0;
    const bool counts = is_predictor_ && model_.count_prediction && loss_.count_penalty > 0;
    const bool bases = model_.predict_nucleotides && loss_.nuc_penalty > 0 && !is_frozen();
    if (target || counts || bases || learns_distances()) return;
    if (!is_predictor_ && !parts_.train.has_distances() && !model_.predict_nucleotides) {
      throw ArgumentError(
          "training: nothing to learn: the dataset has no distances and the model no nucleotide "
          "head");
    }
    throw ArgumentError(
        "training: nothing to learn: the weight of every loss term is 0 (see `penalty`, "
        "`nuc_penalty`" +
        std::string(is_predictor_ ? ", `target_penalty`, `count_penalty`)" : ")"));
  }

  const model::ModelConfig& model_;
  bool is_predictor_;
  const TrainingOptions& options_;
  const LossOptions& loss_;
  const TrainingParts& parts_;
};

}  // namespace

void check_training(const model::ModelConfig& model, bool is_predictor,
                    const TrainingOptions& options, const TrainingParts& parts) {
  Checks(model, is_predictor, options, parts).go();
}

}  // namespace deepbio::train
