// Numbers of a file of reads: records, bases, lengths, letters, qualities. Threads: one file, one
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "deepbio/base/json.h"
#include "deepbio/io/fastx.h"

namespace deepbio::seq {

// Counts over the records of a file. Lengths in bp, qualities as raw bytes.
struct ReadStatistics {
  std::vector<int64_t> lengths;
  int64_t bases = 0;
  std::array<int64_t, 256> letters{};
  int64_t qualities = 0, quality_sum = 0;
  unsigned char lowest_quality = 255, highest_quality = 0;

  void add(const io::RecordView& record);
  // How many letters are one of these.
  int64_t count(const char* of) const;
  // 33 or 64: what the bytes of the qualities start from, by the range that was seen.
  int quality_offset() const;
  // A warning about qualities that readers take for others, or "".
  std::string quality_warning() const;
  // records, bases, min_ mean_ median_ max_length_bp, n50_bp, gc_share, n_share; with qualities
  // mean_quality (of the scores) and quality_offset.
  Json to_json() const;
};

}  // namespace deepbio::seq
