// Finds one FASTQ record at the beginning of a text; the grammar is that of fastx.h.
//
// The common four-line record takes a fast path; anything else (wrapped lines, a missing final
// newline, damage) is looked at line by line. Nothing is thrown for bad text, so that a caller may
// try places one after another. Private to `fastx`. Threads: belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "deepbio/base/error.h"
#include "deepbio/io/reads/text_kernels.h"

namespace deepbio::io {

// What is wrong with a record, and where, counted from its beginning.
struct RecordProblem {
  ErrorKind kind = ErrorKind::kStructure;
  int64_t line = 0;
  size_t offset_bytes = 0;
  std::string expected, got;
};
// Sets problem when a title holds NUL or a lone carriage return.
bool is_title_good(std::string_view title, RecordProblem& problem);

class FastqScanner {
 public:
  enum class Result { kRecord, kNeedMore, kBad };
  explicit FastqScanner(Simd simd = choose_simd());
  // The usual record at the front of a text: four whole lines, nothing wrong. Null for any other,
  // which scan() looks at. In the header, and not by way of the views below, because a copy of a
  // view that was just written waits for it.
  const FourLines* scan_four_lines(std::string_view text) {
    return kernels_->find_four_lines(text.data(), text.data() + text.size(), found_) ? &found_
                                                                                     : nullptr;
  }
  // is_end: no text follows. kNeedMore: the record goes on after the text.
  Result scan(std::string_view text, bool is_end);

  // After kRecord: views into the text, or into this object for a wrapped record.
  std::string_view title, sequence, quality;
  size_t name_bytes = 0;  // of the title
  size_t num_bytes = 0;
  int64_t num_lines = 0;
  // After kBad.
  RecordProblem problem;

 private:
  enum class Take { kLine, kNeedMore, kEnd };
  struct Line {
    std::string_view text;
    size_t offset_bytes = 0;
    int64_t number = 0;
    bool is_terminated = true;
  };

  Take take(Line& line);
  Result read_title();
  Result read_sequence();
  void begin_joining(std::string& joined, std::string_view first) const;
  Result read_wrapped_sequence(const Line& first);
  Result read_plus();
  Result read_quality();
  Result read_wrapped_quality(const Line& first);
  Result check_letters();
  Result bad(ErrorKind kind, const Line& line, std::string expected, std::string got);
  Result truncated(const char* expected);
  Result wrong_length(const Line& line, size_t size);

  const TextKernels* kernels_;
  FourLines found_;
  std::string_view text_;
  bool is_end_ = false;
  size_t at_ = 0;
  Line title_line_, sequence_line_, plus_line_, quality_line_;
  std::string joined_sequence_, joined_quality_;
};

}  // namespace deepbio::io
