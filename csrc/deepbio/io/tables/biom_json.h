// BIOM 1.0 (JSON): sparse and dense, keys in any order, ids that are numbers. Lineages (`taxonomy`)
// are read, other metadata noted; there alone NaN and Infinity may stand, which are no JSON.
// Memory: about 6 times the file at most. Private to io/biom. Threads: pure functions.
#pragma once

#include <string>

#include "deepbio/io/tables/biom.h"

namespace deepbio::io {

// throws ParseError with the key or the entry.
CountTable read_biom_json(std::string text, const std::string& path);

}  // namespace deepbio::io
