// Records of FASTA and FASTQ files to batches: transforms, encoding, and a dataset of records held in memory.
//
// A transform that draws is keyed by (seed, epoch, record). Filters choose records when files are opened, so that the
// size is exact; they may stand only before the first random step.
// Threads: batch() is constant and may be called from many threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/data/batch.h"
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
// Whether a record of source has qualities; false in FASTA.
bool has_quality(const io::RecordBatch& source, int64_t row);
// Appends a record of source.
void append_record(const io::RecordBatch& source, int64_t row, io::RecordBatch& out);

struct ReadDatasetOptions : ReadEncoding {
  io::FastxOptions fastx;
  std::vector<std::string> mates;  // a file of second reads for each file of first ones
  bool is_interleaved = false;     // mates alternate in the files
};

// Records of one or many FASTA/FASTQ files, held in memory as flat buffers.
class ReadDataset {
 public:
  // Reads all files, inflating with num_threads, and drops what a filter refuses (a pair when either mate is refused).
  //   throws MissingFileError, ParseError, ArgumentError (a filter behind a random step)
  ReadDataset(const std::vector<std::string>& paths, ReadDatasetOptions options);
  int64_t size() const { return records_->size(); }
  const io::RecordBatch& records() const { return *records_; }
  const io::RecordBatch* mates() const { return mates_.get(); }
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
  ReadDatasetOptions options_;
  std::vector<int64_t> first_of_file_;
  std::vector<int64_t> labels_;
  std::shared_ptr<io::RecordBatch> records_, mates_;
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
  // Whether the next record stays; number counts all records. Copies are told from what was seen so far.
  bool keeps(const io::RecordBatch& source, int64_t row, int64_t number);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deepbio::data
