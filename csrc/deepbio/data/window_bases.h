// Bases of a window that may reach over the ends of its chromosome. Threads: a free function.
#pragma once

#include <cstdint>

#include "deepbio/io/reads/twobit.h"

namespace deepbio::data {

// Symbols of the positions [start, end) to out, `unknown` where the chromosome has none.
//   chromosome   number of the sequence in the genome
//   is_reversed  the other strand, from end to start
void decode_bases(const io::TwoBitFile& genome, int64_t chromosome, int64_t start, int64_t end,
                  bool is_reversed, const io::BaseSymbols& symbols, char unknown, char* out);

}  // namespace deepbio::data
