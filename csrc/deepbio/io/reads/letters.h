// Which letters a sequence may hold, where a user wants fewer than the format allows.
//
//   any      every letter, '*', '-', '.' (the format itself)
//   dna      A C G T N              rna   A C G U N
//   iupac    A C G T U, the ambiguity codes R Y S W K M B D H V N, gaps '-' '.'
//   protein  the 20 amino acids, B J O U X Z, stop '*', gap '-'
// Lower case counts as upper case. Threads: pure functions.
#pragma once

#include <cstddef>
#include <string_view>

namespace deepbio::io {

enum class Letters { kAny, kDna, kRna, kIupac, kProtein };
// "any", "dna", "rna", "iupac", "protein"; throws ArgumentError.
Letters parse_letters(std::string_view name);
std::string_view to_string(Letters letters);
// The upper-case letters and signs as text, "" for kAny.
std::string_view allowed(Letters letters);
// Where the first byte is that is not allowed; npos when all are.
size_t find_foreign_letter(std::string_view sequence, Letters letters);

}  // namespace deepbio::io
