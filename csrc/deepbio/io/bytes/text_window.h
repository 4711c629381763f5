// A moving window over the text of a ByteSource: the part that a parser looks at, in one piece.
//
// Private to `fastx`. Views into the window live until the next call of more().
// Threads: belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "deepbio/io/bytes/bytes.h"

namespace deepbio::io {

class TextWindow {
 public:
  // The window never holds more than max_bytes + 1, so that one record too large is seen as such.
  TextWindow(std::unique_ptr<ByteSource> source, uint64_t max_bytes);
  std::string_view text() const { return {data_.get() + begin_, end_ - begin_}; }
  // Drops bytes from the front, with so many line ends in them; views into them stay valid until
  // more().
  void drop(size_t size, int64_t num_lines = 0) {
    begin_ += size;
    offset_ += static_cast<int64_t>(size);
    line_ += num_lines;
  }
  // Fills the window from the source, grown if it was full. False when nothing was added (the data
  // has ended, or the window holds max_bytes + 1). throws ParseError on damage, only after all text
  // before it was given out.
  bool more();
  // Reads on to the end of a compressed source, at most max_bytes, and throws the ParseError of
  // damage found there.
  void read_through(uint64_t max_bytes);
  bool is_end() const { return is_end_; }
  int64_t offset() const {
    return offset_;
  }                                       // of the first byte of text(), in the decompressed data
  int64_t line() const { return line_; }  // of the first byte of text(), from 1
  const ByteSource& source() const { return *source_; }

 private:
  struct Free {
    void operator()(char* data) const { std::free(data); }
  };
  void make_room();

  std::unique_ptr<ByteSource> source_;
  size_t max_capacity_;
  std::unique_ptr<char, Free> data_;
  size_t capacity_ = 0, begin_ = 0, end_ = 0;
  int64_t offset_ = 0, line_ = 1;
  bool is_end_ = false;
};

}  // namespace deepbio::io
