// Records of files by number, read when they are asked for, so that memory does not grow with the
// files.
//
// Goes by the index of io/reads/fastx_index.h: a file that has none yet is read once from its
// beginning to its end, which checks all of it, and FILE.dbx is written beside it where that is
// allowed. Bad records cannot be skipped. With mates a number is that of a pair, whose names are
// compared when it is read. Threads: constant once filters have chosen; many threads may read,
// after a fork too.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "deepbio/io/reads/fastx_file.h"
#include "deepbio/seq/read.h"

namespace deepbio::data {

// Where the second reads of pairs are.
struct MatePaths {
  std::vector<std::string> files;  // one for each file of first reads; empty without
  bool is_interleaved = false;     // mates alternate in one file
  bool is_given() const { return is_interleaved || !files.empty(); }
};

// Records, and beside each its mate when there are mates.
struct ReadPairs {
  std::shared_ptr<io::RecordBatch> records, mates;
};

class IndexedReads {
 public:
  // Of the options the record limit, the quality offset, empty files and the check of mates count.
  // More than a few hundred files are not held open. throws MissingFileError, ParseError: a bad
  // record, another number of mates than of reads.
  IndexedReads(const std::vector<std::string>& paths, MatePaths mates,
               const io::FastxOptions& options = {});
  ~IndexedReads();
  int64_t size() const { return is_filtered_ ? static_cast<int64_t>(kept_.size()) : ends_.back(); }
  int64_t num_filtered() const { return ends_.back() - size(); }
  // The file of a record; index in [0, size()).
  size_t file_of(int64_t index) const;
  // Records in the order asked for. throws ParseError: mates of two names, a file that was written
  // to.
  ReadPairs read(std::span<const int64_t> indices) const;
  std::shared_ptr<io::RecordBatch> read_side(std::span<const int64_t> indices, bool is_mate) const;
  std::vector<std::string> warnings() const;  // of all files
  // Drops what a filter of the chain refuses (a pair when either mate is refused): reads all
  // records, and then keeps eight bytes for each that stays.
  void select(const seq::Transforms& transforms);

 private:
  int64_t raw_number(int64_t index) const {
    return is_filtered_ ? kept_[static_cast<size_t>(index)] : index;
  }
  void check_mates(std::span<const int64_t> indices, const ReadPairs& pairs) const;
  std::vector<char> chosen(const seq::Transforms& transforms, bool is_mate) const;
  const io::FastxFile& file(size_t number, bool is_mate) const;

  std::vector<std::string> paths_;
  MatePaths mates_;
  io::FastxOptions options_;
  std::vector<std::unique_ptr<io::FastxFile>> files_, mate_files_;
  std::vector<int64_t> ends_;  // of each file, in records or pairs
  std::vector<int64_t> kept_;
  bool is_filtered_ = false;
};

}  // namespace deepbio::data
