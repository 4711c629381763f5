// Tables as text: features as rows, a column for each sample, separated by tabs (or commas,
// semicolons).
//
// The header starts with '#OTU ID' or one of its relatives (Feature ID, ASV, #NAME, clade_name of
// MetaPhlAn, # Gene Family of HUMAnN, ...), with nothing (R's col.names = NA) or is one cell
// shorter than the rows (R's write.table). Above it may stand comments and title lines; a first or
// last column of taxonomy is passed over. Cells may be in double quotes where the header's are. LF,
// CR LF and CR alone end a line; the text is UTF-8. Private to io/tables/biom, which declares the
// writer, but for is_table_corner. Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "deepbio/io/tables/biom.h"

namespace deepbio::io {

// throws ParseError with the line.
CountTable read_table_text(std::string text, const std::string& path);
// Whether a header line that starts with this cell is that of a table. Case, blanks and signs do
// not count.
bool is_table_corner(std::string_view cell);

}  // namespace deepbio::io
