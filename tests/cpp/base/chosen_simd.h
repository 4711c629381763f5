// For the time of a test, one set of vector instructions instead of the widest.
#pragma once

#include <cstdlib>
#include <string>

#include "deepbio/base/simd.h"

namespace deepbio::test {

class ChosenSimd {
 public:
  explicit ChosenSimd(Simd simd) {
    const char* before = std::getenv("DEEPBIO_SIMD");
    before_ = before == nullptr ? "" : before;
    ::setenv("DEEPBIO_SIMD", std::string(to_string(simd)).c_str(), 1);
  }
  ~ChosenSimd() { ::setenv("DEEPBIO_SIMD", before_.c_str(), 1); }
  ChosenSimd(const ChosenSimd&) = delete;
  ChosenSimd& operator=(const ChosenSimd&) = delete;

 private:
  std::string before_;
};

}  // namespace deepbio::test
