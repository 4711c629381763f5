// FASTA and FASTQ records, and the reads of BAM, told apart by content, from plain or gzip files.
//
// FASTQ: four lines, @title, sequence, + (alone or with the same title), quality of the same
// length, bytes
//        33..126. Wrapped FASTQ is read too. Zero-length reads, CRLF, a missing final newline,
//        blank lines after the last record are legal.
// FASTA: > title, sequence lines joined; blank lines dropped; ';' comment lines skipped.
// BAM:   see bam_record.h. Its records have no lines; alignments that repeat a read are left out.
// Sequence bytes are letters, '*', '-', '.'; case is kept. Anything else is a ParseError with
// record (0-based), line (1-based) and byte offset; a file cut inside a record is an error, never
// an end. An empty file is an error unless bad records are skipped or allow_empty is set; then it
// has no records, and a warning says so. Other formats (SAM, VCF, tar, ...) are named in the
// error. Limits (named in the error): one record at most max_record_bytes. Threads: a reader
// belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/io/bytes/bytes.h"
#include "deepbio/io/reads/fastx_record.h"
#include "deepbio/io/reads/letters.h"

namespace deepbio::io {

enum class Format { kFasta, kFastq, kBam };
std::string_view to_string(Format format);
enum class OnBadRecord { kRaise, kSkip };

// What of each record is handed out; all of it is checked in any case. What is off comes out empty.
struct RecordFields {
  bool titles = true;  // name and description
  bool sequences = true;
  bool qualities = true;
};

struct FastxOptions {
  OnBadRecord on_bad_record = OnBadRecord::kRaise;
  // Largest record. 0: 256 MiB, or as much as a file of this size can honestly hold: its size when
  // it is plain, 16 times its size when it is compressed (DNA packs 4 to 8 times; a bomb of zeros
  // 1,000 times).
  uint64_t max_record_bytes = 0;
  OpenOptions open = {};             // threads that inflate
  Letters alphabet = Letters::kAny;  // other letters make a record bad
  RecordFields fields = {};
  // 33 (Sanger, Illumina since 1.8), or 64 (Illumina 1.3 to 1.7): then qualities are handed out
  // with 33 in place of 64, and a byte below '@' makes a record bad. Never guessed: HiFi reads have
  // only high bytes, too. BAM has no offset: 33.
  int quality_offset = 33;
  bool allow_empty = false;  // a file without records is no error
  bool check_mates = true;   // of pairs: their names must fit together (fastx_pairs.h)
};
// What max_record_bytes 0 stands for, in a file that is read through this source.
uint64_t default_record_limit(const ByteSource& source);

// What was read, and under OnBadRecord::kSkip what was not: counts per kind and the first three
// messages.
struct SkipReport {
  int64_t num_records = 0;  // good records delivered
  int64_t num_skipped = 0;
  int64_t num_left_out = 0;  // alignments of BAM that repeat a read
  std::map<std::string, int64_t> reasons;
  std::vector<std::string> examples;
  // Odd but no error, known at the end: BGZF without its end block, no records, alignments left
  // out.
  std::vector<std::string> warnings;
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
  // What the records from here on hold.
  void set_fields(const RecordFields& fields);
  Format format() const;
  Container container() const;
  const SkipReport& report() const;
  // How much of the (compressed) file was taken so far, for showing progress.
  int64_t file_offset_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deepbio::io
