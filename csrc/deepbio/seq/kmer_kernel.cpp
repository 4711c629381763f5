#include "deepbio/seq/kmer_kernel.h"

#include <algorithm>
#include <bit>

// The compiler makes one version per instruction set and the loader picks one; sanitizers cannot follow that.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define DEEPBIO_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DEEPBIO_CLONES
#endif
#define DEEPBIO_INLINE __attribute__((always_inline)) inline

namespace deepbio::seq {
namespace {

// out[i] = high[i] * scale + low[i]
template <class T, class Low>
DEEPBIO_INLINE void join_loop(const T* __restrict high, const Low* __restrict low, size_t size, T scale,
                              T* __restrict out) {
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<T>(high[i] * scale + static_cast<T>(low[i]));
}
// out[i] = low[i] + high[i] * scale, the digits of `high` complemented
template <class T>
DEEPBIO_INLINE void complement_loop(const T* __restrict low, const uint8_t* __restrict high, size_t size, T scale,
                                    T most, T* __restrict out) {
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<T>(low[i] + (most - high[i]) * scale);
}
template <class T, class Number, class Offset>
DEEPBIO_INLINE void widen_loop(const Number* __restrict numbers, size_t size, Offset offset, T* __restrict out) {
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<T>(numbers[i]) + offset;
}
template <class T>
DEEPBIO_INLINE void smaller_loop(T* __restrict a, const T* __restrict b, size_t size) {
  for (size_t i = 0; i < size; ++i) a[i] = std::min(a[i], b[i]);
}

// A version of each loop per type, since only plain functions can have clones.
#define DEEPBIO_LOOPS(T)                                                                                         \
  DEEPBIO_CLONES void join(const T* high, const T* low, size_t size, T scale, T* out) {                          \
    join_loop(high, low, size, scale, out);                                                                      \
  }                                                                                                              \
  DEEPBIO_CLONES void join(const T* high, const uint8_t* low, size_t size, T scale, T* out) {                    \
    join_loop(high, low, size, scale, out);                                                                      \
  }                                                                                                              \
  DEEPBIO_CLONES void join_complement(const T* low, const uint8_t* high, size_t size, T scale, T most, T* out) { \
    complement_loop(low, high, size, scale, most, out);                                                          \
  }                                                                                                              \
  DEEPBIO_CLONES void start(const uint8_t* digits, size_t size, T* out) { widen_loop(digits, size, T{0}, out); } \
  DEEPBIO_CLONES void start_complement(const uint8_t* digits, size_t size, T most, T* out) {                     \
    for (size_t i = 0; i < size; ++i) out[i] = static_cast<T>(most - digits[i]);                                 \
  }
DEEPBIO_LOOPS(uint16_t)
DEEPBIO_LOOPS(uint32_t)
DEEPBIO_LOOPS(uint64_t)
#undef DEEPBIO_LOOPS

// Both digits and validity without branches, so that they become vector code.
DEEPBIO_CLONES bool digits_loop(const char* text, size_t size, const FourLetters& letters, uint8_t* digits) {
  const auto a = static_cast<uint8_t>(letters.letters[0]), b = static_cast<uint8_t>(letters.letters[1]),
             c = static_cast<uint8_t>(letters.letters[2]), d = static_cast<uint8_t>(letters.letters[3]),
             other = static_cast<uint8_t>(letters.other), other_digit = letters.other_digit;
  const uint8_t fold = letters.fold_case ? 0x20 : 0;
  uint8_t unknown = 0;
  for (size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<uint8_t>(static_cast<uint8_t>(text[i]) | fold);
    const uint8_t is_b = byte == b, is_c = byte == c, is_d = byte == d, is_other = byte == other;
    digits[i] = static_cast<uint8_t>(is_b | is_c << 1 | is_d * 3 | is_other * other_digit);
    unknown |= static_cast<uint8_t>(!((byte == a) | is_b | is_c | is_d | is_other));
  }
  return unknown == 0;
}

template <class T>
T power(int64_t base, int64_t exponent) {
  T out = 1;
  for (int64_t i = 0; i < exponent; ++i) out = static_cast<T>(out * static_cast<T>(base));
  return out;
}

}  // namespace

bool four_letter_digits(const char* text, size_t size, const FourLetters& letters, uint8_t* digits) {
  return digits_loop(text, size, letters, digits);
}

// Windows of w digits joined to windows of 2 w, and one digit more where k has a bit: log2 k passes over the text.
template <class T>
void number_windows(const uint8_t* digits, size_t num_digits, int64_t k, int64_t base, T* windows, T* spare,
                    T* reverse) {
  const auto most = static_cast<T>(base - 1);
  T *from = windows, *to = spare;
  T *back_from = reverse, *back_to = spare + num_digits;
  // The last pass has to end in `windows`.
  const int passes = 2 * (std::bit_width(static_cast<uint64_t>(k)) - 1) -
                     (std::bit_width(static_cast<uint64_t>(k)) - std::popcount(static_cast<uint64_t>(k)));
  if (passes % 2 == 1) std::swap(from, to), std::swap(back_from, back_to);
  start(digits, num_digits, from);
  if (reverse) start_complement(digits, num_digits, most, back_from);
  int64_t width = 1;
  for (int bit = static_cast<int>(std::bit_width(static_cast<uint64_t>(k))) - 2; bit >= 0; --bit) {
    size_t count = num_digits - static_cast<size_t>(2 * width) + 1;
    const T scale = power<T>(base, width);
    join(from, from + width, count, scale, to);
    std::swap(from, to);
    if (reverse) {
      join(back_from + width, back_from, count, scale, back_to);
      std::swap(back_from, back_to);
    }
    width *= 2;
    if (!(k >> bit & 1)) continue;
    --count;
    join(from, digits + width, count, static_cast<T>(base), to);
    std::swap(from, to);
    if (reverse) {
      join_complement(back_from, digits + width, count, power<T>(base, width), most, back_to);
      std::swap(back_from, back_to);
    }
    ++width;
  }
}
template void number_windows(const uint8_t*, size_t, int64_t, int64_t, uint16_t*, uint16_t*, uint16_t*);
template void number_windows(const uint8_t*, size_t, int64_t, int64_t, uint32_t*, uint32_t*, uint32_t*);
template void number_windows(const uint8_t*, size_t, int64_t, int64_t, uint64_t*, uint64_t*, uint64_t*);

DEEPBIO_CLONES void widen(const uint16_t* numbers, size_t size, int64_t offset, int64_t* out) {
  widen_loop(numbers, size, offset, out);
}
DEEPBIO_CLONES void widen(const uint32_t* numbers, size_t size, int64_t offset, int64_t* out) {
  widen_loop(numbers, size, offset, out);
}
DEEPBIO_CLONES void widen(const uint64_t* numbers, size_t size, int64_t offset, int64_t* out) {
  widen_loop(numbers, size, offset, out);
}
DEEPBIO_CLONES void widen(const int32_t* numbers, size_t size, int64_t offset, int64_t* out) {
  widen_loop(numbers, size, offset, out);
}
DEEPBIO_CLONES void widen(const uint16_t* numbers, size_t size, int32_t offset, int32_t* out) {
  widen_loop(numbers, size, offset, out);
}
DEEPBIO_CLONES void keep_smaller(uint16_t* a, const uint16_t* b, size_t size) { smaller_loop(a, b, size); }
DEEPBIO_CLONES void keep_smaller(uint32_t* a, const uint32_t* b, size_t size) { smaller_loop(a, b, size); }
DEEPBIO_CLONES void keep_smaller(uint64_t* a, const uint64_t* b, size_t size) { smaller_loop(a, b, size); }

}  // namespace deepbio::seq
