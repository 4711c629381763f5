// BCF, not compressed: the input follows a header of two samples; every allele that is kept is
// letters of ACGTN, and every copy carries alleles that there are.
#include "parse_input.h"

#include "deepbio/io/tables/vcf.h"

using namespace deepbio;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text =
      "##fileformat=VCFv4.2\n##contig=<ID=c>\n##INFO=<ID=DP>\n##FORMAT=<ID=GT>\n"
      "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\n";
  std::string bytes("BCF\2\2");
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(text.size() >> (8 * i) & 0xff);
  bytes += text;
  bytes.append(reinterpret_cast<const char*>(data), size);
  fuzz::read_input(bytes, "", [](const std::string& path) {
    const io::Variants variants =
        io::Variants::read(path, {.is_passing = false, .samples = std::vector<std::string>{}});
    for (int64_t i = 0; i < variants.size(); ++i) {
      const io::Variant variant = variants.at(i);
      for (const std::string_view allele : {variant.reference, variant.alternative}) {
        if (allele.empty() || allele.find_first_not_of("ACGTN") != std::string_view::npos)
          __builtin_trap();
      }
      if (variant.position < 0) __builtin_trap();
    }
    for (int64_t copy = 0; copy < 4; ++copy) {
      for (const uint32_t item : variants.carried(copy)) {
        if (item >= variants.size()) __builtin_trap();
      }
    }
  });
  return 0;
}
