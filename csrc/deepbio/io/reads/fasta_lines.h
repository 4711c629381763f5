// Joins the sequence lines of a FASTA record, many plain lines at a time.
//
// Private to `fastx`. Threads: belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "deepbio/io/reads/text_kernels.h"

namespace deepbio::io {

class FastaLines {
 public:
  struct Taken {
    size_t num_bytes = 0;
    int64_t num_lines = 0;
  };
  // Grows to max_bytes and what a call of append_lines may add, no further.
  FastaLines(uint64_t max_bytes, Simd simd);
  void clear() { size_ = 0; }
  void append(std::string_view line);
  // Appends the whole lines at the front of a text up to one that holds another byte than those of
  // a sequence (a title, a CR, a blank): that one is for append().
  Taken append_lines(std::string_view text);
  std::string_view joined() const { return {data_.get(), size_}; }
  size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(char* data) const { std::free(data); }
  };
  char* room_for(size_t size);
  void touch(size_t size);

  size_t max_bytes_;
  const TextKernels* kernels_;
  std::unique_ptr<char, Free> data_;
  size_t capacity_ = 0, size_ = 0;
  [[maybe_unused]] size_t touched_ = 0;  // by systems that map many pages at once
};

}  // namespace deepbio::io
