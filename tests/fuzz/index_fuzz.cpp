// A side-car index of any content, its CRC and binding made right, beside a good file: records or
// an error.
#include <algorithm>

#include "read_records.h"
#include <zlib.h>

#include "deepbio/io/bytes/bytes.h"
#include "deepbio/io/reads/fastx_file.h"

using namespace deepbio;

namespace {

// The first bytes say what to change in a good index, so that changes get past the CRC.
std::string changed_index(std::string index, const uint8_t* data, size_t size) {
  for (size_t i = 0; i + 3 <= size; i += 3) {
    const size_t at = (data[i] | size_t{data[i + 1]} << 8) % (index.size() - 4);
    index[at] = static_cast<char>(data[i + 2]);
  }
  const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(index.data()), index.size() - 4);
  for (size_t i = 0; i < 4; ++i)
    index[index.size() - 4 + i] = static_cast<char>(crc >> (8 * i) & 0xff);
  return index;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string path = [] {
    std::string text;
    for (int i = 0; i < 150; ++i) text += "@r" + std::to_string(i) + "\nACGT\n+\nIIII\n";
    return fuzz::write_input(text, ".fq");
  }();
  static const std::string good = [] {
    io::FastxFile file(path);
    return io::read_all(path + ".dbx");
  }();
  fuzz::write_input(changed_index(good, data, size), ".fq.dbx");
  try {
    const io::FastxFile file(path);
    io::Record record;
    for (int64_t i = 0; i < std::min<int64_t>(file.size(), 200); ++i) {
      try {
        file.get(i, record);
      } catch (const ParseError&) {  // the index points elsewhere, and the record says so
      }
    }
  } catch (const Error&) {
  }
  return 0;
}
