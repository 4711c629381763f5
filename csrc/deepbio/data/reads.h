// Records of FASTA and FASTQ files to batches: transforms, encoding, and a dataset of records.
//
// A transform that draws is keyed by (seed, epoch, record). Filters choose records when files are opened, so that the
// size is exact; they may stand only before the first random step.
// Threads: batch() is constant and may be called from many threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/data/batch.h"
#include "deepbio/data/indexed_reads.h"
#include "deepbio/io/fastx.h"
#include "deepbio/seq/encode.h"
#include "deepbio/seq/read.h"

namespace deepbio::data {

class ReadEncoder;  // read_encoder.h
enum class Encoding { kOneHot, kInteger, kTokens };
Encoding parse_encoding(std::string_view name);  // "onehot", "integer", "tokens"

// How reads become tensors: the transforms in order, then the encoding.
struct ReadEncoding {
  seq::Transforms transforms;
  std::shared_ptr<const ReadEncoder> encoder;  // in place of what follows when it is given
  Encoding encoding = Encoding::kOneHot;
  seq::EncodeOptions encode;  // its spans are set for each batch
  seq::QualityForm quality = seq::QualityForm::kPhred;
};

// Encodes rows of source as a batch (sequences or input_ids, lengths, quality).
//   numbers  of the records, for draws and messages
//   throws   ArgumentError of a transform or the encoding, naming the record
ReadBatch encode_reads(const io::RecordBatch& source, std::span<const int64_t> rows, std::span<const int64_t> numbers,
                       uint64_t epoch, const ReadEncoding& encoding);
// The same for pairs: row r of mates, when there are any, is the mate of row r of source, with draws of its own.
ReadBatch encode_pairs(const ReadPairs& source, std::span<const int64_t> rows, std::span<const int64_t> numbers,
                       uint64_t epoch, const ReadEncoding& encoding);
// Whether a record of source has qualities; false in FASTA.
bool has_quality(const io::RecordBatch& source, int64_t row);
// Adds what a file had to skip.
void add_report(const io::SkipReport& from, io::SkipReport& to);
// Appends a record of source.
void append_record(const io::RecordBatch& source, int64_t row, io::RecordBatch& out);

struct ReadDatasetOptions : ReadEncoding {
  io::FastxOptions fastx;
  MatePaths mates;
  // Records are read when they are asked for (indexed_reads.h) instead of held in memory; bad ones cannot be skipped.
  bool is_indexed = false;
};

// Records that stay where they are: row rows[i] of records is the i-th.
struct ReadRows {
  std::shared_ptr<const io::RecordBatch> records;
  std::vector<int64_t> rows;
};

// Records of one or many FASTA/FASTQ files, held in memory as flat buffers, or read by number; batches are the same.
class ReadDataset {
 public:
  // Reads all files, inflating with num_threads, and drops what a filter refuses (a pair when either mate is refused).
  //   throws MissingFileError, ParseError, ArgumentError (a filter behind a random step, skipping with an index)
  ReadDataset(const std::vector<std::string>& paths, ReadDatasetOptions options);
  int64_t size() const { return indexed_ ? indexed_->size() : held_.records->size(); }
  bool has_mates() const { return options_.mates.is_given(); }
  // Raw records, or their mates. throws ArgumentError: an index out of range, mates where there are none.
  ReadRows rows(std::span<const int64_t> indices, bool is_mate = false) const;
  const ReadDatasetOptions& options() const { return options_; }
  int64_t file_of(int64_t index) const;  // which of the paths a record came from
  const io::SkipReport& report() const { return report_; }
  int64_t num_filtered() const { return num_filtered_; }
  // labels: one class id per record, or empty.
  void set_labels(std::vector<int64_t> labels);
  ReadBatch batch(std::span<const int64_t> indices, uint64_t epoch = 0) const;

 private:
  void read_file(const std::string& path, const std::string& mate);
  void select();
  void check(std::span<const int64_t> indices) const;
  ReadDatasetOptions options_;
  std::vector<int64_t> first_of_file_;
  std::vector<int64_t> labels_;
  ReadPairs held_;  // in memory
  std::unique_ptr<IndexedReads> indexed_;
  io::SkipReport report_;
  int64_t num_filtered_ = 0;
};

// The filters of a chain at work on records in order: which of them stay.
class RecordSelector {
 public:
  // throws ArgumentError for a filter behind a random step.
  explicit RecordSelector(const seq::Transforms& transforms);
  ~RecordSelector();
  RecordSelector(RecordSelector&&) noexcept;
  bool is_empty() const;
  // Whether a Deduplicator wants all copies dropped, which one pass cannot know.
  bool needs_two_passes() const;
  // One byte per record of source: 1 stays.
  std::vector<char> select(const io::RecordBatch& source);
  // The same of `size` records that come in pieces: each_piece hands every piece and the number of its first record to
  // what it is given. It is called once for each step that needs all records.
  using LookAtPiece = std::function<void(const io::RecordBatch& piece, int64_t first)>;
  std::vector<char> select(int64_t size, const std::function<void(const LookAtPiece&)>& each_piece);
  // Whether the next record stays; number counts all records. Copies are told from what was seen so far.
  bool keeps(const io::RecordBatch& source, int64_t row, int64_t number);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deepbio::data
