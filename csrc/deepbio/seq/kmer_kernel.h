// The inner loop of k-mers: letters to the numbers of all windows; no tensors, no policies.
//
// Letters are packed, two bits each, four a byte, so that one word holds the next eight windows: a
// shift and a mask make each number. Scalar, AVX2 and AVX-512 versions give the same numbers; the
// processor's widest is taken. Private to kmer. Immutable; threads share it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "deepbio/base/simd.h"

namespace deepbio::seq {

// Four letters and the digit of each, looked up by the low half of a byte.
struct FourLetters {
  // letters: four, in the order of their digits, in lower case when `folds_case`; other: a letter
  // that reads as the last of the four, or 0.
  //   throws  ArgumentError: not four letters, or two of them have the same low half
  FourLetters(std::string_view letters, char other, bool folds_case);
  alignas(16) uint8_t digit[16];
  alignas(16) uint8_t letter[16];  // the letter that is meant; no byte has another's low half
  uint8_t fold;                    // set in a byte before it is compared
};

class LetterWindows {
 public:
  static constexpr size_t kMostLetters = 2048;

  //   throws  ArgumentError: k outside of 1 to 31
  LetterWindows(const FourLetters& letters, int64_t k, bool canonical, Simd simd = choose_simd());
  // The number of each window of k letters: out[i] = offset + sum of digit(text[i + j]) *
  // 4^(k-1-j), for size - k + 1 windows. Canonical: the smaller of that sum and the one of the
  // other strand (3 - digit, read backwards). Windows with another letter have a number of no
  // meaning.
  //   inputs   size k to kMostLetters; T holds 4^k + offset: uint16_t, int32_t or int64_t
  //   returns  whether every letter was known
  template <class T>
  bool number(const char* text, size_t size, T offset, T* out) const;

 private:
  FourLetters letters_;
  int64_t k_;
  bool canonical_;
  Simd simd_;
};
extern template bool LetterWindows::number(const char*, size_t, uint16_t, uint16_t*) const;
extern template bool LetterWindows::number(const char*, size_t, int32_t, int32_t*) const;
extern template bool LetterWindows::number(const char*, size_t, int64_t, int64_t*) const;

// out[i] = numbers[i], widened.
void widen(const int32_t* numbers, size_t size, int64_t* out);

}  // namespace deepbio::seq
