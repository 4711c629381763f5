// A zip archive made byte by byte from the published format, so that tests can make sound and wrong
// ones.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <zlib.h>

namespace deepbio::test {

using Members = std::vector<std::pair<std::string, std::string>>;  // name, bytes

inline std::string little(uint64_t value, int num_bytes) {
  std::string out;
  for (int k = 0; k < num_bytes; ++k) out += static_cast<char>(value >> (8 * k) & 0xff);
  return out;
}

inline std::string deflated(const std::string& bytes) {
  std::string out(compressBound(bytes.size()) + 64, '\0');
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// claimed_bytes: the unpacked size the headers state for each member; -1 for the true one.
inline std::string zip_of(const Members& members, bool compress = true,
                          int64_t claimed_bytes = -1) {
  std::string out, directory;
  for (const auto& [name, bytes] : members) {
    const std::string stored = compress ? deflated(bytes) : bytes;
    const auto size = claimed_bytes < 0 ? bytes.size() : static_cast<size_t>(claimed_bytes);
    const uint64_t crc = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
    const std::string facts = little(20, 2) + little(0, 2) + little(compress ? 8 : 0, 2) +
                              little(0, 2) + little(0x21, 2) + little(crc, 4) +
                              little(stored.size(), 4) + little(size, 4) + little(name.size(), 2) +
                              little(0, 2);
    directory += "PK\1\2" + little(20, 2) + facts + little(0, 2) + little(0, 2) + little(0, 2) +
                 little(0, 4) + little(out.size(), 4) + name;
    out += "PK\3\4" + facts + name + stored;
  }
  const size_t start = out.size();
  return out + directory + "PK\5\6" + little(0, 4) + little(members.size(), 2) +
         little(members.size(), 2) + little(directory.size(), 4) + little(start, 4) + little(0, 2);
}

// A QIIME 2 artifact with one data file.
inline std::string artifact_of(const std::string& type, const std::string& file,
                               const std::string& bytes) {
  const std::string root = "3f2504e0-4f89-41d3-9a0c-0305e82c3301/";
  return zip_of(
      {{root + "VERSION", "QIIME 2\narchive: 5\nframework: 2024.10.0\n"},
       {root + "metadata.yaml", "uuid: 3f2504e0\ntype: " + type + "\nformat: SomeFormat\n"},
       {root + "provenance/metadata.yaml", "type: Other\n"},
       {root + "data/" + file, bytes}});
}

}  // namespace deepbio::test
