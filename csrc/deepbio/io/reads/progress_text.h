// How far a reader has come, as a line for people. Threads: a pure function of what the reader
// says.
#pragma once

#include <cstdint>
#include <string>

#include "deepbio/io/reads/fastx.h"

namespace deepbio::io {

// "1.20 M records  0.60 M records/s  310 MB/s  0:42 left"
//   file_bytes  the size of the file, or -1 where it is unknown (standard input): no time is left
//   seconds     since the reading began, above 0
std::string progress_text(const FastxReader& reader, int64_t file_bytes, double seconds);

}  // namespace deepbio::io
