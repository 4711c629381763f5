// A hash of data by content: the same numbers and words give the same 16 hexadecimal digits on
// every machine of one byte order.
//
// 64 bits: enough to tell whether samples are still those of a run, or parts those of one matrix,
// and no help against somebody who wants two inputs to agree. Numbers are hashed as they lie in
// memory, so the same ones in another width differ. Threads: an object belongs to one thread.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/base/random.h"

namespace deepbio {

// Parts in order; the length of each counts, so that "ab", "c" is not "a", "bc".
class ContentHash {
 public:
  void add(std::string_view bytes) {
    mix(bytes.size());
    mix(hash_bytes(bytes));
  }
  template <class T>
  void add(const std::vector<T>& numbers) {
    add(std::string_view(reinterpret_cast<const char*>(numbers.data()),
                         numbers.size() * sizeof(T)));
  }
  void add(const std::vector<std::string>& texts) {
    mix(texts.size());
    for (const std::string& text : texts) add(std::string_view(text));
  }
  std::string hex() const {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(state_));
    return text;
  }

 private:
  void mix(uint64_t word) {
    const uint64_t pair[2] = {state_, word};
    state_ = hash_bytes(std::string_view(reinterpret_cast<const char*>(pair), sizeof pair));
  }
  uint64_t state_ = 0;
};

}  // namespace deepbio
