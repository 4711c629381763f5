// What commands say on stderr while they read long files, and the warnings about them at the end.
//
// On a terminal one line that updates, with records, rate and time left; else a line every ten
// seconds. Files that are read within a second say nothing. Threads: belongs to one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "deepbio/base/json.h"
#include "deepbio/io/reads/fastx.h"

namespace deepbio::tools {

class ReadingProgress {
 public:
  ReadingProgress(std::string path, bool quiet);
  ~ReadingProgress();
  ReadingProgress(const ReadingProgress&) = delete;
  ReadingProgress& operator=(const ReadingProgress&) = delete;
  // After each record.
  void step(const io::FastxReader& reader) {
    if (!quiet_ && reader.file_offset_bytes() >= next_look_bytes_) look(reader);
  }

 private:
  using Clock = std::chrono::steady_clock;
  void look(const io::FastxReader& reader);
  void clear();

  std::string path_;
  bool quiet_, is_terminal_;
  int64_t file_bytes_ = -1;  // unknown: standard input
  int64_t next_look_bytes_ = 0;
  Clock::time_point start_, last_shown_;
  size_t shown_width_ = 0;
};

// One line on stderr for each of the `warnings` of a file's row, where there are any.
void print_warnings(const Json& row);

}  // namespace deepbio::tools
