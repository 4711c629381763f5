// Errors of the library: what is wrong, where, what was expected, what was found.
//
// Bad bytes in a user's file are a ParseError with the place; a bad argument, shape or option is an
// ArgumentError, ShapeError or ConfigError that quotes both values. End of file is never an error,
// a truncated file always is. Every message is one line. The bindings map each class to a Python
// class of the same name.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace deepbio {

// Base of everything the library throws on purpose.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message);
  ~Error() override;
};

// Where in a file something was found; -1 means "does not apply".
struct Place {
  std::string path;
  int64_t record = -1;  // 0-based
  int64_t line = -1;    // 1-based
  // 0-based, in the decompressed text; in the raw file for container damage.
  int64_t offset_bytes = -1;
};

// What family a ParseError belongs to (the families of the sequence corpus; kOther for tables and
// trees).
enum class ErrorKind { kStructure, kLength, kAlphabet, kContainer, kResource, kOther };
std::string_view to_string(ErrorKind kind);

// Bad bytes in a user's file.
// Message: "PATH: record R, line L, byte O: expected EXPECTED, got GOT" (parts that do not apply
// are left out).
class ParseError : public Error {
 public:
  ParseError(Place place, std::string expected, std::string got,
             ErrorKind kind = ErrorKind::kOther);
  ~ParseError() override;
  const Place& place() const { return place_; }
  const std::string& expected() const { return expected_; }
  const std::string& got() const { return got_; }
  ErrorKind kind() const { return kind_; }

 private:
  Place place_;
  std::string expected_, got_;
  ErrorKind kind_;
};

// A path that does not exist or cannot be opened as a file (a directory, no permission).
class MissingFileError : public Error {
 public:
  MissingFileError(std::string path, const std::string& reason);
  ~MissingFileError() override;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A file could not be written (full disk, existing output, no permission).
class WriteError : public Error {
 public:
  using Error::Error;
  ~WriteError() override;
};

// A value that a caller passed and that is out of its range, or an option of a command. What a user
// must change is in the message, with the value that was given.
class ArgumentError : public Error {
 public:
  using Error::Error;
  ~ArgumentError() override;
};

// Tensors or lists whose sizes do not go together; the message has both sizes.
class ShapeError : public Error {
 public:
  using Error::Error;
  ~ShapeError() override;
};

// A stored or typed configuration that cannot be used: unknown names, wrong types, options that
// exclude each other, a model of another version.
class ConfigError : public Error {
 public:
  using Error::Error;
  ~ConfigError() override;
};

// Renders bytes for a message: quoted, non-printing bytes as \xNN, cut after max_bytes. Called like
// a function; it is an object so that std::quoted cannot take the call for a std::string
// (argument-dependent lookup).
struct Quoted {
  std::string operator()(std::string_view bytes, size_t max_bytes = 40) const;
};
inline constexpr Quoted quoted{};

// The known name nearest to `name` by edit distance, or "" when none is near; for "did you mean".
template <class Names>
std::string nearest_name(std::string_view name, const Names& known);
size_t edit_distance(std::string_view a, std::string_view b);

template <class Names>
std::string nearest_name(std::string_view name, const Names& known) {
  std::string best;
  size_t best_distance = name.size() / 2 + 2;
  for (const auto& candidate : known) {
    const size_t distance = edit_distance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = std::string(candidate);
    }
  }
  return best;
}

}  // namespace deepbio
