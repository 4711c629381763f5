// For the time of a test, one inflate library instead of the automatic choice.
#pragma once

#include <cstdlib>
#include <string>

#include "deepbio/io/bytes/inflate.h"

namespace deepbio::test {

class ChosenInflate {
 public:
  explicit ChosenInflate(io::InflateLibrary library) {
    const char* before = std::getenv("DEEPBIO_INFLATE");
    before_ = before == nullptr ? "" : before;
    ::setenv("DEEPBIO_INFLATE", std::string(io::to_string(library)).c_str(), 1);
  }
  ~ChosenInflate() { ::setenv("DEEPBIO_INFLATE", before_.c_str(), 1); }
  ChosenInflate(const ChosenInflate&) = delete;
  ChosenInflate& operator=(const ChosenInflate&) = delete;

 private:
  std::string before_;
};

}  // namespace deepbio::test
