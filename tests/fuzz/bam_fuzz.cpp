// BAM, not compressed: the header of a file with two references, then the input.
#include "read_records.h"

#include "deepbio/io/reads/bam_record.h"

using namespace deepbio;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(io::kBamMagic);
  bytes.append(std::string("\0\0\0\0\2\0\0\0\2\0\0\0a\0\x64\0\0\0\2\0\0\0b\0\x64\0\0\0", 28));
  bytes.append(reinterpret_cast<const char*>(data), size);
  fuzz::read_records(bytes);
  return 0;
}
