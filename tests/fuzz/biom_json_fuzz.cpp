// BIOM 1.0: what is read is a table that keeps its promises.
#include "parse_input.h"

#include "deepbio/io/tables/biom.h"

using namespace deepbio;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::read_input("{" + std::string(reinterpret_cast<const char*>(data), size), "",
                   [](const std::string& path) { io::check_table(io::read_table(path), path); });
  return 0;
}
