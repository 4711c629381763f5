// A file of a stream while it is open: single records, or pairs of one file or two.
//
// Files that are written to while they are read would give records that never stood in them, so
// their size and times are kept. Private to read_stream. Threads: belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "deepbio/data/read_stream.h"
#include "deepbio/io/reads/fastx_pairs.h"

namespace deepbio::data {

// What tells that a file was written to.
struct FileMark {
  int64_t size = -1, seconds = 0, nanoseconds = 0;
  bool operator==(const FileMark&) const = default;
  static FileMark of(const std::string& path);
};

class StreamFile {
 public:
  // mate: the other file of pairs, or ""
  StreamFile(const std::string& path, const std::string& mate, const ReadStreamOptions& options);
  void check_unchanged() const;  // throws ParseError
  // Appends up to `count`; 0 at the end.
  int64_t read(ReadPairs& out, int64_t count);
  void report_to(io::SkipReport& report) const;

 private:
  std::vector<std::string> paths_;
  std::vector<FileMark> marks_;
  std::optional<io::FastxReader> reader_;
  std::optional<io::PairReader> pair_reader_;
  io::RecordPair pair_;
  int64_t num_read_ = 0;
};

}  // namespace deepbio::data
