// The lines of a whole FASTA file, one after the other, each with its place for messages. Private
// to those that index or pack one. Threads: belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

#include "deepbio/io/bytes/text_window.h"

namespace deepbio::io {

class FastaText {
 public:
  // throws MissingFileError; ParseError: another format, by name.
  explicit FastaText(const std::string& path);
  // The next line; false at the end of the file. throws ParseError: the file ends without any
  // record, text in front of the first title.
  bool next();
  std::string_view line() const { return line_; }  // without its end
  bool is_title() const { return line_.starts_with('>'); }
  size_t line_bytes() const { return line_bytes_; }  // with an end, also where the last lacks one
  int64_t offset() const { return offset_; }         // of the line
  int64_t next_offset() const { return window_.offset(); }
  // Of a title, which begins the next record: once for each. throws ParseError: used before, a lone
  // CR.
  std::string_view name();
  [[noreturn]] void fail(const std::string& expected, const std::string& got,
                         size_t place = 0) const;

 private:
  std::string path_;
  TextWindow window_;
  std::string_view line_;
  std::unordered_set<std::string> names_;
  size_t line_bytes_ = 0;
  int64_t number_ = 0, offset_ = 0;
  int64_t record_ = -1;  // the one that was begun last
};

}  // namespace deepbio::io
