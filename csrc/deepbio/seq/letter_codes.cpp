#include "deepbio/seq/letter_codes.h"

#include <algorithm>
#include <cstring>

// The compiler makes one version per instruction set and the loader picks one; sanitizers cannot follow that.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define DEEPBIO_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DEEPBIO_CLONES
#endif

namespace deepbio::seq {
namespace {

// A C G T or U, in either case. Without branches, so that it becomes vector code.
DEEPBIO_CLONES uint8_t nucleotide_codes(const char* letters, size_t size, int8_t* out) {
  uint8_t unknown = 0;
  for (size_t i = 0; i < size; ++i) {
    const auto letter = static_cast<uint8_t>(letters[i] & 0xDF);
    const uint8_t is_a = letter == 'A' ? 0xFF : 0, is_c = letter == 'C' ? 0xFF : 0, is_g = letter == 'G' ? 0xFF : 0;
    const uint8_t is_t = (letter == 'T' ? 0xFF : 0) | (letter == 'U' ? 0xFF : 0);
    const auto not_known = static_cast<uint8_t>(~(is_a | is_c | is_g | is_t));
    out[i] = static_cast<int8_t>((is_c & 1) | (is_g & 2) | (is_t & 3) | not_known);
    unknown |= not_known;
  }
  return unknown;
}

template <class Number>
inline void widen(const int8_t* codes, size_t size, Number* out) {
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<Number>(codes[i]);
}
DEEPBIO_CLONES void to_int64(const int8_t* codes, size_t size, int64_t* out) { widen(codes, size, out); }
DEEPBIO_CLONES void to_float(const int8_t* codes, size_t size, float* out) { widen(codes, size, out); }
DEEPBIO_CLONES void to_plane(const int8_t* codes, size_t size, int8_t letter, float* out) {
  for (size_t i = 0; i < size; ++i) out[i] = codes[i] == letter ? 1.0F : 0.0F;
}

constexpr float kFourLetters[5][4] = {{0, 0, 0, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}};

}  // namespace

bool letter_codes(std::string_view letters, const Alphabet& alphabet, int8_t* out) {
  if (alphabet.type() != SequenceType::kProtein) return nucleotide_codes(letters.data(), letters.size(), out) == 0;
  int8_t lowest = 0;
  for (size_t i = 0; i < letters.size(); ++i) {
    out[i] = alphabet.id(letters[i]);
    lowest = std::min(lowest, out[i]);
  }
  return lowest == 0;
}

void expand_codes(const int8_t* codes, size_t size, int64_t* out) { to_int64(codes, size, out); }
void expand_codes(const int8_t* codes, size_t size, float* out) { to_float(codes, size, out); }
void expand_codes(const int8_t* codes, size_t size, uint8_t* out) {
  if (size > 0) std::memcpy(out, codes, size);
}

void expand_one_hot(const int8_t* codes, size_t size, size_t num_letters, size_t stride, float* out) {
  if (num_letters == 4 && stride == 4) {
    for (size_t i = 0; i < size; ++i) std::memcpy(out + 4 * i, kFourLetters[codes[i] + 1], sizeof kFourLetters[0]);
    return;
  }
  std::fill(out, out + size * stride, 0.0F);
  for (size_t i = 0; i < size; ++i) {
    if (codes[i] >= 0) out[i * stride + static_cast<size_t>(codes[i])] = 1;
  }
}

void expand_plane(const int8_t* codes, size_t size, int8_t letter, float* out) { to_plane(codes, size, letter, out); }

}  // namespace deepbio::seq
