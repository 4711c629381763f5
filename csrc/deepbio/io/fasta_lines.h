// Joins the sequence lines of a FASTA record, many plain lines at a time.
//
// Private to `fastx`. Threads: belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace deepbio::io {

class FastaLines {
 public:
  // The whole lines at the front of a text that lie before any '>', at most kBlockBytes of them.
  static std::string_view plain_block(std::string_view text);

  void clear() { size_ = 0; }
  void append(std::string_view line);
  // Appends the lines of a plain_block and returns how many; -1, and nothing is appended, when a byte may not stand in
  // a sequence or a line ends in a carriage return or blanks: then they are for append(), one by one.
  int64_t append_block(std::string_view block);
  std::string_view joined() const { return {data_.get(), size_}; }
  size_t size() const { return size_; }

 private:
  static constexpr size_t kBlockBytes = size_t{1} << 15;  // stays in the first-level cache between check and copy
  char* room_for(size_t size);

  std::unique_ptr<char[]> data_;
  size_t capacity_ = 0, size_ = 0;
};

}  // namespace deepbio::io
