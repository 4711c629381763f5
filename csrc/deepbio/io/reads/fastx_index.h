// Where each record of a sequence file begins, kept in a side-car file FILE.dbx, for random access.
//
// Layout, little-endian: magic "DBXINDEX", version, length of the whole index, size and
// modification time of the sequence file, a hash of its first and last 64 KiB, counts, then per 64
// records one offset and the place of their deltas (varints), the access points of a compressed
// file with their windows, and a CRC-32 of everything before. An index that is stale, damaged, cut
// or of another version is built again, never trusted. It is built in one pass, which checks every
// record and checksum, written atomically and opened read-only by mmap. When it cannot be written
// (a read-only folder), it lives in memory. Threads: an index is constant once opened; it may be
// shared by threads and after a fork.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "deepbio/io/bytes/random_bytes.h"
#include "deepbio/io/reads/fastx.h"

namespace deepbio::io {

struct IndexOptions {
  std::string cache_dir;  // where the index is kept; "": beside the file
  int num_threads = 1;    // for building: 2 or more inflate ahead of the parser, see OpenOptions
  uint64_t max_record_bytes = 0;  // as in FastxOptions
  bool allow_empty = false;       // as in FastxOptions
  bool is_kept_open = true;  // of FastxFile: false opens the file for each read (PositionedFile)
};

class FastxIndex {
 public:
  // throws MissingFileError, ParseError of the first bad record, ArgumentError for "-".
  static FastxIndex open_or_build(const std::string& path, const IndexOptions& options = {});
  // Of a file that is open: the index is of this file, even when another has been renamed over it
  // (ParseError).
  static FastxIndex open_or_build(const PositionedFile& file, const IndexOptions& options = {});
  // Where the index of a file is kept.
  static std::string index_path(const std::string& path, const std::string& cache_dir);

  int64_t size() const { return num_records_; }
  int64_t num_bases() const { return num_bases_; }
  int64_t num_left_out() const { return num_left_out_; }  // as in SkipReport
  Format format() const { return format_; }
  const AccessMap& access() const { return access_; }
  uint64_t num_index_bytes() const { return bytes_.size(); }
  bool was_built() const { return was_built_; }  // false: it was found on disk

  // [begin, end) of a record in the decompressed data.
  struct Span {
    uint64_t begin = 0, end = 0;
  };
  // i in [0, size()). complexity: at most 64 small steps. throws ArgumentError, ParseError (index
  // out of its file).
  Span span(int64_t i) const { return Walker(*this).at(i); }

  // Spans of many records: those in ascending order share their steps.
  class Walker {
   public:
    // index must outlive the walker.
    explicit Walker(const FastxIndex& index) : index_(index) {}
    Span at(int64_t i);

   private:
    const FastxIndex& index_;
    int64_t number_ = -1;  // of the record that begins at begin_
    uint64_t begin_ = 0;
    size_t delta_at_ = 0;  // where the delta to the next record of the block is
  };

 private:
  FastxIndex() = default;
  bool load(std::shared_ptr<const void> owner, std::string_view bytes, const PositionedFile& file);
  bool load_sections(std::string_view blocks, std::string_view deltas, std::string_view points);

  std::string path_;                   // of the sequence file, for messages
  std::shared_ptr<const void> owner_;  // of bytes_
  std::string_view bytes_, blocks_, deltas_;
  AccessMap access_;
  int64_t num_records_ = 0, num_bases_ = 0, num_left_out_ = 0;
  Format format_ = Format::kFastq;
  bool was_built_ = false;
};

}  // namespace deepbio::io
