// Classic tables: text with tabs, features as rows, "#OTU ID" or one of its relatives in front of the sample ids,
// perhaps a column of taxonomy at the end. Private to io/biom, which declares the writer. Threads: pure functions.
#pragma once

#include <string>

#include "deepbio/io/biom.h"

namespace deepbio::io {

// throws ParseError with the line.
CountTable read_table_text(const std::string& text, const std::string& path);

}  // namespace deepbio::io
