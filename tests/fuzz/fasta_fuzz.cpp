// FASTA text.
#include "read_records.h"

using namespace deepbio;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::read_records(">" + std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
