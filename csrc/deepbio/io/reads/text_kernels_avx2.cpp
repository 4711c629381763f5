// Compiled with the flags of AVX2 (CMakeLists.txt); run only where simd_paths() says so.
#include "deepbio/io/reads/text_kernels_vector.h"

#if defined(__AVX2__)
#include <immintrin.h>

namespace deepbio::io {
namespace {

struct Bytes32 {
  static constexpr long kBytes = 32;
  using Mask = uint64_t;  // 33 values of a shift are needed
  static __m256i at(const char* text) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text));
  }
  static Mask mask(__m256i bytes) { return static_cast<uint32_t>(_mm256_movemask_epi8(bytes)); }
  static __m256i equals(__m256i text, char byte) {
    return _mm256_cmpeq_epi8(text, _mm256_set1_epi8(byte));
  }
  // Bytes that lie in [low, low + size) as unsigned numbers.
  // AVX2 compares signed bytes only: moving the range down to -128 makes a signed comparison of an
  // unsigned one.
  static __m256i within(__m256i text, char low, char size) {
    const __m256i moved = _mm256_sub_epi8(text, _mm256_set1_epi8(static_cast<char>(low - 128)));
    return _mm256_cmpgt_epi8(_mm256_set1_epi8(static_cast<char>(size - 128)), moved);
  }
  static Mask not_sequence(__m256i text) {
    const __m256i letters = within(_mm256_or_si256(text, _mm256_set1_epi8(0x20)), 'a', 26);
    const Mask others = ~mask(letters) & 0xffffffffu;
    // Most vectors are letters alone.
    if (others == 0) return 0;
    const __m256i signs =
        _mm256_or_si256(_mm256_or_si256(equals(text, '*'), equals(text, '-')), equals(text, '.'));
    return others & ~mask(signs);
  }
  static Mask not_quality(__m256i text) {
    return ~mask(within(text, '!', '~' - '!' + 1)) & 0xffffffffu;
  }
  static Mask ends_title(__m256i text) {
    return mask(_mm256_or_si256(_mm256_or_si256(equals(text, '\n'), equals(text, '\r')),
                                equals(text, '\0')));
  }
  static Mask ends_name(__m256i text) {
    return mask(_mm256_or_si256(equals(text, ' '), equals(text, '\t')));
  }
};

bool find_four_lines(const char* begin, const char* end, FourLines& found) {
  return find_four_lines_by<Bytes32>(begin, end, found);
}

// Whole vectors are stored and the next line starts where this one ended, over what was stored too
// much.
JoinedLines join_lines(const char* begin, const char* end, char* out) {
  JoinedLines joined{begin, out, 0};
  const char* at = begin;
  while (end - at >= Bytes32::kBytes) {
    const __m256i text = Bytes32::at(at);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), text);
    const uint64_t stops = Bytes32::not_sequence(text);
    if (stops == 0) {
      at += Bytes32::kBytes;
      out += Bytes32::kBytes;
      continue;
    }
    const auto stop = static_cast<unsigned>(__builtin_ctzll(stops));
    // Back to the last line end: what comes after it is looked at by the caller.
    if (at[stop] != '\n') return joined;
    at += stop + 1;
    out += stop;
    joined = {at, out, joined.num_lines + 1};
  }
  const JoinedLines rest = text_kernels(Simd::kScalar).join_lines(joined.in, end, joined.out);
  return {rest.in, rest.out, joined.num_lines + rest.num_lines};
}

}  // namespace

extern const TextKernels kAvx2Kernels;
const TextKernels kAvx2Kernels{find_four_lines, join_lines};

}  // namespace deepbio::io
#endif
