// QIIME 2 artifacts (.qza): a zip with UUID/metadata.yaml, which names the type, and
// UUID/data/FILE.
//
// open_bytes gives the data file of an artifact, so that every reader of this layer takes
// artifacts: tables (feature-table.biom), trees (tree.nwk), sequences (dna-sequences.fasta and its
// kin), distances (distance-matrix.tsv) and taxonomies (taxonomy.tsv, which is read as metadata, as
// QIIME 2 does). Other types (visualizations, ...) are refused with the type they have.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "deepbio/io/bytes/bytes.h"
#include "deepbio/io/bytes/zip.h"

namespace deepbio::io {

struct Artifact {
  std::string type;    // such as "FeatureTable[Frequency]"
  std::string format;  // such as "BIOMV210DirFmt"
  // Name of the data file in the archive; "" when it is none that this library reads.
  std::string member;
};

// throws MissingFileError, ParseError (no zip, no UUID/metadata.yaml, no type in it).
Artifact describe_artifact(const std::string& path);
// The bytes of the data file. throws as above, and ParseError naming the type when it has no file
// that is read.
std::unique_ptr<ByteSource> open_artifact(const std::string& path);
// When `path` is a zip it must be an artifact whose type starts with `type`, such as
// "FeatureTable[". throws ParseError that says `what` was expected and which type was found.
void expect_artifact(const std::string& path, std::string_view type, std::string_view what);

// What a zip that is no artifact is: an Excel workbook, a PyTorch file, or so many other files.
std::string describe_other_zip(const ZipArchive& archive);

}  // namespace deepbio::io
