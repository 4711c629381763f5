// Numbers along a genome: bigWig, bedGraph, and BED, which is 1 where an interval lies.
//
// Which it is follows from the content: bedGraph is text of four columns whose last is a number.
// Its intervals must be sorted within a chromosome and not overlap; those of BED may be in any
// order. A track of text is held in memory, 12 bytes an interval; a bigWig stays in its file
// (bigwig.h) unless it is asked for. Threads: constant; safe from many threads and after a fork.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace deepbio::io {

class SignalTrack {
 public:
  virtual ~SignalTrack();
  virtual const std::string& path() const = 0;
  // Names of the chromosomes that it has values of.
  virtual const std::vector<std::string>& chromosomes() const = 0;
  // Writes the values of positions [start, end) to out[0, end - start); positions without one are
  // left as they are. chromosome is a place in chromosomes(). throws ParseError: a damaged file, or
  // one that was written to.
  virtual void fill(int64_t chromosome, int64_t start, int64_t end, float* out) const = 0;
  // Calls with start, end and value of all values of a chromosome, in the order of the file.
  using Call = std::function<void(int64_t, int64_t, float)>;
  virtual void for_each(int64_t chromosome, const Call& call) const = 0;
};

// throws MissingFileError; ParseError with file and line: start >= end, no number, unsorted or
// overlapping bedGraph, a bigBed.
//   in_memory  a bigWig is read whole, so that windows of it cost no inflating: 12 bytes for each
//              stretch of one value
std::shared_ptr<const SignalTrack> open_track(const std::string& path, bool in_memory = false);

}  // namespace deepbio::io
