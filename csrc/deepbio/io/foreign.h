// Formats that are known and not read, told by their first bytes, with the way out.
//
// Alignments and variants (CRAM, SAM, BCF, VCF; BAM for those who want no reads), annotation (GFF,
// GTF), other text of sequences (GenBank, EMBL, Stockholm, Clustal, NEXUS, PHYLIP), raw signal and
// archives (POD5, SRA, 2bit, tar, gzip in gzip, UTF-16), tables of other programs (R, Parquet,
// Arrow, pickle), web pages saved in place of the data. Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace deepbio::io {

//   head     the first bytes of the (decompressed) content; 512 are enough for all
//   returns  "SAM alignments; samtools fastq FILE gives the reads", or "" when it is none of these
std::string foreign_format(std::string_view head);

}  // namespace deepbio::io
