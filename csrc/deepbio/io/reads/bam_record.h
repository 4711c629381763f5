// Header and reads of a BAM file (SAM specification, section 4.2), unaligned or aligned, at the
// front of its decompressed bytes.
//
// All of a record is checked: lengths, name, CIGAR, references, the framing of its tags. Bases and
// qualities come as they were sequenced, so that those of the reverse strand (flag 0x10) are turned
// back. Qualities are Phred+33; all bytes 0xff: the read has none. Secondary (0x100) and
// supplementary (0x800) alignments repeat a read or a part of it and are left out. The description
// is the read group as `samtools fastq -T RG` writes it, RG:Z:NAME. Nothing is thrown for bad
// bytes. Private to `fastx`. Threads: belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/io/reads/fastq_record.h"

namespace deepbio::io {

inline constexpr std::string_view kBamMagic{"BAM\1", 4};

class BamScanner {
 public:
  enum class Result { kRecord, kLeftOut, kNeedMore, kBad };
  // The header: text and references, which are passed over. is_end: no bytes follow. kRecord when
  // it is whole.
  Result scan_header(std::string_view bytes, bool is_end);
  // A record. kNeedMore: it goes on after the bytes.
  Result scan(std::string_view bytes, bool is_end);

  // Of the header or record. After kBad 0: nothing tells where the next record begins.
  size_t num_bytes = 0;
  // After kRecord: views into the bytes, or into this object.
  std::string_view name, description, sequence, quality;
  bool has_quality = false;
  // After kBad.
  RecordProblem problem;

 private:
  struct Layout {
    size_t num_operations = 0, length = 0;
    size_t cigar = 0, bases = 0, qualities = 0, tags = 0;
  };
  Result cut(size_t size, std::string expected);
  Result read_record();
  bool fail(size_t at, ErrorKind kind, std::string expected, std::string got);
  bool find_layout(Layout& out);
  bool check_references();
  bool check_name();
  bool check_cigar(const Layout& layout);
  bool check_tags(const Layout& layout);
  bool take_bases(const Layout& layout, bool is_reverse);
  bool take_qualities(const Layout& layout, bool is_reverse);

  std::string_view record_;
  int64_t num_references_ = -1;  // -1: no header was read
  std::vector<char> bases_, qualities_;
  std::string group_;
};

// "" when none was left out.
std::string left_out_warning(int64_t num_left_out);

}  // namespace deepbio::io
