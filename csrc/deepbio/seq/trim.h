// Cuts and masks by quality or adapter. Nothing here is random; qualities follow the sequence.
//
//   EndTrimmer      both ends lose letters until one has a score >= threshold
//   WindowTrimmer   from the first window of `width` letters whose mean score is below threshold,
//                   all is cut (the sliding window of Bolger et al. 2014, Trimmomatic); a read
//                   shorter than the window is one window
//   AdapterTrimmer  from the leftmost place where the adapter begins, all is cut. At least
//                   min_overlap letters of it are compared, fewer than all only at the read's end;
//                   at most floor(max_error_rate * compared) differ. Gaps are not looked for. N in
//                   the adapter fits every letter.
//   QualityMasker   letters with a score below threshold become N
// A score is the quality byte minus 33. A read without qualities is an ArgumentError where they are
// needed.
#pragma once

#include <cstdint>
#include <string>

#include "deepbio/seq/read.h"

namespace deepbio::seq {

class EndTrimmer : public Transform {
 public:
  explicit EndTrimmer(int64_t threshold);  // throws ArgumentError: threshold outside 0..93
  bool apply(Read& read) const override;

 private:
  char lowest_;
};

class WindowTrimmer : public Transform {
 public:
  WindowTrimmer(int64_t threshold, int64_t width);  // throws ArgumentError: width below 1
  bool apply(Read& read) const override;

 private:
  int64_t threshold_, width_;
};

class AdapterTrimmer : public Transform {
 public:
  // throws ArgumentError: an empty adapter, min_overlap outside 1..size, a rate outside [0, 1).
  AdapterTrimmer(std::string adapter, double max_error_rate, int64_t min_overlap);
  bool apply(Read& read) const override;

 private:
  std::string adapter_;  // upper case
  double max_error_rate_;
  size_t min_overlap_;
};

class QualityMasker : public Transform {
 public:
  explicit QualityMasker(int64_t threshold);
  bool apply(Read& read) const override;

 private:
  char lowest_;
};

}  // namespace deepbio::seq
