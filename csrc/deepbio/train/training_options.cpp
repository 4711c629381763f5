#include <algorithm>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/train/fields.h"
#include "deepbio/train/trainer.h"

namespace deepbio::train {
namespace {

template <class Visitor, class Options>
void fields(Visitor&& visit, Options& options) {
  visit("epochs", options.epochs);
  visit("batch_size", options.batch_size);
  visit("lr", options.lr);
  visit("weight_decay", options.weight_decay);
  visit("warmup_steps", options.warmup_steps);
  visit("patience", options.patience);
  visit("max_grad_norm", options.max_grad_norm);
  visit("gradient_accumulation_steps", options.gradient_accumulation_steps);
  visit("scheduler", options.scheduler);
  visit("seed", options.seed);
  visit("loader_threads", options.loader_threads);
  visit("count_target", options.count_target);
  visit("best_metric", options.best_metric);
}

void expect(bool good, const std::string& what, const Json& got) {
  if (!good) throw ConfigError("training options: expected " + what + ", got " + got.dump());
}

void expect_one_of(const std::vector<std::string>& names, const std::string& what, const std::string& got) {
  if (std::find(names.begin(), names.end(), got) != names.end()) return;
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  const std::string near = nearest_name(got, names);
  throw ConfigError("training options: " + what + ": expected one of " + list + ", got " + quoted(got) +
                    (near.empty() ? "" : "; did you mean " + near + "?"));
}

}  // namespace

Json TrainingOptions::to_json() const {
  FieldWriter writer;
  fields(writer, *this);
  writer.json.set("loss", loss.to_json());
  return writer.json;
}

TrainingOptions TrainingOptions::from_json(const Json& json) {
  TrainingOptions options;
  FieldReader reader(json, "training options");
  fields(reader, options);
  Json loss_json = Json::object();
  reader("loss", loss_json);
  reader.finish();
  options.loss = LossOptions::from_json(loss_json);
  options.check();
  return options;
}

void TrainingOptions::check() const {
  expect(epochs >= 1, "epochs >= 1", epochs);
  expect(batch_size >= 1, "batch size >= 1", batch_size);
  expect(lr > 0, "lr > 0", lr);
  expect(weight_decay >= 0, "weight decay >= 0", weight_decay);
  expect(warmup_steps >= 0, "warmup steps >= 0", warmup_steps);
  expect(patience >= 0, "patience >= 0", patience);
  expect(max_grad_norm >= 0, "max grad norm >= 0", max_grad_norm);
  expect(gradient_accumulation_steps >= 1, "gradient accumulation steps >= 1", gradient_accumulation_steps);
  expect(loader_threads >= 0, "loader threads >= 0", loader_threads);
  expect_one_of({"warmup_cosine", "constant"}, "scheduler", scheduler);
  expect_one_of({"relative", "minmax", "raw"}, "count target", count_target);
  expect_one_of({"val_loss", "mae", "r2", "accuracy", "f1"}, "best metric", best_metric);
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

Split split_samples(const std::vector<int64_t>& items, double test_size, uint64_t seed) {
  const auto count = static_cast<int64_t>(items.size());
  if (count < 2) {
    throw ArgumentError("split: expected at least 2 samples to train and validate on, got " + std::to_string(count));
  }
  if (!(test_size > 0 && test_size < 1)) {
    throw ArgumentError("split: expected a test size between 0 and 1, got " + Json(test_size).dump());
  }
  const auto wanted = static_cast<int64_t>(static_cast<double>(count) * test_size + 0.5);
  const int64_t num_val = std::clamp<int64_t>(wanted, 1, count - 1);
  CounterRandom random(seed, 0, 0, Purpose::kSplit);
  const std::vector<int64_t> order = random_permutation(count, random);
  Split split;
  for (int64_t i = 0; i < count; ++i) (i < num_val ? split.val : split.train).push_back(items[order[i]]);
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.val.begin(), split.val.end());
  return split;
}

}  // namespace deepbio::train
