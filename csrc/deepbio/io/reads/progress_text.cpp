#include "deepbio/io/reads/progress_text.h"

#include <cstdio>

namespace deepbio::io {

std::string progress_text(const FastxReader& reader, int64_t file_bytes, double seconds) {
  // Of the bytes in the file, compressed or not: how many it unpacks to is known at its end only.
  const auto done = static_cast<double>(reader.file_offset_bytes());
  const auto records = static_cast<double>(reader.report().num_records);
  char text[160];
  int width = std::snprintf(text, sizeof text, "%.2f M records  %.2f M records/s  %.0f MB/s",
                            records / 1e6, records / seconds / 1e6, done / seconds / 1e6);
  if (file_bytes > 0 && done > 0) {
    const auto left =
        static_cast<long long>(seconds * (static_cast<double>(file_bytes) - done) / done);
    width += std::snprintf(text + width, sizeof text - static_cast<size_t>(width),
                           "  %lld:%02lld left", left / 60, left % 60);
  }
  return {text, static_cast<size_t>(width)};
}

}  // namespace deepbio::io
