// Asks the processor, not the compiler: one build runs everywhere, and the kernels of wider
// instruction sets are compiled apart and entered only after this says so.
#include "deepbio/base/simd.h"

#include <cstdlib>
#include <string>

#include "deepbio/base/error.h"

namespace deepbio {
namespace {

#if defined(__x86_64__)
// AVX2 alone is not enough: the kernels are compiled with FMA and the bit instructions too, and
// there are processors (and emulators) that have one without the other.
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

std::vector<Simd> find_paths() {
  std::vector<Simd> found{Simd::kScalar};
#if defined(__x86_64__)
  if (has_avx2()) found.push_back(Simd::kAvx2);
  // Kernels for AVX-512 use what belongs to AVX2, too.
  if (has_avx2() && has_avx512()) found.push_back(Simd::kAvx512);
#endif
  return found;
}

}  // namespace

std::string_view to_string(Simd simd) {
  constexpr std::string_view kNames[] = {"scalar", "avx2", "avx512"};
  return kNames[static_cast<int>(simd)];
}

const std::vector<Simd>& simd_paths() {
  static const std::vector<Simd> paths = find_paths();
  return paths;
}

Simd choose_simd() {
  // Read at each call, so that a test can change it in its own process.
  const char* wanted = std::getenv("DEEPBIO_SIMD");
  if (wanted == nullptr || *wanted == '\0') return simd_paths().back();
  std::string names;
  for (const Simd simd : simd_paths()) {
    if (to_string(simd) == wanted) return simd;
    names += (names.empty() ? "" : ", ") + std::string(to_string(simd));
  }
  throw ArgumentError("DEEPBIO_SIMD: expected one of " + names + " (this processor), got " +
                      quoted(wanted));
}

bool has_byte_compression() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512vbmi2");
#else
  return false;
#endif
}

}  // namespace deepbio
