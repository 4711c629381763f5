// What the fuzz targets do with a file: write the bytes, read all records, accept any error of the
// library.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include <unistd.h>

#include "deepbio/base/error.h"
#include "deepbio/io/reads/fastx.h"

namespace deepbio::fuzz {

// A file of this process, in memory where the system has /dev/shm.
inline std::string write_input(std::string_view bytes, const char* ending) {
  const std::string path = "/dev/shm/deepbio-fuzz-" + std::to_string(::getpid()) + ending;
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) __builtin_trap();
  std::fwrite(bytes.data(), 1, bytes.size(), file);
  std::fclose(file);
  return path;
}

inline void read_records(std::string_view bytes) {
  const std::string path = write_input(bytes, "");
  for (const auto policy : {io::OnBadRecord::kRaise, io::OnBadRecord::kSkip}) {
    try {
      io::FastxOptions options;
      options.on_bad_record = policy;
      options.max_record_bytes = uint64_t{1} << 20;
      io::FastxReader reader(path, options);
      for (io::RecordView record; reader.next(record);) {
        if (record.has_quality && record.quality.size() != record.sequence.size()) __builtin_trap();
      }
    } catch (const Error&) {  // damage is what the input is made of
    }
  }
}

}  // namespace deepbio::fuzz
