// Names of chromosomes, numbered in the order in which a file first has them.
//
// Private to the readers of intervals, variants and tracks. Threads: belongs to one thread at a
// time while it grows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace deepbio::io {

class NameNumbers {
 public:
  // The place of a name in names(), where it is added at its first call.
  int32_t number_of(std::string_view name);
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, int32_t> number_of_;
  size_t last_ = 0;  // the number given last
};

}  // namespace deepbio::io
