// What errors say. Text is assembled once, where the error is thrown, and every class ends in
// Error, so that no path to a message can leave a line end in it.
#include "deepbio/base/error.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "deepbio/base/utf8.h"

namespace deepbio {
namespace {

// "PATH: record R, line L, byte O: expected E, got G", without the parts that do not apply.
std::string message_of(const Place& place, const std::string& expected, const std::string& got) {
  std::string where;
  const auto add = [&where](const char* what, int64_t value) {
    if (value < 0) return;
    if (!where.empty()) where += ", ";
    where += what + (" " + std::to_string(value));
  };
  add("record", place.record);
  add("line", place.line);
  add("byte", place.offset_bytes);
  std::string message = place.path;
  if (!where.empty()) message += (message.empty() ? "" : ": ") + where;
  if (!message.empty()) message += ": ";
  message += "expected " + expected;
  if (!got.empty()) message += ", got " + got;
  return message;
}

// Paths and file content may hold line ends; a message is one line.
std::string one_line(std::string message) {
  for (char& c : message) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return message;
}

}  // namespace

Error::Error(const std::string& message) : std::runtime_error(one_line(message)) {}
// Destructors are defined here and not in the header: each class then has one home for its type
// information, without which an error thrown in the library could pass the `catch` of a program
// that links it.
Error::~Error() = default;
ParseError::~ParseError() = default;
MissingFileError::~MissingFileError() = default;
WriteError::~WriteError() = default;
ArgumentError::~ArgumentError() = default;
ShapeError::~ShapeError() = default;
ConfigError::~ConfigError() = default;

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kStructure:
      return "structure";
    case ErrorKind::kLength:
      return "length";
    case ErrorKind::kAlphabet:
      return "alphabet";
    case ErrorKind::kContainer:
      return "container";
    case ErrorKind::kResource:
      return "resource";
    // No default: the compiler names a kind that is added and forgotten here.
    case ErrorKind::kOther:
      break;
  }
  return "other";
}

ParseError::ParseError(Place place, std::string expected, std::string got, ErrorKind kind)
    : Error(message_of(place, expected, got)),
      place_(std::move(place)),
      expected_(std::move(expected)),
      got_(std::move(got)),
      kind_(kind) {}

MissingFileError::MissingFileError(std::string path, const std::string& reason)
    : Error(path + ": " + reason), path_(std::move(path)) {}

std::string Quoted::operator()(std::string_view bytes, size_t max_bytes) const {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "'";
  // Cut between characters, so a text may come out up to three bytes longer than max_bytes. What is
  // no UTF-8, or would not be seen, is shown by its bytes: the message itself is then always UTF-8.
  for (size_t at = 0; at < std::min(bytes.size(), max_bytes);) {
    const size_t size = utf8_bytes(bytes, at);
    const std::string_view character = bytes.substr(at, std::max<size_t>(size, 1));
    at += character.size();
    if (size > 0 && is_visible(character)) {
      if (character == "'" || character == "\\") out += '\\';
      out += character;
      continue;
    }
    for (const char c : character) {
      const auto byte = static_cast<unsigned char>(c);
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  out += bytes.size() > max_bytes ? "...'" : "'";
  return out;
}

// Levenshtein's distance with one row of the table: row[j] is the distance of the part of `a` so
// far to the first j letters of `b`, and `diagonal` what row[j] was for one letter of `a` less.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replace = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replace, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace deepbio
