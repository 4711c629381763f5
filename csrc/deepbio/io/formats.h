// Every kind of file that is read, and every way of writing one down: a row each, in formats.cpp.
//
// `sniff` tells files apart by these rows; `info`, `validate` and the help of the command say what
// they say; `read_table` and `read_distances` call the readers they name. What a format of its own
// costs: CONTRIBUTING.md. Threads: pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "deepbio/base/json.h"
#include "deepbio/io/tables/biom.h"
#include "deepbio/io/tables/matrix.h"

namespace deepbio::io {

enum class FileKind {
  kEmpty,
  kFasta,
  kFastq,
  kBam,
  kTable,
  kTree,
  kDistances,
  kMetadata,
  kSafetensors,
  kArtifact,  // of QIIME 2, of a type that is not read
  kForeign,   // known and not read: another format, or a zip of other files
  kUnknown
};

// What a file can be.
struct KindRow {
  FileKind kind;
  std::string_view word;   // of `validate`: "biom"
  std::string_view title;  // of `info`: "feature table"; "" where the file has to say it
  Json (*facts)(const std::string& path) =
      nullptr;                    // all of it is read; nullptr: nothing more is known
  std::string_view counted = {};  // the fact that `validate` calls records
};
const KindRow& row_of(FileKind kind);
std::string_view to_string(FileKind kind);  // its word

// What a format is told by: the first 64 KiB of the decompressed content, and the file for those
// that need more.
struct FormatHead {
  std::string_view text;
  const std::string& path;
};

// A way of writing a kind down.
struct FormatRow {
  std::string_view name;  // as the help of the command says it
  FileKind kind;
  // Whether a file is one. nullptr: the format has no sign of its own, the columns of its text tell
  // (sniff.cpp); then it is what a reader of its kind takes the rest for.
  bool (*is)(const FormatHead& head);
  // Reads the content of the file; nullptr where the reader of the kind needs more than the
  // content.
  CountTable (*table)(std::string content, const std::string& path) = nullptr;
  DistanceMatrix (*distances)(std::string content, const std::string& path) = nullptr;
};
// In the order in which they are asked. Binary formats can look like one that is not read
// (foreign.h) and are asked before it, text after it.
std::span<const FormatRow> binary_formats();
std::span<const FormatRow> text_formats();
// "BIOM 2.x, BIOM 1.0, classic TSV or .qza"
std::string format_names(FileKind kind);

// Text where the name ends in .tsv or .txt, else BIOM 2.1.
void write_table(const std::string& path, const CountTable& table,
                 Overwrite overwrite = Overwrite::kAllow);

// How much of the beginning has to look like text.
inline constexpr size_t kSignBytes = 4096;
// Bytes that no text holds: the file is something binary, whatever the others look like.
bool has_control_bytes(std::string_view text);

}  // namespace deepbio::io
