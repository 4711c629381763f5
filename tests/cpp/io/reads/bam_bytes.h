// BAM bytes written by hand from the SAM specification, section 4.2, so that the reader is not
// tested against itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace deepbio::test {

inline std::string little(uint64_t value, int num_bytes) {
  std::string out;
  for (int i = 0; i < num_bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

struct BamRead {
  std::string name = "r", sequence = "ACGTN";
  std::string quality = std::string(sequence.size(), '\x1e');  // raw scores
  unsigned flags = 4;                                          // unmapped
  int64_t reference = -1;
  std::vector<uint32_t> cigar = {};  // length << 4 | operation
  std::string tags = {};
};

inline std::string bam_header(int64_t num_references = 0) {
  const std::string text = "@HD\tVN:1.6\n";
  std::string out =
      "BAM\1" + little(text.size(), 4) + text + little(static_cast<uint64_t>(num_references), 4);
  for (int64_t i = 0; i < num_references; ++i) {
    const std::string name = "chr" + std::to_string(i + 1);
    out += little(name.size() + 1, 4) + name + '\0' + little(1000, 4);
  }
  return out;
}

inline std::string bam_record(const BamRead& read) {
  const std::string_view letters = "=ACMGRSVTWYHKDBN";
  std::string bases;
  for (size_t i = 0; i < read.sequence.size(); i += 2) {
    const size_t second = i + 1 < read.sequence.size() ? letters.find(read.sequence[i + 1]) : 0;
    bases += static_cast<char>(letters.find(read.sequence[i]) << 4 | second);
  }
  const auto reference = static_cast<uint64_t>(read.reference);
  std::string out = little(reference, 4) + little(reference, 4) + little(read.name.size() + 1, 1) +
                    little(0, 1) + little(4680, 2) + little(read.cigar.size(), 2) +
                    little(read.flags, 2) + little(read.sequence.size(), 4) +
                    little(~uint64_t{0}, 4) + little(~uint64_t{0}, 4) + little(0, 4) + read.name +
                    '\0';
  for (const uint32_t operation : read.cigar) out += little(operation, 4);
  out += bases + read.quality + read.tags;
  return little(out.size(), 4) + out;
}

}  // namespace deepbio::test
