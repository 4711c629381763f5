// The inner loop of UniFrac: one sample against a panel of samples, over the branches that many samples hold.
//
// A panel holds, for each common branch, the weights of kLanes<T> samples side by side (256 bytes, four registers of
// AVX-512); 0 where a sample lacks the branch. One call takes the branches of one chunk of kChunk rows, which fit the
// first cache, adds them in T and then to a sum in double. The code is compiled for AVX-512, AVX2 and the baseline, and
// picked at run time. Threads: pure functions.
#pragma once

#include <cstdint>
#include <vector>

namespace deepbio::community {

template <class T>
inline constexpr int64_t kLanes = 256 / sizeof(T);
inline constexpr int64_t kChunk = 128;

// What a branch adds for two samples that both hold it.
enum class Shared {
  kSum,    // its length
  kMin,    // min(w_i, w_j), w = L p
  kPower,  // two sums: L (s^alpha |p_i-p_j| / s - p_i^alpha - p_j^alpha) and L (s^alpha - ...), s = p_i + p_j
};

// The common branches of one sample in one chunk.
template <class T>
struct CommonBranches {
  const int32_t* index;  // [count] row of the panel, ascending
  const T* value;        // w; p under kPower
  const T* power;        // L p^alpha under kPower
  int64_t count;
};
template <class T>
struct Panel {
  const T* value;   // [rows, kLanes<T>]
  const T* power;   // the same, L p^alpha; kPower
  const T* length;  // [rows]; kPower
};

// What the kernel is compiled for; those that this processor runs, the best first.
enum class Instructions { kAvx512, kAvx2, kBaseline };
const std::vector<Instructions>& usable_instructions();

// first, second: [kLanes<T>] sums that are added to; second under kPower only.
template <class T>
void add_shared(Shared shared, double alpha, const CommonBranches<T>& row, const Panel<T>& panel, double* first,
                double* second, Instructions instructions = usable_instructions().front());

}  // namespace deepbio::community
