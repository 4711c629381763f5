// Random access to BGZF (SAM specification, section 4.1): whole blocks, each checked by its CRC-32
// and length.
//
// Private to `random_bytes`. Threads: a cursor belongs to one thread at a time.
#pragma once

#include <memory>

#include "deepbio/io/bytes/random_bytes.h"

namespace deepbio::io {

// Adds a point for each block that holds data. False, with map in part filled, when the file is not
// made of BGZF blocks alone. Reads headers and lengths only.
bool map_bgzf(const PositionedFile& file, AccessMap& map);

// Whether the file does not end with the block without data that ends BGZF: it may have been cut
// between two blocks.
bool lacks_end_block(const PositionedFile& file);

// file and map (of map_bgzf) must outlive the cursor.
std::unique_ptr<RandomCursor> make_bgzf_cursor(const PositionedFile& file, const AccessMap& map);

}  // namespace deepbio::io
