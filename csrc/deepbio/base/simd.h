// Which vector instructions the library uses: one choice for reading, k-mers, UniFrac, tests by
// permutation and the fused encoder.
//
// The widest that this processor has, or what the environment variable DEEPBIO_SIMD names: scalar,
// avx2, avx512. Records, k-mers, errors and double-precision distances are the same whatever is
// chosen; sums in float differ in their last digits, as the order of additions does. The choice is
// made at the start of a piece of work (a file is opened, a matrix begun, a stack run), not in its
// loops. Loops that the compiler turns into vectors by itself (target_clones) hold integers or
// fixed orders of sums only, and follow the processor. Threads: free functions without state.
#pragma once

#include <string_view>
#include <vector>

namespace deepbio {

// scalar  what every processor of the target has (SSE2 on x86-64)
// avx2    with FMA and BMI: Haswell, Zen and later
// avx512  F, BW, DQ and VL: Skylake-X, Zen 4 and later
enum class Simd { kScalar, kAvx2, kAvx512 };
std::string_view to_string(Simd simd);
// What this build has and this processor can run, scalar first, the widest last.
const std::vector<Simd>& simd_paths();
// throws ArgumentError for a name that is unknown or cannot run here, with those that can.
Simd choose_simd();

// VBMI2, which not every processor with AVX-512 has: bytes of a vector are packed by one
// instruction.
bool has_byte_compression();

}  // namespace deepbio
