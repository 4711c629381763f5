// Records of FASTA and FASTQ files to batches: transforms, encoding, and a dataset of records.
//
// A transform that draws is keyed by (seed, epoch, record). Filters choose records when files are
// opened, so that the size is exact; they may stand only before the first random step. Threads:
// batch() is constant and may be called from many threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "deepbio/data/batch.h"
#include "deepbio/data/encoder.h"
#include "deepbio/data/indexed_reads.h"
#include "deepbio/data/record_selector.h"
#include "deepbio/io/reads/fastx.h"
#include "deepbio/seq/read.h"

namespace deepbio::data {

// How reads become tensors: the transforms in order, then the encoder.
struct ReadEncoding {
  seq::Transforms transforms;
  std::shared_ptr<const ReadEncoder>
      encoder;  // null: one-hot letters with their qualities as Phred scores
};

// Encodes rows of source as a batch (sequences or input_ids, lengths, quality).
//   numbers  of the records, for draws and messages
//   throws   ArgumentError of a transform or the encoding, naming the record
ReadBatch encode_reads(const io::RecordBatch& source, std::span<const int64_t> rows,
                       std::span<const int64_t> numbers, uint64_t epoch,
                       const ReadEncoding& encoding);
// The same for pairs: row r of mates, when there are any, is the mate of row r of source, with
// draws of its own.
ReadBatch encode_pairs(const ReadPairs& source, std::span<const int64_t> rows,
                       std::span<const int64_t> numbers, uint64_t epoch,
                       const ReadEncoding& encoding);
// Whether a record of source has qualities; false in FASTA.
bool has_quality(const io::RecordBatch& source, int64_t row);
// Adds what a file had to skip.
void add_report(const io::SkipReport& from, io::SkipReport& to);
// Appends a record of source.
void append_record(const io::RecordBatch& source, int64_t row, io::RecordBatch& out);

struct ReadDatasetOptions : ReadEncoding {
  io::FastxOptions fastx;
  MatePaths mates;
  // Records are read when they are asked for (indexed_reads.h) instead of held in memory; bad ones
  // cannot be skipped.
  bool is_indexed = false;
};

// Records that stay where they are: row rows[i] of records is the i-th.
struct ReadRows {
  std::shared_ptr<const io::RecordBatch> records;
  std::vector<int64_t> rows;
};

// Records of one or many FASTA/FASTQ files, held in memory as flat buffers, or read by number;
// batches are the same.
class ReadDataset {
 public:
  // Reads all files, inflating with num_threads, and drops what a filter refuses (a pair when
  // either mate is refused).
  //   throws MissingFileError, ParseError, ArgumentError (a filter behind a random step, skipping
  //   with an index)
  ReadDataset(const std::vector<std::string>& paths, ReadDatasetOptions options);
  int64_t size() const { return indexed_ ? indexed_->size() : held_.records->size(); }
  bool has_mates() const { return options_.mates.is_given(); }
  // Raw records, or their mates. throws ArgumentError: an index out of range, mates where there are
  // none.
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

}  // namespace deepbio::data
