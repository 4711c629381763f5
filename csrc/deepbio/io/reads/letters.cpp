// Which bytes an alphabet allows, as tables of 256 entries made at compile time.
#include "deepbio/io/reads/letters.h"

#include <algorithm>
#include <array>
#include <string>

#include "deepbio/base/error.h"

namespace deepbio::io {
namespace {

using Table = std::array<unsigned char, 256>;  // 1: not allowed
// In the order of the enum.
constexpr std::array<std::string_view, 5> kNames{"any", "dna", "rna", "iupac", "protein"};
constexpr std::array<std::string_view, 5> kAllowed{"", "ACGTN", "ACGUN", "ACGTURYSWKMBDHVN-.",
                                                   "ACDEFGHIKLMNPQRSTVWYBJOUXZ*-"};

constexpr Table table_of(std::string_view allowed_bytes) {
  Table table{};
  for (unsigned char& entry : table) entry = allowed_bytes.empty() ? 0 : 1;
  for (const char letter : allowed_bytes) {
    table[static_cast<unsigned char>(letter)] = 0;
    if (letter >= 'A' && letter <= 'Z') table[static_cast<unsigned char>(letter - 'A' + 'a')] = 0;
  }
  return table;
}

constexpr std::array<Table, 5> kTables{table_of(kAllowed[0]), table_of(kAllowed[1]),
                                       table_of(kAllowed[2]), table_of(kAllowed[3]),
                                       table_of(kAllowed[4])};

}  // namespace

Letters parse_letters(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) {
    throw ArgumentError("alphabet: expected any, dna, rna, iupac or protein, got " + quoted(name));
  }
  return static_cast<Letters>(found - kNames.begin());
}

std::string_view to_string(Letters letters) { return kNames[static_cast<size_t>(letters)]; }

std::string_view allowed(Letters letters) { return kAllowed[static_cast<size_t>(letters)]; }

size_t find_foreign_letter(std::string_view sequence, Letters letters) {
  if (letters == Letters::kAny) return std::string_view::npos;
  const Table& table = kTables[static_cast<size_t>(letters)];
  unsigned foreign = 0;  // a second look only at the rare sequence that needs one
  for (const char c : sequence) foreign |= table[static_cast<unsigned char>(c)];
  if (foreign == 0) return std::string_view::npos;
  size_t at = 0;
  while (table[static_cast<unsigned char>(sequence[at])] == 0) ++at;
  return at;
}

}  // namespace deepbio::io
