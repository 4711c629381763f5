#include "deepbio/data/window_bases.h"

#include <algorithm>

namespace deepbio::data {

void decode_bases(const io::TwoBitFile& genome, int64_t chromosome, int64_t start, int64_t end,
                  bool is_reversed, const io::BaseSymbols& symbols, char unknown, char* out) {
  const int64_t length = genome.sequences()[static_cast<size_t>(chromosome)].length_bp;
  const int64_t first = std::clamp(start, int64_t{0}, length),
                last = std::clamp(end, first, length);
  // The window lies outside of its chromosome altogether.
  if (first >= last) {
    std::fill(out, out + (end - start), unknown);
    return;
  }
  // Read from the other strand, what is past the chromosome's end comes first.
  const int64_t before = is_reversed ? end - last : first - start;
  std::fill(out, out + before, unknown);
  genome.decode(chromosome, first, last, is_reversed, symbols, out + before);
  std::fill(out + before + (last - first), out + (end - start), unknown);
}

}  // namespace deepbio::data
