// k-mers as tensors: how often each is in a read, or the number of each window. Axes: B reads,
// A letters, W windows.
//
// The number of a k-mer is its place in alphabet order (AAA.. is 0, the last letter counts least).
// Canonical: a k-mer and its reverse complement count as the smaller number of the two; the width
// A^k stays. Unknown letters: kError names letter and 1-based position; kZero leaves out every
// window that has one (ids: -1); kRandom draws a letter by (seed, epoch, record). kIupac is for
// one-hot only. Threads: at::parallel_for over reads.
#pragma once

#include "deepbio/seq/encode.h"

namespace deepbio::seq {

constexpr int64_t kMostKmerCounts = int64_t{1} << 24;  // A^k of a count vector: 64 MiB a read

struct KmerOptions {
  int64_t k = 3;
  bool canonical = false;  // DNA and RNA only
  bool overlap = true;  // ids: a window at every letter; false: windows side by side, what is left
                        // over dropped
  EncodeOptions letters;  // sequence type, unknown, max_length (letters), pad_to (ids: windows),
                          // seed, epoch, records
  at::ScalarType dtype = at::kFloat;  // of counts: float32, uint8 or uint16
};

// throws  ArgumentError: k out of range (counts: A^k above 2^24; ids: above 2^62), canonical
// proteins, policy kIupac
void check_kmer_counts(const KmerOptions& options);
void check_kmer_ids(const KmerOptions& options);

// returns  values [B, A^k] of options.dtype; a read shorter than k is all zeros; lengths: letters
//          kept of each read
// throws   ArgumentError with letter, 1-based position and the expected set (policy kError), or
//          when a k-mer is in a read more often than the dtype can count
Encoded encode_kmer_counts(std::span<const std::string_view> reads, const KmerOptions& options);
// returns  values int64 [B, W], padding -1; W = windows of the longest read or pad_to; lengths:
//          letters kept
// throws   ArgumentError as above, or when a read has more windows than pad_to
Encoded encode_kmer_ids(std::span<const std::string_view> reads, const KmerOptions& options);

// Windows of k letters in `length` letters.
int64_t num_windows(int64_t length, int64_t k, bool overlap);

}  // namespace deepbio::seq
