#include "deepbio/train/run.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/bytes.h"
#include "deepbio/train/content_hash.h"
#include "deepbio/train/resume.h"

namespace deepbio::train {
namespace {

namespace fs = std::filesystem;

// Everything a run directory may hold; overwriting removes these and nothing else.
constexpr const char* kRunFiles[] = {"config.json",
                                     "model.safetensors",
                                     "metrics.jsonl",
                                     "train_samples.txt",
                                     "val_samples.txt",
                                     "train_asvs.txt",
                                     "val_predictions.tsv",
                                     "training.log",
                                     "last",
                                     "last.new",
                                     "last.old",
                                     "lock",
                                     "report.html"};

// Also the temporary file of one of them, as a kill leaves it: .config.json.1a2b3c4d5e.tmp
bool is_run_file(const std::string& name) {
  return std::any_of(std::begin(kRunFiles), std::end(kRunFiles), [&](const std::string& known) {
    return name == known || (name.rfind("." + known + ".", 0) == 0 && name.ends_with(".tmp"));
  });
}

bool is_temporary(const std::string& name) { return name.front() == '.' && is_run_file(name); }

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  return names;
}

std::string lines_of(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text.append(item).append("\n");
  return text;
}

// Refuses another model, data or target than those the run was started with.
void expect_same_run(const std::string& run, const RunConfig& before, const RunConfig& now) {
  const auto differs = [&](const std::string& what) {
    throw ConfigError(run + ": cannot resume: " + what + " when the run was started");
  };
  // The first difference is told; others may follow from it.
  if (before.kind != now.kind)
    differs("it was made by `" + before.kind + "`, not by " + now.kind + ",");
  const Json* content = before.trained_on.is_object() ? before.trained_on.find("content") : nullptr;
  const Json* now_content = now.trained_on.is_object() ? now.trained_on.find("content") : nullptr;
  // Contents first: they tell which data changed, where numbers only tell that some did.
  if (content != nullptr && now_content != nullptr) {
    const std::string changed = changed_content(*content, *now_content);
    if (!changed.empty()) differs(changed + " were other ones");
  }
  // Runs of versions that kept no hashes are compared by these.
  for (const char* key : {"num_samples", "num_features", "num_train", "num_val"}) {
    const Json* old = before.trained_on.is_object() ? before.trained_on.find(key) : nullptr;
    const Json* current = now.trained_on.is_object() ? now.trained_on.find(key) : nullptr;
    if (old == nullptr || current == nullptr || *old == *current) continue;
    differs(std::string(key) + " is " + current->dump() + ", it was " + old->dump());
  }
  if (!(before.model.to_json() == now.model.to_json())) differs("the model was another one");
  if (!(before.data.to_json() == now.data.to_json()))
    differs("the table was read in another way (depth, limits, order)");
  const auto target = [](const RunConfig& config) {
    return config.target ? config.target->to_json() : Json();
  };
  if (!(target(before) == target(now))) differs("the target or its scale was another one");
  if (!(before.categories.to_json() == now.categories.to_json()))
    differs("the covariates were other ones");
}

}  // namespace

Run::Run(std::string path, RunMode mode) : path_(std::move(path)), mode_(mode) {
  if (mode_ != RunMode::kResume) {
    refuse_unsuitable_folder();
    return;
  }
  // Throws where there is no run; before the lock, which would be made in any folder.
  (void)read_run_config(path_);
  lock_ = std::make_unique<RunLock>(path_);
  is_fresh_ = !has_training_state(path_);
}

std::string Run::file(const std::string& name) const { return (fs::path(path_) / name).string(); }

void Run::refuse_unsuitable_folder() const {
  if (!fs::exists(path_)) return;
  if (!fs::is_directory(path_))
    throw WriteError(path_ + ": is a file; expected a folder for the run");
  const std::vector<std::string> names = names_in(path_);
  if (std::all_of(names.begin(), names.end(),
                  [](const std::string& name) { return name == "lock"; }))
    return;
  if (mode_ == RunMode::kNew) {
    const bool can_resume = fs::exists(fs::path(path_) / "config.json");
    throw WriteError(path_ + ": exists and is not empty; `overwrite` starts the run anew" +
                     (can_resume ? ", `resume` goes on with it" : ""));
  }
  // A kill may come before config.json is there: then the folder holds files of a run and nothing
  // else.
  if (fs::exists(fs::path(path_) / "config.json") ||
      std::all_of(names.begin(), names.end(), is_run_file))
    return;
  throw WriteError(path_ +
                   ": not overwritten, because it is not a run directory (no config.json in it)");
}

void Run::start(const RunStart& start) {
  if (mode_ == RunMode::kResume) {
    const RunConfig before = read_run_config(path_);
    expect_same_run(path_, before, start.config);
    for (const std::string& name : names_in(path_)) {
      if (is_temporary(name)) fs::remove(file(name));  // what a kill left half written
    }
    repair_metrics(path_);
  } else {
    // With a code instead of an exception, so that the message names what was to be done.
    std::error_code error;
    fs::create_directories(path_, error);
    if (error) throw WriteError(path_ + ": cannot be created: " + error.message());
    lock_ = std::make_unique<RunLock>(path_);
    refuse_unsuitable_folder();  // once more: another run may have come and gone while the data
                                 // were read
    for (const std::string& name : names_in(path_)) {
      if (name == "lock" || !is_run_file(name)) continue;
      fs::remove_all(file(name), error);
      if (error) throw WriteError(file(name) + ": cannot be removed: " + error.message());
    }
  }
  write_start(start);
}

void Run::log(const std::vector<std::string>& lines) const {
  // Opened for each call and flushed: the log is complete up to here, whatever ends the run.
  std::ofstream out(file("training.log"), std::ios::app);
  out << lines_of(lines) << std::flush;
  if (!out) throw WriteError(file("training.log") + ": cannot be written");
}

void Run::write_start(const RunStart& start) const {
  write_run_config(path_, start.config);
  const auto write_list = [this](const char* name, const std::vector<std::string>& items) {
    // A resumed run keeps the lists it was started with: it is their split it goes on with.
    if (mode_ == RunMode::kResume && fs::exists(file(name))) return;
    io::write_file(file(name), lines_of(items));
  };
  write_list("train_samples.txt", start.train_samples);
  write_list("val_samples.txt", start.val_samples);
  write_list("train_asvs.txt", start.train_asvs);
}

std::vector<std::string> read_train_asvs(const std::string& run) {
  const fs::path path = fs::path(run) / "train_asvs.txt";
  std::vector<std::string> out;
  if (!fs::exists(path)) return out;
  const std::string text = io::read_all(path.string());
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

}  // namespace deepbio::train
