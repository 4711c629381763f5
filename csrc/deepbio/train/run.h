// A run directory from its first file to its last: opened, locked, checked, written, resumed. Used
// by the command and by Python's Trainer. checkpoint.h says what the files are.
//
// Nothing is written before start(): a study that is refused leaves no folder. A run that was
// killed at any moment can be resumed once its config.json is there, and overwritten in any state.
// Threads: a Run belongs to one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "deepbio/train/checkpoint.h"
#include "deepbio/train/run_lock.h"

namespace deepbio::train {

enum class RunMode {
  kNew,        // the folder must be absent or empty
  kOverwrite,  // the files of an older run in it are replaced, others are left alone
  kResume,     // goes on with the run that is there
};

// What a run directory says before the first epoch.
struct RunStart {
  RunConfig config;
  std::vector<std::string> train_samples, val_samples;  // ids
  std::vector<std::string> train_asvs;                  // DNA of the ASVs of the training samples
};

class Run {
 public:
  // Refuses what must not be written to, and takes the lock of a run to resume; writes nothing
  // else.
  //   throws WriteError (exists, is in use, is not a run directory), MissingFileError, ConfigError
  //   (nothing to resume)
  Run(std::string path, RunMode mode);

  // New: makes the folder, locks it, writes the start. Resume: checks that it is the same run and
  // keeps what may change (paths of data that moved, more epochs, patience, threads).
  //   throws as the constructor, ConfigError naming what is not as it was
  void start(const RunStart& start);

  // Adds lines to training.log. throws WriteError.
  void log(const std::vector<std::string>& lines) const;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const;
  // Whether training starts at its first epoch: a new run, or one that was stopped before its first
  // checkpoint.
  bool is_fresh() const { return is_fresh_; }

 private:
  void refuse_unsuitable_folder() const;
  void write_start(const RunStart& start) const;
  std::string path_;
  RunMode mode_;
  bool is_fresh_ = true;
  std::unique_ptr<RunLock> lock_;
};

// ASVs of the training samples (RUN/train_asvs.txt); empty for a run of a version that did not
// write them.
std::vector<std::string> read_train_asvs(const std::string& run);

}  // namespace deepbio::train
