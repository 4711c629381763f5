#include "deepbio/train/resume.h"

#include <filesystem>
#include <optional>

#include "deepbio/base/error.h"
#include "deepbio/model/device.h"

namespace deepbio::train {
namespace {

namespace fs = std::filesystem;

Json to_json(const Plateau& plateau) {
  return Json(Json::Object{{"best", plateau.best ? Json(*plateau.best) : Json()},
                           {"epochs_without_gain", plateau.epochs_without_gain},
                           {"factor", plateau.factor}});
}

Plateau plateau_from_json(const Json& json) {
  Plateau plateau;
  if (const Json& best = json.at("best"); !best.is_null()) plateau.best = best.as_double();
  plateau.epochs_without_gain = json.at("epochs_without_gain").as_int();
  plateau.factor = json.at("factor").as_double();
  return plateau;
}

Json state_to_json(const TrainingState& state, const TrainingOptions& options) {
  Json history = Json::array();
  for (const EpochReport& report : state.history) history.push_back(report.to_json());
  return Json(Json::Object{{"next_epoch", state.next_epoch},
                           {"next_step", state.next_step},
                           {"means", state.means.to_json()},
                           {"lr", state.lr},
                           {"skipped", state.skipped},
                           {"skipped_in_row", state.skipped_in_row},
                           {"updates", state.updates},
                           {"best_epoch", state.best_epoch},
                           {"best_value", state.best_value},
                           {"epochs_without_gain", state.epochs_without_gain},
                           {"finished", state.finished},
                           {"averaged", state.averaged},
                           {"plateau", to_json(state.plateau)},
                           {"loss_scale", state.loss_scale.factor},
                           {"loss_scale_updates", state.loss_scale.updates},
                           {"options", options.to_json()},
                           {"history", std::move(history)}});
}

TrainingState state_from_json(const Json& json) {
  TrainingState state;
  state.next_epoch = json.at("next_epoch").as_int();
  if (const Json* step = json.find("next_step")) {  // older runs have states of whole epochs only
    state.next_step = step->as_int();
    state.means = Means::from_json(json.at("means"));
    state.lr = json.at("lr").as_double();
    state.skipped = json.at("skipped").as_int();
    state.skipped_in_row = json.at("skipped_in_row").as_int();
  }
  state.updates = json.at("updates").as_int();
  state.best_epoch = json.at("best_epoch").as_int();
  state.best_value = json.at("best_value").as_double();
  state.epochs_without_gain = json.at("epochs_without_gain").as_int();
  state.finished = json.at("finished").as_bool();
  // Keys that older versions did not write are read only where they are.
  if (const Json* averaged = json.find("averaged")) state.averaged = averaged->as_int();
  if (const Json* plateau = json.find("plateau")) state.plateau = plateau_from_json(*plateau);
  if (const Json* scale = json.find("loss_scale")) {  // runs before fp16 have none
    state.loss_scale.factor = scale->as_double();
    state.loss_scale.updates = json.at("loss_scale_updates").as_int();
  }
  for (const Json& report : json.at("history").as_array())
    state.history.push_back(epoch_report_from_json(report));
  return state;
}

// Options that a resumed run may change without becoming another run; a run can be extended, not
// shortened.
bool may_change(const std::string& key, const Json& before, const Json& now) {
  // Fewer would end the run before the place where it stands.
  if (key == "epochs") return now.as_int() >= before.as_int();
  return key == "patience" || key == "num_workers" || key == "save_steps" ||
         key == "max_skipped_steps" || key == "device" || key == "tf32";
}

// before: as an older version may have written it; options that it did not have are at their
// defaults.
void expect_same_options(const Json& before, const TrainingOptions& options,
                         const std::string& path) {
  // By way of the options themselves: names of older versions become today's, missing ones
  // defaults.
  const Json old = TrainingOptions::from_json(before).to_json(), now = options.to_json();
  for (const auto& [key, value] : now.as_object()) {
    const Json& was = old.at(key);
    if (was == value || may_change(key, was, value)) continue;
    throw ConfigError(path + ": cannot resume: " + key + " was " + was.dump() + ", now it is " +
                      value.dump());
  }
}

// RUN/last, or RUN/last.old where a crash came between two renames; none before the first
// checkpoint.
std::optional<fs::path> find_state_folder(const std::string& run) {
  for (const char* name : {"last", "last.old"}) {
    if (fs::exists(fs::path(run) / name / "state.json")) return fs::path(run) / name;
  }
  return std::nullopt;
}

fs::path state_folder(const std::string& run) {
  if (const auto folder = find_state_folder(run)) return *folder;
  throw MissingFileError((fs::path(run) / "last" / "state.json").string(),
                         "nothing to resume: no epoch was finished");
}

Json read_json(const fs::path& path) {
  return Json::parse(io::read_all(path.string()), path.string());
}

std::map<std::string, double> numbers(const Json& json) {
  std::map<std::string, double> out;
  for (const auto& [key, value] : json.as_object()) out[key] = value.as_double();
  return out;
}

std::string metrics_lines(const std::vector<EpochReport>& history) {
  std::string lines;
  for (const EpochReport& report : history) lines += report.to_json().dump() + "\n";
  return lines;
}

}  // namespace

EpochReport epoch_report_from_json(const Json& json) {
  EpochReport report;
  report.epoch = json.at("epoch").as_int();
  report.train_loss = json.at("train_loss").as_double();
  report.val_loss = json.at("val_loss").as_double();
  report.lr = json.at("lr").as_double();
  report.seconds = json.at("seconds").as_double();
  report.samples_per_second = json.at("samples_per_second").as_double();
  report.is_best = json.at("is_best").as_bool();
  if (const Json* skipped = json.find("skipped_steps")) report.skipped_steps = skipped->as_int();
  report.train_terms = numbers(json.at("train"));
  report.val_terms = numbers(json.at("val"));
  return report;
}

void save_training_state(const std::string& run, const TrainingState& state,
                         const model::AamModel& model, const Optimizer& optimizer,
                         const TrainingOptions& options) {
  const fs::path last = fs::path(run) / "last", fresh = fs::path(run) / "last.new",
                 old = fs::path(run) / "last.old";
  // What a crash in the middle of the last save has left.
  fs::remove_all(fresh);
  fs::create_directories(fresh);
  save_tensors((fresh / "model.safetensors").string(), state_dict(model));
  save_tensors((fresh / "optimizer.safetensors").string(), optimizer.state());
  if (state.averaged > 0) save_tensors((fresh / "average.safetensors").string(), state.average);
  // Last: a folder is a state from the moment it has this file (find_state_folder).
  io::write_file((fresh / "state.json").string(), state_to_json(state, options).dump(2) + "\n");
  // A crash between the two renames leaves last.old complete; loading falls back to it.
  if (fs::exists(last)) {
    fs::remove_all(old);
    fs::rename(last, old);
  }
  fs::rename(fresh, last);
  // After the state: a crash in between is seen by repair_metrics, which writes it anew from the
  // state.
  io::write_file((fs::path(run) / "metrics.jsonl").string(), metrics_lines(state.history));
}

void expect_resumable(const std::string& run, const TrainingOptions& options) {
  if (const auto folder = find_state_folder(run)) {
    const fs::path path = *folder / "state.json";
    return expect_same_options(read_json(path).at("options"), options, path.string());
  }
  // Stopped before its first checkpoint: what it was started with stands in its config.
  const fs::path path = fs::path(run) / "config.json";
  const Json* training = nullptr;
  const Json config = read_json(path);
  if (const Json* all = config.find("training"); all != nullptr && all->is_object())
    training = all->find("resolved");
  if (training != nullptr) expect_same_options(*training, options, path.string());
}

bool has_training_state(const std::string& run) { return find_state_folder(run).has_value(); }

void repair_metrics(const std::string& run) {
  const auto folder = find_state_folder(run);
  if (!folder) return;
  const std::string lines =
      metrics_lines(state_from_json(read_json(*folder / "state.json")).history);
  const fs::path path = fs::path(run) / "metrics.jsonl";
  if (!fs::exists(path) || io::read_all(path.string()) != lines)
    io::write_file(path.string(), lines);
}

TrainingState load_training_state(const std::string& run, model::AamModel& model,
                                  Optimizer& optimizer, const TrainingOptions& options) {
  const fs::path folder = state_folder(run);
  const fs::path path = folder / "state.json";
  const Json json = read_json(path);
  expect_same_options(json.at("options"), options, path.string());
  try {
    load_state_dict(model, load_tensors((folder / "model.safetensors").string()));
    optimizer.load_state(load_tensors((folder / "optimizer.safetensors").string()));
    TrainingState state = state_from_json(json);
    // A run that stopped early goes on when it is given more patience.
    state.finished = options.patience > 0 && state.epochs_without_gain >= options.patience;
    if (state.averaged > 0) {
      state.average = load_tensors((folder / "average.safetensors").string());
      for (auto& [name, tensor] : state.average) tensor = tensor.to(model::device_of(model));
    }
    return state;
  } catch (const ConfigError& error) {
    throw ConfigError(folder.string() + ": cannot resume: " + error.what());
  }
}

}  // namespace deepbio::train
