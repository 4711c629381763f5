// Which vector instructions the kernels of this room use.
//
// The widest that this processor has, or what the environment variable DEEPBIO_SIMD names: scalar, avx2, avx512. All
// give the same results; the choice is made when a file is opened.
// Private to `text_kernels`, its users and tests. Threads: free functions without state.
#pragma once

#include <string_view>
#include <vector>

namespace deepbio::io {

enum class Simd { kScalar, kAvx2, kAvx512 };
std::string_view to_string(Simd simd);
// What this build has and this processor can run, scalar first, the widest last.
const std::vector<Simd>& simd_paths();
// throws ArgumentError for a name that is unknown or cannot run here, with those that can.
Simd choose_simd();

}  // namespace deepbio::io
