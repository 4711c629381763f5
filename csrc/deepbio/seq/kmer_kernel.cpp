// Numbers of all windows of a text of four letters, eight at a time. The letters are first packed,
// two bits each; a window is then a 64-bit word of that, shifted and masked, and eight windows that
// begin one letter after another come from one word by eight shifts. The other strand is packed
// beside it with its digits complemented and its first letter lowest, so its number needs no
// reversal either.
#include "deepbio/seq/kmer_kernel.h"

#include <algorithm>
#include <cstring>

#include "deepbio/base/error.h"
#include "deepbio/base/vector_clones.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define DEEPBIO_AVX2 __attribute__((target("avx2,bmi,bmi2")))
#define DEEPBIO_AVX512 __attribute__((target("avx512f,avx512bw,bmi,bmi2")))
#endif

namespace deepbio::seq {
namespace {

constexpr int64_t kMostK = 31;
constexpr int64_t kMostKOfWord = 22;  // eight of them, each a letter on, after three: 64 bits

// What a version gets: the letters, the windows and where the numbers go.
template <class T>
struct Job {
  const char* text;
  size_t size;
  const FourLetters& letters;
  int64_t k;
  bool canonical;
  T offset;
  T* out;
  size_t count() const { return size + 1 - static_cast<size_t>(k); }
  uint64_t mask() const { return (uint64_t{1} << (2 * k)) - 1; }
};

// The definition, and what runs where there are no vectors or k is above 22: both numbers roll, one
// digit in and one out.
template <class T>
bool number_one_by_one(const Job<T>& job) {
  const auto k = static_cast<size_t>(job.k);
  uint64_t forward = 0, back = 0;
  bool is_known = true;
  for (size_t i = 0; i < job.size; ++i) {
    const auto byte = static_cast<uint8_t>(static_cast<uint8_t>(job.text[i]) | job.letters.fold);
    const uint64_t digit = job.letters.digit[byte & 15];
    is_known &= job.letters.letter[byte & 15] == byte;
    forward = (forward << 2 | digit) & job.mask();
    back = back >> 2 | (3 - digit) << (2 * k - 2);
    if (i + 1 < k) continue;
    // Of a k-mer and its reverse complement the smaller number is the canonical one.
    job.out[i + 1 - k] = static_cast<T>(
        static_cast<T>(job.canonical ? std::min(forward, back) : forward) + job.offset);
  }
  return is_known;
}

#if defined(__x86_64__)
// Two bits a letter, with room for a word before the first and beyond the last. In `high` the first
// letter of a byte has its highest bits, in `low`, where all digits are complemented, its lowest.
struct Packed {
  static constexpr size_t kFront = 16;
  uint8_t high[kFront + LetterWindows::kMostLetters / 4 + 64],
      low[kFront + LetterWindows::kMostLetters / 4 + 64];
};

// The processor reads the first byte as the lowest; turned round, the first letter has the highest
// bits, as in the number of a k-mer.
uint64_t first_is_high(const uint8_t* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  return __builtin_bswap64(word);
}
uint64_t first_is_low(const uint8_t* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

template <class T>
DEEPBIO_AVX512 bool number_avx512(const Job<T>& job) {
  // Not set to zero: bytes before and after the text only reach windows that are cut off.
  Packed packed;
  // Every lane of 16 bytes has the table: a shuffle looks up 64 letters by their low four bits, in
  // which the four letters differ, and comparing with letter_of afterwards tells whether it was
  // that letter.
  const __m512i digit_of = _mm512_maskz_broadcast_i32x4(
      0xFFFF, _mm_load_si128(reinterpret_cast<const __m128i*>(job.letters.digit)));
  const __m512i letter_of = _mm512_maskz_broadcast_i32x4(
      0xFFFF, _mm_load_si128(reinterpret_cast<const __m128i*>(job.letters.letter)));
  const __m512i fold = _mm512_set1_epi8(static_cast<char>(job.letters.fold));
  __mmask64 unknown = 0;
  for (size_t i = 0; i < job.size; i += 64) {
    const __mmask64 there =
        _bzhi_u64(~uint64_t{0}, static_cast<unsigned>(std::min<size_t>(job.size - i, 64)));
    const __m512i bytes = _mm512_or_si512(_mm512_maskz_loadu_epi8(there, job.text + i), fold);
    unknown |= _mm512_mask_cmpneq_epi8_mask(there, _mm512_shuffle_epi8(letter_of, bytes), bytes);
    const __m512i digits = _mm512_shuffle_epi8(digit_of, bytes);
    // Pairs of digits, then pairs of pairs, by products and sums.
    const __m512i pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x0104));
    const __m512i fours = _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x00010010));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(packed.high + Packed::kFront + i / 4),
                     _mm512_maskz_cvtepi32_epi8(0xFFFF, fours));
    if (!job.canonical) continue;
    const __m512i other = _mm512_sub_epi8(_mm512_set1_epi8(3), digits);
    const __m512i back = _mm512_maddubs_epi16(other, _mm512_set1_epi16(0x0401));
    const __m512i four_back = _mm512_madd_epi16(back, _mm512_set1_epi32(0x00100001));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(packed.low + Packed::kFront + i / 4),
                     _mm512_maskz_cvtepi32_epi8(0xFFFF, four_back));
  }
  // Stores of whole cache lines: the first eight windows begin `early` ones before the row.
  const size_t count = job.count(),
               early = sizeof(T) == 8 ? reinterpret_cast<uintptr_t>(job.out) / 8 % 8 : 0;
  const size_t front = 4 * Packed::kFront - early;  // letters before the first of these windows
  const auto inside = static_cast<int64_t>(2 * (front % 4));
  const __m512i down =
      _mm512_add_epi64(_mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), _mm512_set1_epi64(inside));
  const __m512i top = _mm512_sub_epi64(_mm512_set1_epi64(64 - 2 * job.k), down);
  const __m512i mask = _mm512_set1_epi64(static_cast<int64_t>(job.mask()));
  const __m512i offset = _mm512_set1_epi64(static_cast<int64_t>(job.offset));
  for (size_t i = 0; i < count + early; i += 8) {
    const auto word = static_cast<int64_t>(first_is_high(packed.high + (front + i) / 4));
    __m512i numbers = _mm512_and_si512(_mm512_srlv_epi64(_mm512_set1_epi64(word), top), mask);
    if (job.canonical) {
      const auto back = static_cast<int64_t>(first_is_low(packed.low + (front + i) / 4));
      const __m512i other =
          _mm512_and_si512(_mm512_srlv_epi64(_mm512_set1_epi64(back), down), mask);
      numbers = _mm512_maskz_min_epu64(0xFF, numbers, other);
    }
    numbers = _mm512_add_epi64(numbers, offset);
    const uint32_t begins = i == 0 ? 0xFF << early & 0xFF : 0xFF;
    const uint32_t lanes =
        i + 8 <= count + early ? begins : begins & ((1U << (count + early - i)) - 1);
    T* to = job.out + i - early;
    if constexpr (sizeof(T) == 8) {
      _mm512_mask_storeu_epi64(to, static_cast<__mmask8>(lanes), numbers);
    } else if constexpr (sizeof(T) == 4) {
      const __m256i narrow = _mm512_maskz_cvtepi64_epi32(0xFF, numbers);
      if (lanes == 0xFF) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), narrow);
      } else {
        _mm512_mask_storeu_epi32(to, static_cast<__mmask16>(lanes), _mm512_castsi256_si512(narrow));
      }
    } else {
      const __m128i narrow = _mm512_maskz_cvtepi64_epi16(0xFF, numbers);
      if (lanes == 0xFF) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), narrow);
      } else {
        _mm512_mask_storeu_epi16(to, static_cast<__mmask32>(lanes), _mm512_castsi128_si512(narrow));
      }
    }
  }
  return unknown == 0;
}

// Bytes 0 of the eight 32-bit numbers.
DEEPBIO_AVX2 inline void store_bytes(__m256i fours, uint8_t* to) {
  const __m256i picked = _mm256_shuffle_epi8(fours, _mm256_set1_epi32(0x0C080400));
  const int first = _mm256_extract_epi32(picked, 0), second = _mm256_extract_epi32(picked, 4);
  std::memcpy(to, &first, sizeof(first));
  std::memcpy(to + 4, &second, sizeof(second));
}

template <class T>
DEEPBIO_AVX2 bool number_avx2(const Job<T>& job) {
  Packed packed;
  const __m256i digit_of = _mm256_broadcastsi128_si256(
      _mm_load_si128(reinterpret_cast<const __m128i*>(job.letters.digit)));
  const __m256i letter_of = _mm256_broadcastsi128_si256(
      _mm_load_si128(reinterpret_cast<const __m128i*>(job.letters.letter)));
  const __m256i fold = _mm256_set1_epi8(static_cast<char>(job.letters.fold));
  __m256i known = _mm256_set1_epi8(-1);
  for (size_t i = 0; i < job.size; i += 32) {
    // AVX2 has no masked load of bytes: the rest of the text is copied, filled up with a letter
    // that is known to be there.
    char last[32];
    const char* from = job.text + i;
    if (i + 32 > job.size) {
      std::memset(last, job.text[0], sizeof(last));
      std::memcpy(last, from, job.size - i);
      from = last;
    }
    const __m256i bytes =
        _mm256_or_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)), fold);
    known =
        _mm256_and_si256(known, _mm256_cmpeq_epi8(_mm256_shuffle_epi8(letter_of, bytes), bytes));
    const __m256i digits = _mm256_shuffle_epi8(digit_of, bytes);
    const __m256i pairs = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(0x0104));
    store_bytes(_mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00010010)),
                packed.high + Packed::kFront + i / 4);
    if (!job.canonical) continue;
    const __m256i other = _mm256_sub_epi8(_mm256_set1_epi8(3), digits);
    const __m256i back = _mm256_maddubs_epi16(other, _mm256_set1_epi16(0x0401));
    store_bytes(_mm256_madd_epi16(back, _mm256_set1_epi32(0x00100001)),
                packed.low + Packed::kFront + i / 4);
  }
  const __m256i mask = _mm256_set1_epi64x(static_cast<int64_t>(job.mask()));
  const size_t count = job.count();
  for (size_t i = 0; i < count; i += 8) {
    const __m256i word = _mm256_set1_epi64x(
        static_cast<int64_t>(first_is_high(packed.high + Packed::kFront + i / 4)));
    // AVX2 has no store with a mask of eight lanes and no narrowing of 64 bits; through memory both
    // are plain.
    int64_t eight[8];
    for (int half = 0; half < 2; ++half) {
      const __m256i down =
          _mm256_add_epi64(_mm256_setr_epi64x(0, 2, 4, 6), _mm256_set1_epi64x(8 * half));
      const __m256i top = _mm256_sub_epi64(_mm256_set1_epi64x(64 - 2 * job.k), down);
      __m256i numbers = _mm256_and_si256(_mm256_srlv_epi64(word, top), mask);
      if (job.canonical) {
        const __m256i back = _mm256_set1_epi64x(
            static_cast<int64_t>(first_is_low(packed.low + Packed::kFront + i / 4)));
        // AVX2 compares signed: numbers have at most 44 bits, so no sign is in the way.
        const __m256i other = _mm256_and_si256(_mm256_srlv_epi64(back, down), mask);
        numbers = _mm256_blendv_epi8(numbers, other, _mm256_cmpgt_epi64(numbers, other));
      }
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(eight + 4 * half), numbers);
    }
    const size_t some = std::min<size_t>(count - i, 8);
    for (size_t j = 0; j < some; ++j)
      job.out[i + j] = static_cast<T>(static_cast<T>(eight[j]) + job.offset);
  }
  return _mm256_movemask_epi8(known) == -1;
}
#endif

}  // namespace

FourLetters::FourLetters(std::string_view letters, char other, bool folds_case)
    : fold(folds_case ? 0x20 : 0) {
  if (letters.size() != 4) throw ArgumentError("letters: expected four, got " + quoted(letters));
  for (uint8_t half = 0; half < 16; ++half) {
    digit[half] = 0;
    letter[half] = half ^ 1;  // which no byte of this low half is
  }
  const auto add = [&](char each, size_t number) {
    const auto byte = static_cast<uint8_t>(each);
    if (byte >= 0x80 || letter[byte & 15] != ((byte & 15) ^ 1)) {
      throw ArgumentError(
          "letters: expected ASCII letters that differ in their low four bits, got " +
          quoted(letters));
    }
    digit[byte & 15] = static_cast<uint8_t>(number);
    letter[byte & 15] = byte;
  };
  for (size_t i = 0; i < 4; ++i) add(letters[i], i);
  if (other != 0) add(other, 3);
}

LetterWindows::LetterWindows(const FourLetters& letters, int64_t k, bool canonical, Simd simd)
    : letters_(letters),
      k_(k),
      canonical_(canonical),
      // Eight windows of one word need 2 (k + 7 + 3) bits: up to three letters come before the
      // first, as a word begins at a whole byte.
      simd_(k > kMostKOfWord ? Simd::kScalar : simd) {
  if (k < 1 || k > kMostK)
    throw ArgumentError("k: expected 1 to 31 for windows, got " + std::to_string(k));
}

template <class T>
bool LetterWindows::number(const char* text, size_t size, T offset, T* out) const {
  const Job<T> job{text, size, letters_, k_, canonical_, offset, out};
#if defined(__x86_64__)
  if (simd_ == Simd::kAvx512) return number_avx512(job);
  if (simd_ == Simd::kAvx2) return number_avx2(job);
#endif
  return number_one_by_one(job);
}
template bool LetterWindows::number(const char*, size_t, uint16_t, uint16_t*) const;
template bool LetterWindows::number(const char*, size_t, int32_t, int32_t*) const;
template bool LetterWindows::number(const char*, size_t, int64_t, int64_t*) const;

DEEPBIO_CLONES void widen(const int32_t* numbers, size_t size, int64_t* out) {
  for (size_t i = 0; i < size; ++i) out[i] = numbers[i];
}

}  // namespace deepbio::seq
