// BIOM 1.0 (JSON): sparse and dense, keys in any order, ids that are numbers. Private to io/biom.
// Threads: pure functions.
#pragma once

#include <string>

#include "deepbio/io/biom.h"

namespace deepbio::io {

// throws ParseError with the key or the entry.
CountTable read_biom_json(const std::string& text, const std::string& path);

}  // namespace deepbio::io
