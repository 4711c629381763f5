// Metadata: every row has a value for every column, and every column can be asked for numbers.
#include "parse_input.h"

#include "deepbio/io/tables/metadata.h"

using namespace deepbio;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::read_input(
      "id" + std::string(reinterpret_cast<const char*>(data), size), "",
      [](const std::string& path) {
        const io::Metadata metadata = io::read_metadata(path);
        for (size_t column = 0; column < metadata.columns.size(); ++column) {
          if (metadata.values[column].size() != metadata.ids.size()) __builtin_trap();
          if (!io::is_numeric(metadata, static_cast<int64_t>(column))) continue;
          for (size_t row = 0; row < metadata.ids.size(); ++row) {
            try {
              io::numeric_value(metadata, static_cast<int64_t>(column), static_cast<int64_t>(row));
            } catch (const ParseError&) {  // declared numeric, and the line says what it is
            }
          }
        }
      });
  return 0;
}
