// What kind of file this is, for everyone who asks: info, validate, datasets, and messages about
// the wrong kind. Signs of formats come from formats.cpp; what is left is tables of text, which are
// told by their header and first row: a corner word, ids that repeat, numbers where counts would
// be.
#include "deepbio/io/sniff.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/text.h"
#include "deepbio/io/bytes/zip.h"
#include "deepbio/io/foreign.h"
#include "deepbio/io/tables/artifact.h"
#include "deepbio/io/tables/delimited.h"
#include "deepbio/io/tables/metadata.h"
#include "deepbio/io/tables/table_text.h"

namespace deepbio::io {
namespace {

// 64 KiB hold the first lines of most files; a header of a hundred thousand samples needs more, up
// to 256 MiB.
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

// The first lines of text in columns: what comes before the header is left out.
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
    // The last line of a head may be half of one.
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
    // Kept: a comment can turn out to be the header of what comes below it.
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
  return cells.size() > first &&
         std::all_of(cells.begin() + static_cast<std::ptrdiff_t>(first), cells.end(),
                     [&](const std::string& cell) { return to_number(cell, value); });
}

// From the surest sign to the least: a row that is called as the first column, R's short header,
// the word in the corner, and only then that there are columns at all.
FileKind kind_of_columns(const Columns& columns) {
  const auto& header = columns.header;
  const auto& row = columns.row;
  if (header.empty()) return FileKind::kUnknown;
  const std::string& corner = header[0];
  const bool is_square_row =
      header.size() > 1 && !row.empty() && row[0] == header[1] && row.size() == header.size();
  if (is_square_row && (row.size() > 2 || are_numbers(row, 1))) return FileKind::kDistances;
  if (!row.empty() && row.size() == header.size() + 1 && are_numbers(row, 1)) {  // R's write.table
    return row[0] == header[0] ? FileKind::kDistances : FileKind::kTable;
  }
  // An empty corner is how pandas and spreadsheets write a table.
  if (corner.empty())
    return header.size() == 2 && row.empty() ? FileKind::kDistances : FileKind::kTable;
  if (corner.starts_with('#') && is_table_corner(corner)) return FileKind::kTable;
  const bool is_id = is_id_header(corner), is_corner = is_table_corner(corner);
  // "id" and "feature id" begin tables and metadata alike: numbers below a feature id make it a
  // table.
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

// The first of these formats that the bytes are one of; nullptr when they are none.
const FormatRow* format_of(std::span<const FormatRow> formats, const FormatHead& head) {
  const auto found = std::find_if(formats.begin(), formats.end(), [&](const FormatRow& row) {
    return row.is != nullptr && row.is(head);
  });
  return found == formats.end() ? nullptr : &*found;
}

FileKind kind_of_text(Head& head, const std::string& path) {
  std::string_view text = head.bytes();
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (const FormatRow* format = format_of(text_formats(), {text, path})) return format->kind;
  if (has_control_bytes(text.substr(0, kSignBytes))) return FileKind::kUnknown;
  // Text above a FASTA title: the reader of sequences says what is wrong with it.
  if (text.substr(0, kSignBytes).find("\n>") != std::string_view::npos) return FileKind::kUnknown;

  Columns columns;
  // Four times as much each time, so that the whole costs a third more than the last look.
  while (!find_columns(std::string(head.bytes()), head.is_whole(), columns)) {
    if (head.bytes().size() >= kMostBytes || !head.grow(4 * head.bytes().size())) break;
  }
  return kind_of_columns(columns);
}

FileGuess guess_content(const std::string& path) {
  Head head(path);
  FileGuess out;
  out.container = head.container();
  const std::string_view bytes = head.bytes();
  if (bytes.empty()) {
    out.kind = FileKind::kEmpty;
  } else if (const FormatRow* format = format_of(binary_formats(), {bytes, path})) {
    // Binary signs are exact, so they go before the formats that are not read, whose signs are
    // shorter.
    out.kind = format->kind;
  } else if (out.description = foreign_format(bytes.substr(0, kSignBytes));
             !out.description.empty()) {
    out.kind = FileKind::kForeign;
  } else {
    out.kind = kind_of_text(head, path);
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
    // An artifact of another type: what it is can be told, what it holds is not read.
    if (artifact.member.empty())
      return {FileKind::kArtifact, Container::kZip, artifact.type, artifact.type};
    FileGuess out = guess_content(path);
    out.artifact_type = artifact.type;
    return out;
  }
  if (has(".npy")) return {FileKind::kDistances, Container::kZip, "", ""};
  return {FileKind::kForeign, Container::kZip, "", describe_other_zip(archive)};
}

}  // namespace

FileGuess sniff(const std::string& path) {
  return is_zip(path) ? guess_zip(path) : guess_content(path);
}

}  // namespace deepbio::io
