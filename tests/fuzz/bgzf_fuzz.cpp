// BGZF blocks: the header of the first block is put back, the rest is the input.
#include "read_records.h"

using namespace deepbio;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  bytes.replace(0, 16, std::string("\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0", 16));
  fuzz::read_records(bytes);
  return 0;
}
