// FASTA and FASTQ records, told apart by content, from plain or gzip files.
//
// FASTQ: four lines, @title, sequence, + (alone or with the same title), quality of the same length, bytes
//        33..126. Wrapped FASTQ is read too. Zero-length reads, CRLF, a missing final newline, blank lines
//        after the last record are legal.
// FASTA: > title, sequence lines joined; blank lines dropped; ';' comment lines skipped.
// Sequence bytes are letters, '*', '-', '.'; case is kept. Anything else is a ParseError with record (0-based), line
// (1-based) and byte offset; a file cut inside a record is an error, never an end. An empty file is an error.
// Limits (named in the error): one record at most max_record_bytes.
// Threads: a reader belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/io/bytes.h"

namespace deepbio::io {

enum class Format { kFasta, kFastq };
std::string_view to_string(Format format);
enum class OnBadRecord { kRaise, kSkip };

struct FastxOptions {
  OnBadRecord on_bad_record = OnBadRecord::kRaise;
  uint64_t max_record_bytes = uint64_t{1} << 28;  // 256 MiB
  OpenOptions open = {};                          // threads that inflate
};

struct Record {
  std::string name;         // title up to the first white space
  std::string description;  // the rest of the title after that white space
  std::string sequence;
  std::string quality;  // raw bytes (Phred+33 as a rule); empty for FASTA
  bool has_quality = false;
};

// The same as views into the reader's buffers; they live until the next call.
struct RecordView {
  std::string_view name, description, sequence, quality;
  bool has_quality = false;
  int64_t offset_bytes = 0;  // of the record's first byte ('@' or '>') in the decompressed data
};

// What was skipped under OnBadRecord::kSkip: counts per kind and the first three messages.
struct SkipReport {
  int64_t num_records = 0;  // good records delivered
  int64_t num_skipped = 0;
  std::map<std::string, int64_t> reasons;
  std::vector<std::string> examples;
};

// Many records as flat buffers with offsets: record i is [offsets[i], offsets[i+1]).
struct RecordBatch {
  std::string names, descriptions, sequences, qualities;
  std::vector<int64_t> name_offsets{0}, description_offsets{0}, sequence_offsets{0}, quality_offsets{0};
  int64_t size() const { return static_cast<int64_t>(sequence_offsets.size()) - 1; }
  std::string_view name(int64_t i) const { return slice(names, name_offsets, i); }
  std::string_view description(int64_t i) const { return slice(descriptions, description_offsets, i); }
  std::string_view sequence(int64_t i) const { return slice(sequences, sequence_offsets, i); }
  std::string_view quality(int64_t i) const { return slice(qualities, quality_offsets, i); }
  void append(const Record& record);
  // Empty, with the memory kept.
  void clear();

 private:
  static std::string_view slice(const std::string& data, const std::vector<int64_t>& offsets, int64_t i) {
    const auto begin = static_cast<size_t>(offsets[static_cast<size_t>(i)]);
    const auto end = static_cast<size_t>(offsets[static_cast<size_t>(i) + 1]);
    return std::string_view(data).substr(begin, end - begin);
  }
};

class FastxReader {
 public:
  explicit FastxReader(const std::string& path, FastxOptions options = {});
  // From any source; options.open is not used.
  explicit FastxReader(std::unique_ptr<ByteSource> source, FastxOptions options = {});
  ~FastxReader();
  FastxReader(FastxReader&&) noexcept;
  // Fills record and returns true, or returns false at the end of the file. throws ParseError.
  bool next(Record& record);
  bool next(RecordView& record);
  // Appends up to max_records; returns how many (0 = end).
  int64_t read(RecordBatch& batch, int64_t max_records);
  Format format() const;
  Container container() const;
  const SkipReport& report() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// One FASTA (width 0: one line) or FASTQ record as text.
std::string to_fasta(const Record& record, int64_t width = 0);
std::string to_fastq(const Record& record);

}  // namespace deepbio::io
