// Text of tables, trees, matrices and metadata: UTF-8, read whole.
//
// Text that is not UTF-8 is refused with line and byte, and named where it can be told: UTF-16 and
// UTF-32 by their byte-order mark or their zero bytes, single bytes of Latin-1 or Windows-1252
// (older Excel). Nothing is converted in silence. Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace deepbio::io {

// The whole (decompressed) content of a text file, as it is there. throws as read_all, and as
// check_text.
std::string read_text(const std::string& path);
// throws ParseError with line and byte where the text is not UTF-8, or holds a zero byte. `path`
// names the source.
void check_text(std::string_view text, const std::string& path);
// Where the first byte is that is no UTF-8; npos when all are. Strict, as Python's decoder is.
size_t find_foreign_byte(std::string_view text);
// What kind of wide text starts so, "" for none: "UTF-16", "UTF-32".
std::string_view wide_encoding(std::string_view head);

// A lone CR (the line end of Excel for Mac) becomes a LF; CR LF and every other byte stay in place.
void end_lines_with_newline(std::string& text);
// The number of the line that a byte is in, from 1; CR, LF and CR LF end a line.
int64_t line_of(std::string_view text, size_t offset_bytes);
// The shortest text that reads back as the same number.
std::string number_text(double value);

}  // namespace deepbio::io
