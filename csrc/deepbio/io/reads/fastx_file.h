// Records of a sequence file by number: size(), get(i), read(many), over the index of
// fastx_index.h.
//
// A record is the same as FastxReader gives. A file that is written to after it was opened is a
// ParseError. Threads: constant and free of shared positions (pread); safe from many threads and
// after a fork.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "deepbio/io/reads/fastx_index.h"

namespace deepbio::io {

class FastxFile {
 public:
  // Opens or builds the index. throws as FastxIndex::open_or_build.
  explicit FastxFile(const std::string& path, const IndexOptions& options = {});
  int64_t size() const { return index_.size(); }
  const FastxIndex& index() const { return index_; }
  // What is odd about the file, though no error: BGZF without its end block, alignments left
  // out, no records; "" when nothing is.
  std::string warning() const;
  // i in [0, size()). throws ArgumentError, ParseError.
  void get(int64_t i, Record& out) const;
  // Appends the records in the order asked for, repeats included. They are read in the order of the
  // file, neighbours in one piece and a BGZF block once, so that large batches are cheap in any
  // order and cheapest when sorted. throws ArgumentError, ParseError; then out is as it was.
  void read(std::span<const int64_t> records, RecordBatch& out) const;

 private:
  void read_sorted(std::span<const int64_t> records, RecordBatch& out) const;

  PositionedFile file_;
  FastxIndex index_;
};

}  // namespace deepbio::io
