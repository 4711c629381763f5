#include "deepbio/io/sniff.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "deepbio/base/error.h"
#include "deepbio/io/artifact.h"
#include "deepbio/io/biom.h"
#include "deepbio/io/delimited.h"
#include "deepbio/io/foreign.h"
#include "deepbio/io/metadata.h"
#include "deepbio/io/npy.h"
#include "deepbio/io/table_text.h"
#include "deepbio/io/text.h"
#include "deepbio/io/zip.h"

namespace deepbio::io {
namespace {

constexpr size_t kTextBytes = 4096;
constexpr size_t kFirstBytes = size_t{1} << 16, kMostBytes = size_t{1} << 28;

// The beginning of the content, longer when asked.
class Head {
 public:
  explicit Head(const std::string& path) : source_(open_bytes(path)) { grow(kFirstBytes); }
  std::string_view bytes() const { return bytes_; }
  bool is_whole() const { return is_whole_; }
  Container container() const { return source_->container(); }
  bool grow(size_t size) {
    size_t used = bytes_.size();
    if (is_whole_ || used >= size) return false;
    bytes_.resize(size);
    while (used < size) {
      const size_t got = source_->read(bytes_.data() + used, size - used);
      is_whole_ = got == 0;
      if (is_whole_) break;
      used += got;
    }
    bytes_.resize(used);
    return true;
  }

 private:
  std::unique_ptr<ByteSource> source_;
  std::string bytes_;
  bool is_whole_ = false;
};

// The first lines of text in columns: what stands in front of the header is left out.
struct Columns {
  std::vector<std::string> header, row;  // row: of the first line below, none when there is none
  std::string first_line;
};

std::vector<std::string> cells_of(std::string_view line) {
  const char separator = separator_of(line);
  if (separator == '\0') return {std::string(line)};
  static const std::string kNoPath;
  const bool has_quotes = separator != '\t' || line.starts_with('"');
  try {
    CellSplitter splitter(separator, has_quotes, kNoPath);
    const auto& cells = splitter.split(line, 1);
    return {cells.begin(), cells.end()};
  } catch (const ParseError&) {  // a quote that is no quote
    CellSplitter splitter(separator, false, kNoPath);
    const auto& cells = splitter.split(line, 1);
    return {cells.begin(), cells.end()};
  }
}

// False when the head ends before the first row does, and more of it is to be read.
bool find_columns(std::string text, bool is_whole, Columns& out) {
  end_lines_with_newline(text);
  out = {};
  TextLines lines(text);
  std::string above;  // the last comment
  for (std::string_view line; lines.next(line);) {
    const bool is_cut = !is_whole && line.data() + line.size() == text.data() + text.size();
    if (is_cut) return false;
    if (without_blanks(line).empty()) continue;
    if (out.first_line.empty()) out.first_line = line;
    if (!out.header.empty()) {
      if (line.starts_with('#')) continue;  // types, comments
      out.row = cells_of(line);
      return true;
    }
    const auto cells = cells_of(line);
    const bool is_named = cells.size() > 1 && (is_table_corner(cells[0]) || is_id_header(cells[0]));
    if (line.starts_with('#') && !is_named && line != "#OTU ID") {
      above = line;
      continue;
    }
    const auto over = cells_of(above);
    if (over.size() > 1 && over.size() == cells.size() && over[1] == cells[0]) {
      out.header = over;
      out.row = cells;
      return true;
    }
    if (cells.size() > 1 || line == "#OTU ID" || is_id_header(line)) out.header = cells;
  }
  return is_whole;
}

bool are_numbers(const std::vector<std::string>& cells, size_t first) {
  double value = 0;
  return cells.size() > first && std::all_of(cells.begin() + static_cast<std::ptrdiff_t>(first), cells.end(),
                                             [&](const std::string& cell) { return to_number(cell, value); });
}

FileKind kind_of_columns(const Columns& columns) {
  const auto& header = columns.header;
  const auto& row = columns.row;
  if (header.empty()) return FileKind::kUnknown;
  const std::string& corner = header[0];
  const bool is_square_row = header.size() > 1 && !row.empty() && row[0] == header[1] && row.size() == header.size();
  if (is_square_row && (row.size() > 2 || are_numbers(row, 1))) return FileKind::kDistances;
  if (!row.empty() && row.size() == header.size() + 1 && are_numbers(row, 1)) {  // R's write.table
    return row[0] == header[0] ? FileKind::kDistances : FileKind::kTable;
  }
  if (corner.empty()) return header.size() == 2 && row.empty() ? FileKind::kDistances : FileKind::kTable;
  if (corner.starts_with('#') && is_table_corner(corner)) return FileKind::kTable;
  const bool is_id = is_id_header(corner), is_corner = is_table_corner(corner);
  if (is_id && is_corner) {
    const bool is_feature = corner[0] == 'F' || corner[0] == 'f';
    return is_feature && are_numbers(row, 1) ? FileKind::kTable : FileKind::kMetadata;
  }
  if (is_corner) return FileKind::kTable;
  // Two ids and a number on each line: mothur's columns.
  const auto is_pair = [](const std::vector<std::string>& cells) {
    return cells.size() == 3 && !cells[0].empty() && !cells[1].empty() && are_numbers(cells, 2);
  };
  if (is_pair(header) && (row.empty() || is_pair(row))) return FileKind::kDistances;
  // Words with blanks between them are text, no header.
  const bool is_separated = columns.first_line.find_first_of("\t,;") != std::string::npos;
  return is_id || is_separated ? FileKind::kMetadata : FileKind::kUnknown;
}

// A number alone, and below it a name and numbers.
bool is_phylip_matrix(std::string_view text) {
  TextLines lines(text);
  std::string_view first, second;
  if (!lines.next(first) || !lines.next(second)) return false;
  double size = 0;
  if (first.starts_with('\t') || !to_number(first, size) || size < 1) return false;
  const std::string_view rest = without_blanks(second);
  const size_t blank = rest.find_first_of(" \t");
  if (blank == std::string_view::npos) return !rest.empty();  // a lower triangle
  double value = 0;
  return to_number(without_blanks(rest.substr(rest.find_last_of(" \t"))), value);
}

// The sign that text starts with, where one tells; kUnknown when it does not.
FileKind kind_of_sign(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  const char sign = first == std::string_view::npos ? '\0' : text[first];
  switch (sign) {
    case '>':
      return FileKind::kFasta;
    case '@':
      return FileKind::kFastq;
    case '{':
      return FileKind::kTable;
    case '(':
      return FileKind::kTree;
    case '[':
      return text.find('(') != std::string_view::npos ? FileKind::kTree : FileKind::kUnknown;
    case ';': {  // comments of old FASTA, or a table whose first cell is empty
      const size_t title = text.find("\n>");
      return title != std::string_view::npos ? FileKind::kFasta : FileKind::kUnknown;
    }
    default:
      break;
  }
  // A tree of one node.
  const std::string_view line = without_blanks(text.substr(0, text.find_first_of("\r\n")));
  const bool is_label = line.size() > 1 && line.back() == ';' && line.find_first_of("\t,") == std::string_view::npos;
  return is_label && std::count(line.begin(), line.end(), ';') == 1 ? FileKind::kTree : FileKind::kUnknown;
}

// Bytes that stand in no text: the file is something binary, whatever the others look like.
bool has_control_bytes(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r' && byte != '\f';
  });
}

FileKind kind_of_text(Head& head) {
  std::string_view text = head.bytes();
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (const FileKind kind = kind_of_sign(text); kind != FileKind::kUnknown) return kind;
  if (has_control_bytes(text.substr(0, kTextBytes))) return FileKind::kUnknown;
  // Text above a FASTA title: the reader of sequences says what is wrong with it.
  if (text.substr(0, kTextBytes).find("\n>") != std::string_view::npos) return FileKind::kUnknown;
  if (is_phylip_matrix(text)) return FileKind::kDistances;
  Columns columns;
  while (!find_columns(std::string(head.bytes()), head.is_whole(), columns)) {
    if (head.bytes().size() >= kMostBytes || !head.grow(4 * head.bytes().size())) break;
  }
  return kind_of_columns(columns);
}

bool is_safetensors(std::string_view bytes) { return bytes.size() > 9 && bytes[8] == '{' && bytes[7] == 0; }

FileGuess guess_content(const std::string& path) {
  Head head(path);
  FileGuess out;
  out.container = head.container();
  const std::string_view bytes = head.bytes();
  if (bytes.empty()) {
    out.kind = FileKind::kEmpty;
  } else if (bytes.starts_with("\x89HDF\r\n\x1a\n")) {
    out.kind = is_biom_hdf5(path) ? FileKind::kTable : FileKind::kDistances;
  } else if (bytes.starts_with(kNpyMagic)) {
    out.kind = FileKind::kDistances;
  } else if (is_safetensors(bytes)) {
    out.kind = FileKind::kSafetensors;
  } else if (out.description = foreign_format(bytes.substr(0, 4096)); !out.description.empty()) {
    out.kind = FileKind::kForeign;
  } else {
    out.kind = kind_of_text(head);
  }
  return out;
}

FileGuess guess_zip(const std::string& path) {
  const ZipArchive archive(path);
  const auto has = [&](std::string_view ending) {
    return std::any_of(archive.names().begin(), archive.names().end(),
                       [&](const std::string& name) { return name.ends_with(ending); });
  };
  if (has("/metadata.yaml")) {
    const Artifact artifact = describe_artifact(path);
    if (artifact.member.empty()) return {FileKind::kArtifact, Container::kZip, artifact.type, artifact.type};
    FileGuess out = guess_content(path);
    out.artifact_type = artifact.type;
    return out;
  }
  if (has(".npy")) return {FileKind::kDistances, Container::kZip, "", ""};
  return {FileKind::kForeign, Container::kZip, "", describe_other_zip(archive)};
}

}  // namespace

std::string_view to_string(FileKind kind) {
  constexpr std::array<std::string_view, 11> kNames{"empty",    "fasta",     "fastq",    "biom",
                                                    "newick",   "distances", "metadata", "safetensors",
                                                    "artifact", "foreign",   "unknown"};
  return kNames[static_cast<size_t>(kind)];
}

FileGuess sniff(const std::string& path) { return is_zip(path) ? guess_zip(path) : guess_content(path); }

}  // namespace deepbio::io
