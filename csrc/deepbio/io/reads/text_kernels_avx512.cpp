// Compiled with the flags of AVX-512 with byte masks and VBMI2 (CMakeLists.txt); run only where
// simd_paths() and has_byte_compression() say so.
#include "deepbio/io/reads/text_kernels_vector.h"

#if defined(__AVX512VBMI2__)
#include <immintrin.h>

namespace deepbio::io {
namespace {

struct Bytes64 {
  static constexpr long kBytes = 64;
  using Mask = uint64_t;
  static __m512i at(const char* text) { return _mm512_loadu_si512(text); }
  static Mask equals(__m512i text, char byte) {
    return _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(byte));
  }
  // Bytes that do not lie in [low, low + size) as unsigned numbers.
  static Mask outside(__m512i text, char low, char size) {
    return _mm512_cmpge_epu8_mask(_mm512_sub_epi8(text, _mm512_set1_epi8(low)),
                                  _mm512_set1_epi8(size));
  }
  static Mask not_sequence(__m512i text) {
    const Mask others = outside(_mm512_or_si512(text, _mm512_set1_epi8(0x20)), 'a', 26);
    if (others == 0) return 0;
    return others & ~(equals(text, '*') | equals(text, '-') | equals(text, '.'));
  }
  static Mask not_quality(__m512i text) { return outside(text, '!', '~' - '!' + 1); }
  static Mask ends_title(__m512i text) {
    return equals(text, '\n') | equals(text, '\r') | equals(text, '\0');
  }
  static Mask ends_name(__m512i text) { return equals(text, ' ') | equals(text, '\t'); }
};

bool find_four_lines(const char* begin, const char* end, FourLines& found) {
  return find_four_lines_by<Bytes64>(begin, end, found);
}

// Each vector is stored without its line ends.
JoinedLines join_lines(const char* begin, const char* end, char* out) {
  JoinedLines joined{begin, out, 0};
  for (const char* at = begin; end - at >= Bytes64::kBytes; at += Bytes64::kBytes) {
    const __m512i text = Bytes64::at(at);
    const uint64_t others = Bytes64::not_sequence(text),
                   newlines = others & Bytes64::equals(text, '\n');
    if (others == 0) {
      _mm512_storeu_si512(out, text);
      out += Bytes64::kBytes;
      continue;
    }
    _mm512_storeu_si512(out, _mm512_maskz_compress_epi8(~newlines, text));
    const uint64_t bad = others & ~newlines;
    // Line ends before the first bad byte.
    const uint64_t whole = bad == 0 ? newlines : newlines & (bad ^ (bad - 1));
    if (whole != 0) {
      const auto last = 63 - static_cast<unsigned>(__builtin_clzll(whole));
      // The bits up to the last; all when that is the highest.
      const uint64_t through = (uint64_t{2} << last) - 1;
      joined = {at + last + 1, out + __builtin_popcountll(~newlines & through),
                joined.num_lines + __builtin_popcountll(whole)};
    }
    if (bad != 0) return joined;
    out += Bytes64::kBytes - __builtin_popcountll(newlines);
  }
  const JoinedLines rest = text_kernels(Simd::kScalar).join_lines(joined.in, end, joined.out);
  return {rest.in, rest.out, joined.num_lines + rest.num_lines};
}

}  // namespace

extern const TextKernels kAvx512Kernels;
const TextKernels kAvx512Kernels{find_four_lines, join_lines};

}  // namespace deepbio::io
#endif
