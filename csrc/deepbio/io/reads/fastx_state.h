// What a FastxReader holds: the text around the place it has come to, the scanner of each format,
// and what it does with a bad record.
//
// Private to `fastx`. Threads: belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/text_window.h"
#include "deepbio/io/reads/bam_record.h"
#include "deepbio/io/reads/fasta_record.h"
#include "deepbio/io/reads/fastq_record.h"
#include "deepbio/io/reads/fastx.h"

namespace deepbio::io {

struct FastxReader::State {
  State(std::unique_ptr<ByteSource> source, const FastxOptions& chosen);
  // Fills what options.fields asks for of the next record; false at the end. The views live until
  // the next call.
  bool advance(RecordView& record);

  FastxOptions options;
  TextWindow window;
  Format format = Format::kFastq;
  SkipReport report;

 private:
  void recognise();
  void read_bam_header();
  void refuse_empty(const char* expected, const char* got);
  void add_warnings();
  bool advance_any(RecordView& record);
  void find_container_damage(ErrorKind kind);
  bool skip_blank_lines();
  bool advance_bam(RecordView& record);
  bool advance_fastq(RecordView& record);
  bool take_four_lines(RecordView& record);
  bool advance_fasta(RecordView& record);
  bool check_letters(const RecordView& record);
  bool convert_quality(RecordView& record);
  void more_of_record();
  [[noreturn]] void too_large() const;
  [[noreturn]] void fail(const RecordProblem& problem) const;
  int64_t num_seen() const;
  void give_up(const RecordProblem& problem, int64_t line, int64_t offset);
  void resume_fastq();
  bool drop_four_lines();
  void drop_line();
  const std::string& path() const { return window.source().path(); }
  int64_t line() const { return format == Format::kBam ? -1 : window.line(); }

  FastqScanner fastq;
  FastaScanner fasta;
  BamScanner bam;
  int64_t line_number = 0;  // of the record's first line
  bool had_blank_lines = false;
  bool is_empty = false;  // and allowed to be
  bool is_warned = false;
  std::string converted_quality;
  std::optional<ParseError> failure;
};

}  // namespace deepbio::io
