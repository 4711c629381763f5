// Numbers of a file of reads: records, bases, lengths, letters, qualities. Threads: one file, one
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deepbio/base/json.h"
#include "deepbio/io/reads/fastx.h"

namespace deepbio::io {

// Counts over the records of a file. Lengths in bp, qualities as raw bytes.
struct ReadStatistics {
  std::vector<int64_t> lengths;
  int64_t bases = 0;
  int64_t num_gc = 0, num_n = 0;  // letters that are G, C or S (either of both), and N
  int64_t qualities = 0, quality_sum = 0;
  unsigned char lowest_quality = 255, highest_quality = 0;

  void add(const RecordView& record);
  // 33 or 64: what the bytes of the qualities start from, by the range that was seen.
  int quality_offset() const;
  // A warning about qualities that readers take for others, or "".
  std::string quality_warning() const;
  // records, bases, min_ mean_ median_ max_length_bp, n50_bp, gc_share, n_share; with qualities
  // mean_quality (of the scores) and quality_offset.
  Json to_json() const;
};

}  // namespace deepbio::io
