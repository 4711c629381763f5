#include "deepbio/data/window_bases.h"

#include <algorithm>

#include "catch.h"
#include "data/small_genome.h"

using namespace deepbio;
using namespace deepbio::data;

CATCH_TEST_CASE("a window over the ends of its chromosome is N there, on both strands",
                "[windows]") {
  const std::string letters = "ACGTTGCAAC";
  const io::TwoBitFile genome = genome_of(">c\n" + letters + "\n");
  const io::BaseSymbols symbols({'A', 'C', 'G', 'T', 'N'});
  const std::string padded = std::string(5, 'N') + letters + std::string(5, 'N');
  for (int64_t start = -5; start < 15; ++start) {
    for (int64_t end = start; end <= 15; ++end) {
      const auto size = static_cast<size_t>(end - start);
      std::string expected = padded.substr(static_cast<size_t>(start + 5), size);
      std::string found(size, '?');
      decode_bases(genome, 0, start, end, false, symbols, 'N', found.data());
      CATCH_REQUIRE(found == expected);
      std::reverse(expected.begin(), expected.end());
      for (char& c : expected) c = "ACGTN"[std::string("TGCAN").find(c)];
      decode_bases(genome, 0, start, end, true, symbols, 'N', found.data());
      CATCH_REQUIRE(found == expected);
    }
  }
}
