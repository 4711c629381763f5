// NumPy's .npy: arrays of real numbers, any shape, read as doubles.
//
// Versions 1 to 3, C and Fortran order, float32, float64, integers of 8 to 64 bits and bool, of
// either byte order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/io/bytes/output.h"

namespace deepbio::io {

inline constexpr std::string_view kNpyMagic = "\x93NUMPY";

struct NpyArray {
  std::vector<int64_t> shape;
  std::vector<double> values;
};
// throws MissingFileError, ParseError.
NpyArray read_npy(const std::string& path);
// The bytes of a file; `path` names it in errors.
NpyArray parse_npy(std::string_view bytes, const std::string& path);
// as_float32 halves the file.
void write_npy(const std::string& path, const NpyArray& array,
               Overwrite overwrite = Overwrite::kAllow, bool as_float32 = false);

}  // namespace deepbio::io
