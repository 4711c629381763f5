#include <algorithm>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/train/metrics.h"
#include "deepbio/train/trainer.h"

namespace deepbio::train {

OptionRows TrainingOptions::rows() {
  return {
      {"epochs", &epochs, "Passes over the training samples", at_least(1)},
      {"batch_size", &batch_size, "Samples per step; memory grows with it", at_least(1)},
      {"lr", &lr, "Highest learning rate of AdamW", above(0)},
      {"weight_decay", &weight_decay, "Of AdamW, on all parameters", at_least(0)},
      {"warmup_steps", &warmup_steps, "Steps in which the learning rate rises to its highest, at most a tenth of all",
       at_least(0)},
      {"patience", &patience, "Epochs without a better value before stopping; 0: never stop early", at_least(0)},
      {"max_grad_norm", &max_grad_norm, "Clip gradients to this norm; 0: do not", at_least(0)},
      {"gradient_accumulation_steps", &gradient_accumulation_steps, "Batches per step of the optimizer", at_least(1)},
      {"scheduler", &scheduler, "What the learning rate does after the warm-up", one_of({"warmup_cosine", "constant"})},
      // On the command line --seed stands beside --threads: it is every command's.
      OptionRow{"seed", &seed, "Of weights, order, draws, dropout and masks", at_least(0)}.not_on_command(),
      OptionRow{"num_workers", &loader_threads, "Threads that make batches ahead; 0: none", at_least(0)}.formerly(
          "loader_threads"),
      OptionRow{"count_target", &count_target,
                "What the count head predicts: reads / total of the sample, AAM's min-max over the table, or reads",
                one_of({"relative", "minmax", "raw"})}
          .for_predictor(),
      {"best_metric", &best_metric, "What makes an epoch the best one; measured on the samples held back",
       one_of(best_metric_names())},
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
  check_values(copy.rows());
  loss.check();
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
                           {"train", numbers(train_terms)},
                           {"val", numbers(val_terms)}});
}

}  // namespace deepbio::train
