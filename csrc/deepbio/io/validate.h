// Whether a file is sound: all of it is read by the reader of its kind. Threads: free functions.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "deepbio/base/json.h"
#include "deepbio/io/bytes/bytes.h"
#include "deepbio/io/reads/fastx.h"
#include "deepbio/io/reads/letters.h"

namespace deepbio::io {

// What a sound file is; records are samples, rows, tips or tensors where a format has no reads.
struct SoundFile {
  std::string format, container = "plain";
  int64_t records = 0, bases = -1;  // bases: -1 where there are none
  std::vector<std::string> warnings = {};
};

struct ValidateOptions {
  OpenOptions open;
  Letters alphabet;                                   // that reads may hold
  std::function<void(const FastxReader&)> on_record;  // after each read; may be empty
};

// "-" is standard input, which cannot be looked at twice, so it is taken for sequences. What is
// none of the formats is read as sequences, too, whose reader then says what it expected.
//   throws what the readers throw
SoundFile validate(const std::string& path, const ValidateOptions& options);
// path, ok, format, container, records, bases, error {kind, record, line, offset_bytes, message},
// warnings: the same keys for sound and for bad files.
Json validation_row(const std::string& path, const ValidateOptions& options);

}  // namespace deepbio::io
