// Intervals of a genome: BED (3 columns or more), narrowPeak, broadPeak, GTF and GFF3.
//
// Plain, gzip or BGZF; cells apart by tabs, or by blanks where the first line has no tab. Lines
// that begin with `#`, `track` or `browser` are passed over, blank ones too; what comes after
// `##FASTA` is not read. A first line whose second cell is no number names the columns. Which
// format it is follows from the content: nine columns with numbers in the fourth and fifth alone
// are GTF; ten whose last is a whole number are narrowPeak; nine with signal values where BED has
// thick parts are broadPeak. Everywhere in the library intervals are 0-based and half-open; GTF
// counts from 1 and includes the end, and is turned when it is read. Order and overlaps are free.
// Threads: free functions; an Intervals is constant.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deepbio/io/tables/name_numbers.h"

namespace deepbio::io {

struct IntervalOptions {
  std::string feature;  // of GTF and GFF3: rows of this type alone ("gene"); "": all
};

class Intervals {
 public:
  // throws MissingFileError; ParseError with file, line, expected and found: too few columns, no
  // number, start >= end, a strand that is none, no intervals; ArgumentError: a feature that there
  // is not.
  static Intervals read(const std::string& path, const IntervalOptions& options = {});
  // Of values in memory; name stands for a path in messages. strands: '+', '-' or '.', or empty.
  //   throws ParseError with the row, ShapeError
  static Intervals from_values(std::string name, const std::vector<std::string>& chromosomes,
                               std::vector<int64_t> starts, std::vector<int64_t> ends,
                               const std::string& strands);

  int64_t size() const { return static_cast<int64_t>(starts.size()); }
  const std::string& path() const { return path_; }
  std::string_view format() const { return format_; }  // "BED", "narrowPeak", "broadPeak", "GTF"
  // Names of the columns, in the order of the file; of GTF without those of its attributes.
  const std::vector<std::string>& columns() const { return columns_; }
  // The cells of a column; of GTF also an attribute ("gene_id"), "" where a row has none.
  //   throws ArgumentError naming the nearest column
  std::vector<std::string> values(std::string_view column) const;
  // The same as numbers, or nothing where no cell is one.
  //   throws ParseError: a number in one row and none in another
  std::optional<std::vector<double>> numbers(std::string_view column) const;
  // "FILE: line 12": where a row is, for messages.
  std::string where(int64_t row) const;
  // An error of a row.
  [[noreturn]] void fail(int64_t row, const std::string& expected, const std::string& got) const;

  // Of chromosomes, in the order in which they first come.
  const std::vector<std::string>& names() const { return chromosomes_.names(); }
  std::vector<int32_t> chromosome;  // of each interval, a place in names()
  std::vector<int64_t> starts, ends;
  std::string strands;           // '+', '-' or '.' of each
  std::vector<int64_t> summits;  // narrowPeak: position of the peak, -1 where none; else empty

 private:
  friend class IntervalReader;

  std::string path_, format_ = "BED", text_;
  char separator_ = '\t';
  std::vector<std::string> columns_;
  std::vector<size_t> lines_;          // where the line of each interval begins in text_
  std::vector<int64_t> line_numbers_;  // from 1
  NameNumbers chromosomes_;
};

// Sorts stretches (structs with start and end) and joins those that overlap or touch.
template <class Stretch>
void join_stretches(std::vector<Stretch>& stretches) {
  std::sort(stretches.begin(), stretches.end(),
            [](const Stretch& a, const Stretch& b) { return a.start < b.start; });
  std::vector<Stretch> joined;
  for (const Stretch& next : stretches) {
    if (!joined.empty() && next.start <= joined.back().end) {
      joined.back().end = std::max(joined.back().end, next.end);
    } else {
      joined.push_back(next);
    }
  }
  stretches = std::move(joined);
}

}  // namespace deepbio::io
