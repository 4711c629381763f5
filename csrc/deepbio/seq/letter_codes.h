// Letters to ids and ids to rows of a tensor: the loops inside of `encode`, as vector code where
// the processor has it. Threads: free functions, no state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "deepbio/seq/alphabet.h"

namespace deepbio::seq {

// out[i] = id of letters[i], -1 for an unknown one. returns true when all letters are known.
bool letter_codes(std::string_view letters, const Alphabet& alphabet, int8_t* out);

// ids to numbers; -1 stays -1, and is 255 in bytes.
void expand_codes(const int8_t* codes, size_t size, int64_t* out);
void expand_codes(const int8_t* codes, size_t size, float* out);
void expand_codes(const int8_t* codes, size_t size, uint8_t* out);

// One-hot rows of `num_letters` columns that lie `stride` floats apart; all stride columns are
// written. -1: zeros.
void expand_one_hot(const int8_t* codes, size_t size, size_t num_letters, size_t stride,
                    float* out);
// The plane of one letter: 1 where codes[i] is it, else 0.
void expand_plane(const int8_t* codes, size_t size, int8_t letter, float* out);

// The other strand of A C G T (U in RNA) and N, in either case, to `out` of the same size, which is
// another place than the letters'. False when there was another letter: then what was written is of
// no use.
bool turn_letters(std::string_view letters, SequenceType type, char* out);

}  // namespace deepbio::seq
