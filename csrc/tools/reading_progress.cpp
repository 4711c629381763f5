#include "tools/reading_progress.h"

#include <filesystem>
#include <iostream>
#include <utility>

#include <unistd.h>

#include "deepbio/io/reads/progress_text.h"

namespace deepbio::tools {

ReadingProgress::ReadingProgress(std::string path, bool quiet)
    : path_(std::move(path)),
      quiet_(quiet),
      is_terminal_(isatty(STDERR_FILENO) != 0),
      start_(Clock::now()),
      last_shown_(start_) {
  std::error_code unknown;
  const auto size = std::filesystem::file_size(path_, unknown);
  if (!unknown) file_bytes_ = static_cast<int64_t>(size);
}

ReadingProgress::~ReadingProgress() { clear(); }

void ReadingProgress::clear() {
  if (shown_width_ > 0) std::cerr << '\r' << std::string(shown_width_, ' ') << '\r' << std::flush;
  shown_width_ = 0;
}

void ReadingProgress::look(const io::FastxReader& reader) {
  // The clock is asked about a thousand times a second at most.
  constexpr int64_t kLookBytes = int64_t{1} << 20;
  next_look_bytes_ = reader.file_offset_bytes() + kLookBytes;
  const auto now = Clock::now();
  const auto interval =
      is_terminal_ ? std::chrono::milliseconds(500) : std::chrono::milliseconds(10000);
  if (now - start_ < std::chrono::seconds(1) || now - last_shown_ < interval) return;
  last_shown_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  clear();
  const std::string line = path_ + "  " + io::progress_text(reader, file_bytes_, seconds);
  std::cerr << line << (is_terminal_ ? "" : "\n") << std::flush;
  if (is_terminal_) shown_width_ = line.size();
}

void print_warnings(const Json& row) {
  if (row.find("warnings") == nullptr) return;
  const std::string start = "deepbio: warning: " + row.at("path").as_string() + ": ";
  for (const Json& each : row.at("warnings").as_array())
    std::cerr << start + each.as_string() + "\n";
}

}  // namespace deepbio::tools
