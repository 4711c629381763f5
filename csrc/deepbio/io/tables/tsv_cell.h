// One cell of tab-separated text, quoted where it must be to be read back: as metadata files quote
// (io/tables/metadata.h). Threads: a pure function.
#pragma once

#include <string>

namespace deepbio::io {

// The cell as it is, or in double quotes (inner ones doubled) when it begins with one or holds a
// tab or a line end.
std::string quoted_cell(const std::string& cell);

}  // namespace deepbio::io
