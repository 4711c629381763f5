// Takes one FASTA record after another from the front of a TextWindow; the grammar is that of
// fastx.h.
//
// Private to `fastx`. Threads: belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "deepbio/io/bytes/text_window.h"
#include "deepbio/io/reads/fasta_lines.h"
#include "deepbio/io/reads/fastq_record.h"

namespace deepbio::io {

class FastaScanner {
 public:
  enum class Result { kRecord, kBad, kTooLarge, kEnd };
  // The window outlives the scanner.
  FastaScanner(TextWindow& window, uint64_t max_record_bytes, Simd simd);
  // After kBad the rest of that record is passed over by the next call.
  Result next();

  // After kRecord; they live until the next call.
  std::string_view title, sequence;
  int64_t offset_bytes = 0, line = 0;  // of the title line
  // After kBad: problem.line and problem.offset_bytes count from this line.
  RecordProblem problem;
  int64_t problem_line = 0, problem_offset_bytes = 0;

 private:
  struct Line {
    std::string_view text;
    int64_t offset_bytes = 0, number = 0;
  };
  bool take_line(Line& taken);
  bool find_title(Line& taken);
  bool read_sequence();
  bool append(Line& taken);
  bool take_plain_lines();
  bool fail(ErrorKind kind, const Line& where, size_t at, std::string expected, std::string got);
  Result stopped() const;

  TextWindow& window_;
  uint64_t max_record_bytes_;
  FastaLines lines_;
  std::string title_;
  bool is_skipping_ = false;  // a bad record is being passed over
  bool is_bad_ = false, is_too_large_ = false;
};

}  // namespace deepbio::io
