// Classic tables: what is read keeps its promises, and is the same after writing.
#include "parse_input.h"

#include "deepbio/io/tables/biom.h"

using namespace deepbio;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::read_input("#OTU ID" + std::string(reinterpret_cast<const char*>(data), size), "",
                   [](const std::string& path) {
                     const io::CountTable table = io::read_table(path);
                     io::check_table(table, path);
                   });
  return 0;
}
