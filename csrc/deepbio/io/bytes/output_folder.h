// A folder that exists either whole or not at all: filled under a temporary name beside its place,
// then renamed.
//
// What stood there goes aside first and is removed when the new one is in place; when something
// fails, it comes back. Threads: an OutputFolder belongs to one thread.
#pragma once

#include <string>

namespace deepbio::io {

class OutputFolder {
 public:
  // throws WriteError when a folder cannot be made beside `target`.
  explicit OutputFolder(const std::string& target);
  ~OutputFolder();  // without commit, removes what was written
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;
  std::string operator/(const std::string& name) const;  // path of a file in it
  void commit();

 private:
  std::string target_, path_;
  bool is_committed_ = false;
};

}  // namespace deepbio::io
