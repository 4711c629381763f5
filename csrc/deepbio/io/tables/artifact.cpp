// A QIIME 2 artifact is a zip with one folder named by a UUID; what it holds is said by two lines
// of metadata.yaml, and the data lies under data/ with a file name that its format fixes. Only that
// name is looked for: the directory formats of QIIME 2 that hold a table, a tree or sequences have
// one such file.
#include "deepbio/io/tables/artifact.h"

#include <algorithm>
#include <array>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/zip.h"

namespace deepbio::io {
namespace {

constexpr std::array<std::string_view, 8> kDataFiles{
    "feature-table.biom",  "tree.nwk",
    "dna-sequences.fasta", "aligned-dna-sequences.fasta",
    "rna-sequences.fasta", "protein-sequences.fasta",
    "distance-matrix.tsv", "taxonomy.tsv"};

[[noreturn]] void fail(const std::string& path, std::string expected, std::string got) {
  throw ParseError({path, -1, -1, -1}, std::move(expected), std::move(got), ErrorKind::kContainer);
}

// The value of a top-level `key: value` line of metadata.yaml; "" when there is none.
// No parser of YAML: QIIME 2 writes uuid, type and format as plain keys at the top, and a value in
// quotes is read as without.
std::string yaml_value(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.starts_with(key) || line.substr(key.size(), 1) != ":") continue;
    line.remove_prefix(key.size() + 1);
    constexpr std::string_view kAround = " \t\r'\"";
    const size_t first = line.find_first_not_of(kAround);
    if (first == std::string_view::npos) return {};
    return std::string(line.substr(first, line.find_last_not_of(kAround) - first + 1));
  }
  return {};
}

// UUID of the archive: the only folder at the top that holds a metadata.yaml.
// Provenance holds metadata.yaml files too, but deeper down.
std::string root_of(const ZipArchive& archive) {
  for (const std::string& name : archive.names()) {
    const size_t slash = name.find('/');
    if (slash != std::string::npos && name.substr(slash) == "/metadata.yaml")
      return name.substr(0, slash);
  }
  fail(archive.path(), "a QIIME 2 artifact (UUID/metadata.yaml in a zip)",
       describe_other_zip(archive));
}

Artifact describe(const ZipArchive& archive) {
  const std::string root = root_of(archive);
  const std::string text = archive.read(root + "/metadata.yaml");
  Artifact out{yaml_value(text, "type"), yaml_value(text, "format"), ""};
  if (out.type.empty()) fail(archive.path(), "a type in " + root + "/metadata.yaml", quoted(text));
  for (const std::string_view file : kDataFiles) {
    const std::string member = root + "/data/" + std::string(file);
    if (std::find(archive.names().begin(), archive.names().end(), member) != archive.names().end())
      out.member = member;
  }
  return out;
}

}  // namespace

std::string describe_other_zip(const ZipArchive& archive) {
  const auto has = [&](std::string_view start, std::string_view ending) {
    return std::any_of(
        archive.names().begin(), archive.names().end(),
        [&](const std::string& name) { return name.starts_with(start) && name.ends_with(ending); });
  };
  if (has("xl/", "")) return "an Excel workbook (xlsx); save the sheet as tab-separated text";
  if (has("content.xml", ""))
    return "a spreadsheet or text of LibreOffice; save it as tab-separated text";
  if (has("", "/data.pkl") || has("", "constants.pkl"))
    return "a PyTorch file (a zip archive, such as TorchScript)";
  return "a zip of " + std::to_string(archive.names().size()) + " other files; decompress it first";
}

Artifact describe_artifact(const std::string& path) { return describe(ZipArchive(path)); }

std::unique_ptr<ByteSource> open_artifact(const std::string& path) {
  const ZipArchive archive(path);
  const Artifact artifact = describe(archive);
  if (artifact.member.empty()) {
    fail(path, "a QIIME 2 artifact of a table, a tree, sequences, distances or a taxonomy",
         artifact.type);
  }
  return archive.open(artifact.member);
}

void expect_artifact(const std::string& path, std::string_view type, std::string_view what) {
  if (!is_zip(path)) return;
  const Artifact artifact = describe_artifact(path);
  // A prefix, as "FeatureTable[" has many kinds: [Frequency], [RelativeFrequency],
  // [PresenceAbsence].
  if (artifact.type.starts_with(type)) return;
  fail(path,
       std::string(what) + " (a QIIME 2 artifact of type " + std::string(type) +
           (type.ends_with('[') ? "...])" : ")"),
       artifact.type);
}

}  // namespace deepbio::io
