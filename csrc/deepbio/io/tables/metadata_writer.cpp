// Sample metadata as text that read_metadata() gives back as it was: what it would not is refused,
// and a cell that it would take for something else is written in double quotes.
#include <algorithm>
#include <string_view>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/text.h"
#include "deepbio/io/tables/metadata.h"

namespace deepbio::io {
namespace {

// What the reader would not give back as it is.
void require_writable(const std::string& path, const std::string& cell) {
  const auto is_blank = [](char c) { return std::string_view(" \t\r\n\v\f").find(c) < 6; };
  const bool is_padded = !cell.empty() && (is_blank(cell.front()) || is_blank(cell.back()));
  const bool is_whole = !is_padded && cell.find('\0') == std::string::npos;
  if (is_whole && find_foreign_byte(cell) == std::string::npos) return;
  throw ArgumentError(
      path + ": metadata can hold only UTF-8 without blanks at the ends and zero bytes, got " +
      quoted(cell));
}

void append_cell(std::string& out, const std::string& cell) {
  // A cell with '#' in front would be read as a comment where it is an id.
  const bool needs_quotes = cell.starts_with('"') || cell.starts_with('#') ||
                            cell.find_first_of("\t\n\r") != std::string::npos;
  if (!needs_quotes) {
    out += cell;
    return;
  }
  out += '"';
  for (const char c : cell) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

}  // namespace

void write_metadata(const std::string& path, const Metadata& metadata, Overwrite overwrite) {
  for (const std::string& id : metadata.ids) require_writable(path, id);
  for (const std::string& name : metadata.columns) require_writable(path, name);
  for (const auto& column : metadata.values) {
    for (const std::string& cell : column) require_writable(path, cell);
  }
  std::string out = metadata.id_column.empty() ? "sample-id" : metadata.id_column;
  for (const auto& name : metadata.columns) {
    out += '\t';
    append_cell(out, name);
  }
  out += '\n';
  if (std::any_of(metadata.types.begin(), metadata.types.end(),
                  [](const auto& type) { return !type.empty(); })) {
    out += "#q2:types";
    for (const auto& type : metadata.types) out += '\t' + type;
    out += '\n';
  }
  for (size_t row = 0; row < metadata.ids.size(); ++row) {
    append_cell(out, metadata.ids[row]);
    for (const auto& column : metadata.values) {
      out += '\t';
      append_cell(out, column[row]);
    }
    out += '\n';
  }
  write_file(path, out, overwrite);
}

}  // namespace deepbio::io
