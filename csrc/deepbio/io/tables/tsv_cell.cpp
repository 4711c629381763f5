#include "deepbio/io/tables/tsv_cell.h"

namespace deepbio::io {

std::string quoted_cell(const std::string& cell) {
  // Quotes in the middle of a cell mean nothing and stay.
  if (!cell.starts_with('"') && cell.find_first_of("\t\n\r") == std::string::npos) return cell;
  std::string out = "\"";
  for (const char letter : cell) {
    if (letter == '"') out += '"';
    out += letter;
  }
  return out += '"';
}

}  // namespace deepbio::io
