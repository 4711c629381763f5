// Square distance matrices as text.
//
//   tables    ids in the first row and column, separated by tabs, commas or semicolons: scikit-bio,
//             QIIME 2, R's write.table and write.csv (quoted cells; a header without a cell above
//             the ids), comments in front
//   PHYLIP    the number of samples on the first line, then a row for each: its id and the
//             distances to all samples (square) or to those before it (lower triangle, as mothur
//             writes it), with or without the 0 to itself
//   mothur    columns: two ids and their distance on each line. Every pair must be there: a cutoff
//             leaves some out
// LF, CR LF and CR alone end a line; blank lines are passed over; the text is UTF-8. Private to
// io/matrix. Threads: pure functions.
#pragma once

#include <string>

#include "deepbio/io/tables/matrix.h"

namespace deepbio::io {

// Checks what the text is, not what the numbers are. throws ParseError with the line.
DistanceMatrix parse_distances(std::string text, const std::string& path);

}  // namespace deepbio::io
