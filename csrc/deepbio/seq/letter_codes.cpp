// The loops under every encoder, over 64 letters at a time. DEEPBIO_CLONES compiles each for
// several instruction sets; what is always inlined into them is compiled along with them.
#include "deepbio/seq/letter_codes.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "deepbio/base/vector_clones.h"

namespace deepbio::seq {
namespace {

// 64 letters at once, in registers of whatever width there is. Written with vectors because a
// compiler turns the same comparisons in a plain loop into branches, which random letters
// mispredict.
using Letters __attribute__((vector_size(64))) = uint8_t;

// Adds to `unknown` what is no letter. (No vector is handed over: how that is done depends on the
// instruction set.)
__attribute__((always_inline)) inline void code_block(const char* letters, int8_t* out,
                                                      Letters& unknown) {
  Letters block;
  std::memcpy(&block, letters, sizeof block);
  // Clears the bit of lower case. Signs lose it too, but none of them becomes one of these letters.
  block &= 0xDF;
  const Letters is_a = reinterpret_cast<Letters>(block == 'A'),
                is_c = reinterpret_cast<Letters>(block == 'C');
  const Letters is_g = reinterpret_cast<Letters>(block == 'G');
  const Letters is_t =
      reinterpret_cast<Letters>(block == 'T') | reinterpret_cast<Letters>(block == 'U');
  const Letters not_known = ~(is_a | is_c | is_g | is_t);
  // A comparison gives all ones where it holds: as int8 the code -1 of an unknown letter comes by
  // itself.
  const Letters codes = (is_c & 1) | (is_g & 2) | (is_t & 3) | not_known;
  std::memcpy(out, &codes, sizeof codes);
  unknown |= not_known;
}

// A C G T or U, in either case; not 0 when there was another letter.
DEEPBIO_CLONES uint64_t nucleotide_codes(const char* letters, size_t size, int8_t* out) {
  Letters unknown{};
  if (size == 0) return 0;
  if (size < sizeof(Letters)) {
    char text[sizeof(Letters)];
    int8_t codes[sizeof(Letters)];
    // The filling is a known letter, so that it does not count as unknown.
    std::memset(text, 'A', sizeof text);
    std::memcpy(text, letters, size);
    code_block(text, codes, unknown);
    std::memcpy(out, codes, size);
  } else {
    for (size_t i = 0; i + sizeof(Letters) <= size; i += sizeof(Letters))
      code_block(letters + i, out + i, unknown);
    const size_t last = size - sizeof(Letters);  // overlaps what is done already
    code_block(letters + last, out + last, unknown);
  }
  uint64_t words[sizeof(Letters) / sizeof(uint64_t)], any = 0;
  std::memcpy(words, &unknown, sizeof unknown);
  for (const uint64_t word : words) any |= word;
  return any;
}

// The other strand of a block. A and T (U), C and G differ by bits of their own, N pairs with
// itself.
__attribute__((always_inline)) inline void turn_block(const char* letters, char last_base,
                                                      char* out, Letters& unknown) {
  Letters block;
  std::memcpy(&block, letters, sizeof block);
  const Letters upper = block & 0xDF;
  const Letters is_at = reinterpret_cast<Letters>(upper == 'A') |
                        reinterpret_cast<Letters>(upper == static_cast<uint8_t>(last_base));
  const Letters is_cg =
      reinterpret_cast<Letters>(upper == 'C') | reinterpret_cast<Letters>(upper == 'G');
  unknown |= ~(is_at | is_cg | reinterpret_cast<Letters>(upper == 'N'));
  // The exclusive or of two letters turns each into the other and leaves the bit of the case alone.
  block ^= (is_at & static_cast<uint8_t>('A' ^ last_base)) | (is_cg & ('C' ^ 'G'));
  block = __builtin_shufflevector(block, block, 63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51,
                                  50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35,
                                  34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19,
                                  18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  std::memcpy(out, &block, sizeof block);
}

DEEPBIO_CLONES uint64_t turn(const char* letters, size_t size, char last_base, char* out) {
  Letters unknown{};
  if (size == 0) return 0;
  if (size < sizeof(Letters)) {
    char text[sizeof(Letters)], turned[sizeof(Letters)];
    std::memset(text, 'A', sizeof text);
    std::memcpy(text, letters, size);
    turn_block(text, last_base, turned, unknown);
    std::memcpy(out, turned + sizeof turned - size, size);
  } else {
    const size_t last = size - sizeof(Letters);
    for (size_t i = 0; i < last; i += sizeof(Letters))
      turn_block(letters + i, last_base, out + last - i, unknown);
    turn_block(letters + last, last_base, out, unknown);  // overlaps what is done already
  }
  uint64_t words[sizeof(Letters) / sizeof(uint64_t)], any = 0;
  std::memcpy(words, &unknown, sizeof unknown);
  for (const uint64_t word : words) any |= word;
  return any;
}

template <class Number>
inline void widen(const int8_t* codes, size_t size, Number* out) {
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<Number>(codes[i]);
}
DEEPBIO_CLONES void to_int64(const int8_t* codes, size_t size, int64_t* out) {
  widen(codes, size, out);
}
DEEPBIO_CLONES void to_float(const int8_t* codes, size_t size, float* out) {
  widen(codes, size, out);
}
DEEPBIO_CLONES void to_plane(const int8_t* codes, size_t size, int8_t letter, float* out) {
  for (size_t i = 0; i < size; ++i) out[i] = codes[i] == letter ? 1.0F : 0.0F;
}

// Rows of four letters, four rows at once. Four codes are one word; each lane of the block looks at
// the byte of its row and compares it with the letter of its column.
static_assert(std::endian::native == std::endian::little);
using Lanes __attribute__((vector_size(64))) = int32_t;
constexpr Lanes kRowByte = {0xFF,     0xFF,     0xFF,     0xFF,     0xFF00,   0xFF00,
                            0xFF00,   0xFF00,   0xFF0000, 0xFF0000, 0xFF0000, 0xFF0000,
                            -1 << 24, -1 << 24, -1 << 24, -1 << 24};
constexpr Lanes kColumnLetter = {0, 1,       2,       3,       0, 1 << 8,  2 << 8,  3 << 8,
                                 0, 1 << 16, 2 << 16, 3 << 16, 0, 1 << 24, 2 << 24, 3 << 24};
constexpr int32_t kBitsOfOne = 0x3F800000;  // 1.0F

DEEPBIO_CLONES void to_four_columns(const int8_t* codes, size_t num_words, float* out) {
  for (size_t i = 0; i < num_words; ++i) {
    int32_t word = 0;
    std::memcpy(&word, codes + 4 * i, sizeof word);
    const Lanes ones = ((word & kRowByte) == kColumnLetter) & kBitsOfOne;
    std::memcpy(out + 16 * i, &ones, sizeof ones);
  }
}

// By code + 1: the first row is that of an unknown letter.
constexpr float kFourLetters[5][4] = {
    {0, 0, 0, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}};

}  // namespace

bool letter_codes(std::string_view letters, const Alphabet& alphabet, int8_t* out) {
  if (alphabet.type() != SequenceType::kProtein)
    return nucleotide_codes(letters.data(), letters.size(), out) == 0;
  int8_t lowest = 0;
  for (size_t i = 0; i < letters.size(); ++i) {
    out[i] = alphabet.id(letters[i]);
    lowest = std::min(lowest, out[i]);
  }
  return lowest == 0;
}

bool turn_letters(std::string_view letters, SequenceType type, char* out) {
  return turn(letters.data(), letters.size(), type == SequenceType::kRna ? 'U' : 'T', out) == 0;
}

void expand_codes(const int8_t* codes, size_t size, int64_t* out) { to_int64(codes, size, out); }
void expand_codes(const int8_t* codes, size_t size, float* out) { to_float(codes, size, out); }
void expand_codes(const int8_t* codes, size_t size, uint8_t* out) {
  if (size > 0) std::memcpy(out, codes, size);
}

void expand_one_hot(const int8_t* codes, size_t size, size_t num_letters, size_t stride,
                    float* out) {
  // Rows without gaps: the usual case. With a column for the quality, or 20 letters, a row is
  // zeros and one number.
  if (num_letters == 4 && stride == 4) {
    to_four_columns(codes, size / 4, out);
    for (size_t i = size / 4 * 4; i < size; ++i)
      std::memcpy(out + 4 * i, kFourLetters[codes[i] + 1], sizeof kFourLetters[0]);
    return;
  }
  std::fill(out, out + size * stride, 0.0F);
  for (size_t i = 0; i < size; ++i) {
    if (codes[i] >= 0) out[i * stride + static_cast<size_t>(codes[i])] = 1;
  }
}

void expand_plane(const int8_t* codes, size_t size, int8_t letter, float* out) {
  to_plane(codes, size, letter, out);
}

}  // namespace deepbio::seq
