// What the fuzz targets of tables, trees and metadata share: the input as a file, any error of the
// library accepted.
#pragma once

#include "read_records.h"

namespace deepbio::fuzz {

// Reads `text` with `read`, a function of a path.
template <class Read>
void read_input(const std::string& text, const char* ending, const Read& read) {
  const std::string path = write_input(text, ending);
  try {
    read(path);
  } catch (const Error&) {  // damage is what the input is made of
  }
}

}  // namespace deepbio::fuzz
