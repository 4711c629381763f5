// What kind of file is this: told from its content, in one place, for `info`, `validate`, readers
// and messages. Which formats there are and what each is told by: formats.h.
//
// Compression, a byte-order mark, blank lines and comments are looked through. Text in columns is
// told by its header: the first row under it starts with the header's first id in a matrix of
// distances, "#OTU ID" and its relatives head a table, "sample-id" and its relatives metadata.
// Where one name heads both (Feature ID), a row of numbers is a table's. Threads: pure functions.
#pragma once

#include <string>

#include "deepbio/io/bytes/bytes.h"
#include "deepbio/io/formats.h"

namespace deepbio::io {

struct FileGuess {
  FileKind kind = FileKind::kUnknown;
  Container container = Container::kPlain;
  std::string artifact_type = {};  // "" when it is no artifact
  std::string description = {};    // of kForeign and kArtifact: what it is, and the way out
};

// Reads as much as it takes to tell: the header and the first row of text in columns. throws
// MissingFileError, ParseError (damaged compression, a compression that is not read).
FileGuess sniff(const std::string& path);

}  // namespace deepbio::io
