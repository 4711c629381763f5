// The rows of TrainingOptions: everything that is said of an option (help, range, names of before)
// is said here, and flags, JSON, Python's keywords and docs/options.md follow.
#include <algorithm>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/model/device.h"
#include "deepbio/train/metrics.h"
#include "deepbio/train/schedule.h"
#include "deepbio/train/trainer.h"

namespace deepbio::train {

OptionRows TrainingOptions::rows() {
  return {
      {"epochs", &epochs, "Passes over the training samples", at_least(1)},
      {"min_steps", &min_steps,
       "Steps of the optimizer at least: few samples get more epochs, 200 at most", at_least(0)},
      {"batch_size", &batch_size, "Samples per step; memory grows with it", at_least(1)},
      {"optimizer", &optimizer, "What turns gradients into steps; sgd has momentum 0.9",
       one_of({"adamw", "adam", "sgd"})},
      {"lr", &lr, "Highest learning rate", above(0)},
      {"weight_decay", &weight_decay,
       "Of all parameters: decoupled for adamw, in the gradient for the others", at_least(0)},
      {"beta2", &beta2, "Of adamw and adam: how long squared gradients are remembered",
       inside_unit()},
      OptionRow{"base_lr_factor", &base_lr_factor,
                "Learning rate of the encoder, as a share of `lr`", above(0)}
          .for_predictor(),
      OptionRow{"unfreeze_from", &unfreeze_from,
                "The encoder stays as it is before this share of the steps", below_one()}
          .for_predictor(),
      {"warmup_steps", &warmup_steps,
       "Steps in which warmup_cosine rises to the highest learning rate, at most a tenth of all",
       at_least(0)},
      {"patience", &patience, "Epochs without a better value before stopping; 0: never stop early",
       at_least(0)},
      {"max_grad_norm", &max_grad_norm,
       "Clip gradients to this norm, an encoder with a rate of its own apart; 0: do not",
       at_least(0)},
      {"gradient_accumulation_steps", &gradient_accumulation_steps,
       "Batches per step of the optimizer", at_least(1)},
      {"scheduler", &scheduler, "What the learning rate does, update by update",
       one_of(schedule_names())},
      // On the command line --seed stands beside --threads: it is every command's.
      OptionRow{"seed", &seed, "Of weights, order, draws, dropout and masks", at_least(0)}
          .not_on_command(),
      OptionRow{"num_workers", &loader_threads, "Threads that make batches ahead; 0: none",
                at_least(0)}
          .formerly("loader_threads"),
      OptionRow{"count_target", &count_target,
                "What the count head predicts: reads / total of the sample, AAM's min-max over the "
                "table, or reads",
                one_of({"relative", "minmax", "raw"})}
          .for_predictor(),
      {"best_metric", &best_metric,
       "What makes an epoch the best one; measured on the samples held back",
       one_of(best_metric_names())},
      OptionRow{"balanced_classes", &balanced_classes,
                "Weigh each class by N / (classes * its training samples), as scikit-learn's "
                "class_weight=balanced"}
          .for_predictor(),
      {"max_skipped_steps", &max_skipped_steps,
       "Steps in a row that are passed over because a loss or gradient is NaN or infinite, before "
       "training stops",
       at_least(0)},
      {"save_steps", &save_steps,
       "Steps of the optimizer between states on disk within an epoch; 0: at ends of epochs and "
       "when stopped",
       at_least(0)},
      model::device_row(device),
      {"mixed_precision", &mixed_precision,
       "Products in a shorter type by autocast; weights, sums and losses stay in float32. fp16 "
       "scales "
       "the loss, so that small gradients are not lost",
       one_of({"no", "bf16", "fp16"})},
      {"tf32", &tf32, "Let a GPU round the factors of float32 products to 10 bits"},
      {"average_from", &average_from,
       "The model ends as the mean of its weights from this share of the steps on; 1: the last "
       "weights",
       from_to(0, 1)},
      OptionRow{"known_min_samples", &known_min_samples,
                "An ASV of so many training samples gets weights of its own; 0: none does",
                at_least(0)}
          .for_predictor(),
      OptionRow{"calibration_folds", &calibration_folds,
                "Inner folds of the training samples that weigh the branches of a prediction; 0: "
                "equal weights",
                at_least(0)}
          .for_predictor(),
  };
}

Json TrainingOptions::to_json() const {
  TrainingOptions copy = *this;
  Json out = deepbio::to_json(copy.rows());
  out.set("loss", loss.to_json());
  return out;
}

TrainingOptions TrainingOptions::from_json(const Json& json) {
  TrainingOptions options;
  Json flat = Json::object();
  // Losses are nested in what a run writes and beside the others in what a user gives: both are
  // read.
  for (const auto& [key, value] : json.as_object()) {
    if (key == "loss") {
      options.loss = LossOptions::from_json(value);
    } else {
      flat.set(key, value);
    }
  }
  deepbio::from_json(options.rows() + options.loss.rows(), flat);
  options.check();
  return options;
}

void TrainingOptions::check() const {
  TrainingOptions copy = *this;
  const OptionRows rows = copy.rows();
  check_values(rows);
  // A mean of weights belongs to no epoch, so none can be the best.
  if (average_from < 1 && best_metric != "last") {
    throw ConfigError(mention(rows, &copy.best_metric) + ": expected last with " +
                      mention(rows, &copy.average_from, Json(average_from).dump()) + ", got " +
                      best_metric);
  }
  loss.check();
}

// More passes than that over few samples make probabilities too sure (docs/science.md).
constexpr int64_t kMostEpochsOfSteps = 200;

int64_t budget_epochs(const TrainingOptions& options, int64_t num_train) {
  const int64_t batches =
      std::max<int64_t>(1, (num_train + options.batch_size - 1) / options.batch_size);
  const int64_t group = options.gradient_accumulation_steps, steps = (batches + group - 1) / group;
  // Rounded up: a last group of fewer batches is an update as well.
  const int64_t of_steps = (options.min_steps + steps - 1) / steps;
  return std::max(options.epochs, std::min(of_steps, kMostEpochsOfSteps));
}

Json EpochReport::to_json() const {
  const auto numbers = [](const std::map<std::string, double>& values) {
    Json out = Json::object();
    for (const auto& [name, value] : values) out.set(name, value);
    return out;
  };
  return Json(Json::Object{{"epoch", epoch},
                           {"train_loss", train_loss},
                           {"val_loss", val_loss},
                           {"lr", lr},
                           {"seconds", seconds},
                           {"samples_per_second", samples_per_second},
                           {"is_best", is_best},
                           {"skipped_steps", skipped_steps},
                           {"train", numbers(train_terms)},
                           {"val", numbers(val_terms)}});
}

}  // namespace deepbio::train
