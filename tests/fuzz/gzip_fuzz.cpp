// gzip framing and deflate data; seeds are whole files, so the magic is put back when it was
// changed.
#include "read_records.h"

using namespace deepbio;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  bytes.replace(0, 3, "\x1f\x8b\x08");
  fuzz::read_records(bytes);
  return 0;
}
