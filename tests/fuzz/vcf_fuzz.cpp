// VCF: the input follows a header; every allele that is kept is letters of ACGTN, and not the
// other.
#include "parse_input.h"

#include "deepbio/io/tables/vcf.h"

using namespace deepbio;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string header =
      "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";
  fuzz::read_input(
      header + std::string(reinterpret_cast<const char*>(data), size), "",
      [](const std::string& path) {
        const io::Variants variants = io::Variants::read(path);
        for (int64_t i = 0; i < variants.size(); ++i) {
          const io::Variant variant = variants.at(i);
          const auto is_text = [](std::string_view allele) {
            return !allele.empty() && allele.find_first_not_of("ACGTN") == std::string_view::npos;
          };
          if (variant.position < 0 || !is_text(variant.reference) ||
              !is_text(variant.alternative) || variant.reference == variant.alternative)
            __builtin_trap();
        }
      });
  return 0;
}
