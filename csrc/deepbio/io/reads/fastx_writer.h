// Writes FASTA and FASTQ: plain, gzip or BGZF by option (never by name), whole or not at all (see
// output.h).
//
// What is written reads back as the same records: a title with line ends or NUL, a name with white
// space, letters or quality bytes that the reader refuses, or a quality of another length are an
// ArgumentError naming the record. Threads: a writer belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "deepbio/io/bytes/output.h"
#include "deepbio/io/reads/fastx.h"

namespace deepbio::io {

struct FastxWriterOptions {
  Format format = Format::kFastq;  // or kFasta
  Container container = Container::kPlain;
  int level = 6;                   // of compression, 0..9
  int64_t width = 0;               // bases per FASTA line; 0: one line
  bool write_block_index = false;  // BGZF: PATH.gzi beside the file
  Overwrite overwrite = Overwrite::kAllow;
};

class FastxWriter {
 public:
  // throws ArgumentError (format, level, width), WriteError.
  explicit FastxWriter(const std::string& path, FastxWriterOptions options = {});
  ~FastxWriter();
  FastxWriter(FastxWriter&&) noexcept;
  // throws ArgumentError, after which nothing of the record is written; WriteError.
  void write(const Record& record);
  // Where the next record begins: a BGZF virtual offset, otherwise the place in the uncompressed
  // text.
  uint64_t offset() const;
  // Makes the file (and its block index) appear under its name. Without it nothing is left behind.
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deepbio::io
