// Parts of the sequences of a FASTA file by name, with the index of samtools faidx (FILE.fai).
//
// A .fai line is name, length, offset of the first base in the uncompressed data, bases per line,
// bytes per line, separated by tabs. The lines of a sequence must be of one length, but for the
// last; else the file cannot be indexed and the ParseError says which line. A .fai is used when it
// fits the file: every title is right before its sequence under the name given, every first
// line and every sequence end where it says; else it is built again, whatever the times of the two
// files are (cp -p, rsync and tar keep old ones). Plain, BGZF and gzip files. FASTQ is refused.
// Threads: constant, and free of shared positions (pread); safe from many threads and after a fork.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "deepbio/io/bytes/random_bytes.h"

namespace deepbio::io {

struct FaiEntry {
  std::string name;
  int64_t length_bp = 0, offset_bytes = 0, line_bases = 0, line_bytes = 0;
};

// throws ParseError with the line.
std::vector<FaiEntry> read_fai(const std::string& path);
// Atomic.
void write_fai(const std::string& path, const std::vector<FaiEntry>& entries);
// One pass over a FASTA file. throws ParseError (uneven lines, a name twice, no FASTA).
std::vector<FaiEntry> build_fai(const std::string& path);

class FastaFile {
 public:
  // Reads FILE.fai or builds it; it stays in memory when the folder cannot be written.
  explicit FastaFile(const std::string& path);
  const std::vector<FaiEntry>& entries() const { return entries_; }
  // Bases [start, end), 0-based. throws ArgumentError (unknown name, outside of the sequence),
  // ParseError (changed).
  std::string fetch(std::string_view name, int64_t start, int64_t end) const;
  std::string fetch(std::string_view name) const { return fetch(name, 0, entry(name).length_bp); }
  // throws ArgumentError naming the nearest name.
  const FaiEntry& entry(std::string_view name) const;

 private:
  bool fits() const;
  bool fits_text() const;

  PositionedFile file_;
  AccessMap access_;
  std::vector<FaiEntry> entries_;
  std::unordered_map<std::string, size_t> index_of_;
};

}  // namespace deepbio::io
