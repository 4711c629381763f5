// BCF written by hand from section 6 of the VCF specification.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/reads/bam_bytes.h"

namespace deepbio::test {

// A typed value of text; up to 14 letters.
inline std::string bcf_text(const std::string& text) {
  return static_cast<char>(text.size() << 4 | 7) + text;
}

// A typed whole number of one byte.
inline std::string bcf_byte(int value) { return "\x11" + little(static_cast<uint64_t>(value), 1); }

struct BcfRecord {
  uint32_t chromosome = 0, position = 4;
  std::string id = bcf_text("rs1");
  std::vector<std::string> alleles{"A", "G"};
  std::string filter = bcf_byte(0);
  std::string info = bcf_byte(2) + bcf_byte(9);                  // DP=9
  std::string genotypes = bcf_byte(3) + "\x21\x02\x05\x04\x81";  // of two samples: 0|1, 1
  uint32_t num_info = 1, num_formats = 1, num_samples = 2;

  std::string bytes() const {
    std::string shared = little(chromosome, 4) + little(position, 4) + little(1, 4) +
                         little(0x7f800001, 4) + little(num_info, 2) + little(alleles.size(), 2) +
                         little(num_samples, 3) + little(num_formats, 1) + id;
    for (const std::string& allele : alleles) shared += bcf_text(allele);
    shared += filter + info;
    return little(shared.size(), 4) + little(genotypes.size(), 4) + shared + genotypes;
  }
};

// Words of the header: PASS is 0, q10 1, DP 2, GT 3.
inline std::string bcf_header(const std::string& samples = "one\ttwo") {
  const std::string text =
      "##fileformat=VCFv4.2\n##FILTER=<ID=PASS,Description=\"All, or >none\">\n"
      "##FILTER=<Description=\"x, ID=y\",ID=q10>\n##contig=<ID=chr1,length=99>\n"
      "##contig=<ID=chr2,IDX=5>\n##INFO=<ID=DP,Number=1>\n##FORMAT=<ID=GT,Number=1>\n"
      "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" +
      samples + "\n";
  return std::string("BCF\2\2", 5) + little(text.size() + 1, 4) + text + '\0';
}

}  // namespace deepbio::test
