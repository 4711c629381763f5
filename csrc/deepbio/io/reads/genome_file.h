// A genome as .2bit, whatever it comes as: a .2bit file, or FASTA (plain, BGZF, gzip) that is
// packed once.
//
// What was packed is kept as FILE.dbx.2bit beside the FASTA or in a cache folder, written
// atomically and readable by every program that reads .2bit. After its last sequence stand size and
// modification time of the FASTA and a CRC-32 of its first and last 64 KiB; when they do not fit it
// is packed again, never trusted. Where it cannot be written it lives in memory, a quarter of a
// byte for a base; while it is made it does so in any case. Every letter that is not A, C, G, T or
// U in either case becomes N, which is all that .2bit knows. Lines of a sequence may have any
// lengths. Threads: free functions.
#pragma once

#include <memory>
#include <string>

#include "deepbio/io/reads/twobit.h"

namespace deepbio::io {

// The content of a .2bit of all records of a FASTA file. throws MissingFileError, ParseError: no
// FASTA, a name twice or of more than 255 letters, a sequence of more than 4 Gb, other letters.
std::string pack_fasta(const std::string& path);

// Opens a genome. cache_dir: where what is packed is kept; "": beside the file.
//   throws MissingFileError, ParseError, ArgumentError for "-"
std::shared_ptr<const TwoBitFile> open_genome(const std::string& path,
                                              const std::string& cache_dir = "");

}  // namespace deepbio::io
