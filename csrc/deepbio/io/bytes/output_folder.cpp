// A folder that appears whole, as output.h does it for a file: it is filled under a temporary name
// and renamed. A folder that is replaced is moved aside first and removed at the end, so that one
// of the two is there at any time.
#include "deepbio/io/bytes/output_folder.h"

#include <filesystem>
#include <system_error>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/output.h"

namespace deepbio::io {

namespace fs = std::filesystem;

OutputFolder::OutputFolder(const std::string& target)
    : target_(target), path_(temporary_name(target)) {
  std::error_code failure;
  if (!fs::create_directory(path_, failure)) {
    throw WriteError(target + ": the folder cannot be created beside it (" + failure.message() +
                     ")");
  }
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  if (!is_committed_) fs::remove_all(path_, ignored);
}

std::string OutputFolder::operator/(const std::string& name) const {
  return (fs::path(path_) / name).string();
}

void OutputFolder::commit() {
  std::string aside;
  if (fs::exists(target_) &&
      !fs::is_empty(target_)) {  // a folder with files cannot be renamed over
    aside = temporary_name(target_);
    fs::rename(target_, aside);
  }
  try {
    commit_temporary(path_, target_);
  } catch (...) {
    std::error_code ignored;
    // The old one comes back when the new one could not take its place.
    if (!aside.empty()) fs::rename(aside, target_, ignored);
    throw;
  }
  is_committed_ = true;
  if (!aside.empty()) fs::remove_all(aside);
}

}  // namespace deepbio::io
