// Text is UTF-8, or an error that says what it is instead: another encoding, another format, a zero
// byte. Readers of text ask here before they look for lines, since Latin-1 or UTF-16 would give
// them ids that nobody can find again.
#include "deepbio/io/bytes/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/base/utf8.h"
#include "deepbio/io/bytes/bytes.h"
#include "deepbio/io/foreign.h"

namespace deepbio::io {
namespace {

using std::string_view_literals::operator""sv;

[[noreturn]] void fail(std::string_view text, size_t at, const std::string& path, std::string got) {
  throw ParseError({path, -1, line_of(text, at), static_cast<int64_t>(at)}, "text in UTF-8",
                   std::move(got));
}

// The whole cell is shown: the byte alone says nothing to who has to mend it.
[[noreturn]] void fail_foreign(std::string_view text, size_t at, const std::string& path) {
  const size_t begin = text.substr(0, at).find_last_of("\t\r\n,;") + 1;  // npos + 1 is 0
  const std::string_view cell =
      text.substr(begin, std::min(text.find_first_of("\t\r\n,;", at), text.size()) - begin);
  fail(text, at, path,
       quoted(cell) +
           ", as Latin-1 or Windows-1252 has it; save the file as UTF-8 (iconv -f WINDOWS-1252 -t "
           "UTF-8)");
}

}  // namespace

std::string_view wide_encoding(std::string_view head) {
  struct Mark {
    std::string_view bytes, name;
  };
  constexpr std::array<Mark, 4> kMarks{{{"\xFF\xFE\0\0"sv, "UTF-32"},
                                        {"\0\0\xFE\xFF"sv, "UTF-32"},
                                        {"\xFF\xFE"sv, "UTF-16"},
                                        {"\xFE\xFF"sv, "UTF-16"}}};
  // UTF-32 first: its mark begins with that of UTF-16.
  for (const Mark& mark : kMarks) {
    if (head.substr(0, mark.bytes.size()) == mark.bytes) return mark.name;
  }
  // Without a mark: letters and zero bytes take turns.
  // ASCII text as UTF-16 has a zero in every other byte.
  if (head.size() < 4 || (head[0] == '\0') == (head[1] == '\0')) return "";
  for (size_t k = 0; k + 1 < head.size() && k < 16; k += 2) {
    if ((head[k] == '\0') != (head[0] == '\0') || (head[k + 1] == '\0') != (head[1] == '\0'))
      return "";
  }
  return "UTF-16";
}

size_t find_foreign_byte(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    uint64_t eight = 0;
    if (text.size() - at >= sizeof(eight)) {
      std::memcpy(&eight, text.data() + at, sizeof(eight));
      // Eight bytes of ASCII at a time: text is hardly ever anything else.
      if ((eight & 0x8080808080808080) == 0) {
        at += sizeof(eight);
        continue;
      }
    }
    const size_t size = utf8_bytes(text, at);
    if (size == 0) return at;
    at += size;
  }
  return std::string_view::npos;
}

// Counted only for an error, from the start of the text.
int64_t line_of(std::string_view text, size_t offset_bytes) {
  int64_t line = 1;
  const size_t end = std::min(offset_bytes, text.size());
  for (size_t at = 0; at < end; ++at) {
    line += text[at] == '\n' || (text[at] == '\r' && text.substr(at + 1, 1) != "\n");
  }
  return line;
}

std::string number_text(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof(digits), value).ptr};
}

void check_text(std::string_view text, const std::string& path) {
  if (std::string format = foreign_format(text.substr(0, 4096)); !format.empty())
    fail(text, 0, path, std::move(format));
  // Files that other readers here take; their bytes would be called text of another encoding.
  if (text.starts_with("\x89HDF\r\n")) fail(text, 0, path, "an HDF5 file (BIOM 2 or a matrix)");
  if (text.starts_with("\x93NUMPY")) fail(text, 0, path, "an array of NumPy (.npy)");
  if (const size_t at = find_foreign_byte(text); at != std::string_view::npos)
    fail_foreign(text, at, path);
  if (const size_t at = text.find('\0'); at != std::string_view::npos)
    fail(text, at, path, "a zero byte");
}

std::string read_text(const std::string& path) {
  std::string text = read_all(path);
  check_text(text, path);
  return text;
}

// In place, a byte for a byte, so that offsets stay what they are in the file.
void end_lines_with_newline(std::string& text) {
  for (size_t at = text.find('\r'); at != std::string::npos; at = text.find('\r', at + 1)) {
    if (at + 1 == text.size() || text[at + 1] != '\n') text[at] = '\n';
  }
}

}  // namespace deepbio::io
