// When a file was last changed. Private to io.
#pragma once

#include <cstdint>

#include <sys/stat.h>

namespace deepbio::io {

// Nanoseconds since 1970; macOS has another name for the field of POSIX.
inline int64_t modified_ns(const struct stat& info) {
#ifdef __APPLE__
  const timespec& time = info.st_mtimespec;
#else
  const timespec& time = info.st_mtim;
#endif
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace deepbio::io
