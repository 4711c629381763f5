// Zip archives of any content, as artifacts and as .npz.
#include "parse_input.h"

#include "deepbio/io/tables/artifact.h"
#include "deepbio/io/tables/matrix.h"

using namespace deepbio;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text = "PK\3\4" + std::string(reinterpret_cast<const char*>(data), size);
  fuzz::read_input(text, "",
                   [](const std::string& path) { io::read_all(path, uint64_t{1} << 24); });
  fuzz::read_input(text, "", [](const std::string& path) { io::read_distances(path); });
  return 0;
}
