// bigWig: numbers along a genome, in compressed blocks with an index.
//
// Layout, little-endian: a header (magic 0x888FFC26, version, places of the parts), a B+ tree from
// names of chromosomes to numbers, blocks of values (intervals, or positions of one width, or steps
// of one width, deflated one by one) and an R tree over them. Zoom levels are not read: every
// number here is computed from the values themselves. The file is mapped; names and the index are
// read and checked when it is opened, 32 bytes a block, and a block when it is touched. libBigWig
// is not used: it prints to stderr where a file is damaged, its handles have one position for all
// threads and forks, and a file cut short after its index is sound to it.
// Threads: constant; safe from many threads and after a fork.
// source: Kent, Zweig, Barber, Hinrichs, Karolchik 2010, "BigWig and BigBed: enabling browsing of
// large distributed datasets", supplement.
#pragma once

#include <memory>
#include <string>

#include "deepbio/io/tables/signal_track.h"

namespace deepbio::io {

// By its first bytes. throws MissingFileError; ParseError for a bigBed, and a bigWig of the other
// byte order.
bool is_bigwig(const std::string& path);
// throws ParseError with the byte: cut short, an index out of the file.
std::shared_ptr<const SignalTrack> open_bigwig(const std::string& path);

}  // namespace deepbio::io
