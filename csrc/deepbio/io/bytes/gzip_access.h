// Random access to gzip files by inflate checkpoints, noted while the file is read through once.
//
// Private to `random_bytes` and `fastx_index`. Threads: sources and cursors belong to one thread at
// a time. Source: the idea of zlib's examples/zran.c.
#pragma once

#include <memory>

#include "deepbio/io/bytes/random_bytes.h"

namespace deepbio::io {

// The content of a gzip file. While it is read, each member and a place about every 512 KiB are
// added to the map, whose container becomes kGzip; it is whole once read() has given 0. CRC-32 and
// length of every member are checked. file and map must outlive the source.
std::unique_ptr<ByteSource> map_while_reading(const PositionedFile& file, AccessMap& map);

// file and map must outlive the cursor.
std::unique_ptr<RandomCursor> make_gzip_cursor(const PositionedFile& file, const AccessMap& map);

}  // namespace deepbio::io
