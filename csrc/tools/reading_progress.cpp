#include "tools/reading_progress.h"

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <utility>

#include <unistd.h>

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
  const int64_t done = reader.file_offset_bytes();
  next_look_bytes_ = done + kLookBytes;
  const auto now = Clock::now();
  const auto interval =
      is_terminal_ ? std::chrono::milliseconds(500) : std::chrono::milliseconds(10000);
  if (now - start_ < std::chrono::seconds(1) || now - last_shown_ < interval) return;
  last_shown_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const auto records = static_cast<double>(reader.report().num_records);
  char text[160];
  int width =
      std::snprintf(text, sizeof text, "%.2f M records  %.2f M records/s  %.0f MB/s", records / 1e6,
                    records / seconds / 1e6, static_cast<double>(done) / seconds / 1e6);
  if (file_bytes_ > 0 && done > 0) {
    const auto left = static_cast<long long>(seconds * static_cast<double>(file_bytes_ - done) /
                                             static_cast<double>(done));
    width += std::snprintf(text + width, sizeof text - static_cast<size_t>(width),
                           "  %lld:%02lld left", left / 60, left % 60);
  }
  clear();
  const std::string line = path_ + "  " + text;
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
