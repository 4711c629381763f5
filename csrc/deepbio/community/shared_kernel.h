// The inner loop of UniFrac: many samples (rows) against a panel of samples, over a chunk of
// branches that many hold.
//
// A panel holds, for each branch of a chunk, the weights of kLanes<T> samples side by side (512
// bytes: eight registers of AVX-512); 0 where a sample lacks the branch. A chunk of kChunk branches
// fits the first cache, and a row brings its sums into registers once for all of them. T is double,
// uint32_t (fixed point; sums and minima only) or float (powers only). Sums of doubles and floats
// are exact, and so do not depend on their order, where weights are multiples of a common grid
// (shared_branches.h). Compiled for AVX-512, AVX2 and the baseline, picked at run time. Threads:
// pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "deepbio/base/simd.h"

namespace deepbio::community {

template <class T>
inline constexpr int64_t kLanes = 512 / sizeof(T);
inline constexpr int64_t kChunk = 64;

// What a branch adds for two samples that both hold it.
enum class Shared {
  kSum,    // its length
  kMin,    // min(w_i, w_j), w = L p
  kPower,  // two sums: L s^alpha |p_i-p_j| / s - P_i - P_j and L s^alpha - P_i - P_j, s = p_i +
           // p_j, P = L p^alpha
};

template <class T>
struct SharedTile {
  // The panel: [kChunk, kLanes<T>] each, aligned to 64 bytes.
  const T* panel;         // w; p under kPower
  const T* panel_power;   // P; kPower
  const T* panel_length;  // [kChunk] L; kPower
  // Row r holds the entries [start[r], start[r + 1]) of index, value and power.
  const int64_t* start;  // [num_rows + 1]
  const uint8_t* index;  // branch within the chunk
  const T* value;        // w, p under kPower; not read under kSum
  const T* power;        // P; kPower
  int64_t num_rows;
  // Sums that are added to, [num_rows, kLanes<T>], aligned to 64 bytes; second under kPower only.
  T* first;
  T* second;
  double alpha = 1;
  // Added to a term of kPower and taken away again: 1.5 * 2^52 grids, which rounds it to a
  // multiple; 0 leaves it.
  T rounder = 0;
  // Lanes that are added up, multiples of kLaneStep: a row needs no sample in front of its own, nor
  // empty lanes.
  int64_t first_lane = 0, last_lane = kLanes<T>;
};
template <class T>
inline constexpr int64_t kLaneStep = kLanes<T> / 4;

template <class T>
void add_shared(Shared shared, const SharedTile<T>& tile, Simd simd);

// One sample against others over one branch that all of them hold: the terms of kPower, bit by bit
// as above.
template <class T>
struct SharedList {
  T own, own_power, length;
  const T* other;        // [count]
  const T* other_power;  // [count]
  int64_t count;
  T* first;   // [count], written
  T* second;  // [count], written
  double alpha;
  T rounder;
};
template <class T>
void shared_terms(const SharedList<T>& list, Simd simd);

// x^alpha for x > 0 to about 1e-14, in vectors where the loop around it allows.
double positive_power(double x, double alpha);

}  // namespace deepbio::community
