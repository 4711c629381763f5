// The inner loops of k-mers: letters to digits, digits to the numbers of all windows. Vector code, chosen at load time
// for the processor; no tensors, no policies.
#pragma once

#include <cstddef>
#include <cstdint>

namespace deepbio::seq {

// Four letters and the digit of each; `other` is a fifth letter that reads as one of them.
struct FourLetters {
  char letters[4];
  char other;
  uint8_t other_digit;
  bool fold_case;  // the letters are given in lower case and match both cases
};

// digits[i] = the digit of text[i], 0 when it is none of the letters.
//   returns  whether every letter was known
bool four_letter_digits(const char* text, size_t size, const FourLetters& letters, uint8_t* digits);

// The number of each window of k digits in base `base`: windows[i] = sum of digits[i + j] * base^(k-1-j), for
// num_digits - k + 1 windows. A window of the other strand, digits complemented (base - 1 - digit) and read backwards,
// is numbered in `reverse` when it is given. base^k fits T.
//   inputs   spare: room for num_digits numbers, twice that with `reverse`
template <class T>
void number_windows(const uint8_t* digits, size_t num_digits, int64_t k, int64_t base, T* windows, T* spare,
                    T* reverse = nullptr);
extern template void number_windows(const uint8_t*, size_t, int64_t, int64_t, uint16_t*, uint16_t*, uint16_t*);
extern template void number_windows(const uint8_t*, size_t, int64_t, int64_t, uint32_t*, uint32_t*, uint32_t*);
extern template void number_windows(const uint8_t*, size_t, int64_t, int64_t, uint64_t*, uint64_t*, uint64_t*);

// out[i] = numbers[i] + offset, widened.
void widen(const uint16_t* numbers, size_t size, int64_t offset, int64_t* out);
void widen(const uint32_t* numbers, size_t size, int64_t offset, int64_t* out);
void widen(const uint64_t* numbers, size_t size, int64_t offset, int64_t* out);
void widen(const int32_t* numbers, size_t size, int64_t offset, int64_t* out);
void widen(const uint16_t* numbers, size_t size, int32_t offset, int32_t* out);
// a[i] = the smaller of a[i] and b[i].
void keep_smaller(uint16_t* a, const uint16_t* b, size_t size);
void keep_smaller(uint32_t* a, const uint32_t* b, size_t size);
void keep_smaller(uint64_t* a, const uint64_t* b, size_t size);

}  // namespace deepbio::seq
