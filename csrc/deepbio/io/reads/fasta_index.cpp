// The .fai index of samtools: where each sequence begins, and how many bases and bytes a line of it
// has. From these the byte of any base follows, provided that all lines of a sequence but the last
// are alike, which building checks. An index that exists is used only after a look at the places
// where it can be wrong; otherwise a new one is built and written beside the file.
#include "deepbio/io/reads/fasta_index.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/reads/fasta_text.h"
#include "deepbio/io/reads/fastx.h"
#include "deepbio/io/reads/text_kernels.h"

namespace deepbio::io {
namespace {

// Follows the lines of a FASTA file and notes the shape of each sequence.
class FaiBuilder {
 public:
  explicit FaiBuilder(const std::string& path) : text_(path) {}

  std::vector<FaiEntry> run() {
    while (text_.next()) {
      if (text_.is_title()) {
        begin_sequence();
      } else if (!entries_.empty()) {
        add_line();
      }
    }
    return std::move(entries_);
  }

 private:
  void begin_sequence() {
    FaiEntry entry;
    entry.name = text_.name();
    // Of a sequence without bases; the first line that has some corrects it.
    entry.offset_bytes = text_.next_offset();
    entries_.push_back(std::move(entry));
    is_last_line_ = false;
  }

  void add_line() {
    FaiEntry& entry = entries_.back();
    const std::string_view line = text_.line();
    const auto bases = static_cast<int64_t>(line.size()),
               bytes = static_cast<int64_t>(text_.line_bytes());
    if (bases > 0 && is_last_line_)
      text_.fail("lines of one length, the last of a sequence apart", "a line after it");
    if (bases > 0 && !is_sequence_text(line))
      text_.fail("a sequence of letters, '*', '-' or '.'", quoted(line));
    // The first line of bases gives the shape; blank lines before it do not count.
    if (entry.length_bp == 0 && bases > 0) {
      entry.offset_bytes = text_.offset();
      entry.line_bases = bases;
      entry.line_bytes = bytes;
    }
    if (bases > entry.line_bases) {
      text_.fail(std::to_string(entry.line_bases) + " bases, as the first line of the sequence has",
                 std::to_string(bases));
    }
    // A line that is shorter, or ends otherwise, must be the last.
    is_last_line_ = is_last_line_ || (entry.length_bp > 0 || bases > 0
                                          ? bases != entry.line_bases || bytes != entry.line_bytes
                                          : false);
    entry.length_bp += bases;
  }

  FastaText text_;
  std::vector<FaiEntry> entries_;
  bool is_last_line_ = false;
};

// Five columns exactly: an index of FASTQ has six, and is not ours to use.
FaiEntry parse_fai_line(std::string_view line, const std::string& path, int64_t number) {
  const auto fail = [&] {
    throw ParseError({path, -1, number}, "a name and four numbers, separated by tabs",
                     quoted(line));
  };
  FaiEntry out;
  size_t at = line.find('\t');
  if (at == std::string_view::npos) fail();
  out.name = line.substr(0, at);
  for (int64_t* field : {&out.length_bp, &out.offset_bytes, &out.line_bases, &out.line_bytes}) {
    if (at >= line.size() || line[at] != '\t') fail();
    const char* const begin = line.data() + at + 1;
    const auto [end, code] = std::from_chars(begin, line.data() + line.size(), *field);
    if (code != std::errc() || *field < 0) fail();
    at = static_cast<size_t>(end - line.data());
  }
  const bool is_shaped =
      out.length_bp == 0 || (out.line_bases > 0 && out.line_bytes >= out.line_bases);
  if (at != line.size() || !is_shaped) fail();
  return out;
}

// Where a base is in the decompressed data. Only for entries that fit their file, so that
// nothing overflows.
uint64_t place_of(const FaiEntry& entry, int64_t base) {
  // Its line_bases is 0, by which nothing may be divided.
  if (entry.length_bp == 0) return static_cast<uint64_t>(entry.offset_bytes);
  return static_cast<uint64_t>(entry.offset_bytes + base / entry.line_bases * entry.line_bytes +
                               base % entry.line_bases);
}

// The bases [start, end) of an entry from the text they are in; false when it has line ends
// elsewhere.
bool join_lines(std::string_view text, const FaiEntry& entry, int64_t start, int64_t end,
                std::string& out) {
  // Line ends are one byte or two; whether they are where the index says is looked at as they are
  // passed.
  const auto end_bytes = static_cast<size_t>(entry.line_bytes - entry.line_bases);
  out.reserve(static_cast<size_t>(end - start));
  while (start < end) {
    const int64_t in_line = std::min(entry.line_bases - start % entry.line_bases, end - start);
    out.append(text.substr(0, static_cast<size_t>(in_line)));
    text.remove_prefix(static_cast<size_t>(in_line));
    start += in_line;
    if (start == end) break;
    if (text.substr(0, end_bytes).find_first_not_of("\r\n") != std::string_view::npos) return false;
    text.remove_prefix(end_bytes);
  }
  return true;
}

// The title line that ends right before `begin`, without its end; "" when what is there is
// none.
std::string title_before(RandomCursor& cursor, uint64_t begin) {
  // Titles are short, but nothing bounds them: the look back grows until a line end is found.
  for (uint64_t reach = 256;; reach *= 8) {
    const uint64_t first = begin > reach ? begin - reach : 0;
    std::string text(cursor.read(first, begin));
    if (!text.ends_with('\n')) return "";
    while (text.ends_with('\n') || text.ends_with('\r'))
      text.pop_back();  // blank lines may follow a title
    const size_t line = text.rfind('\n');
    if (line == std::string::npos && first > 0 && reach < (uint64_t{1} << 24)) continue;
    return text.substr(line == std::string::npos ? 0 : line + 1);
  }
}

bool is_name_of(std::string_view title, std::string_view name) {
  if (title.starts_with("\xef\xbb\xbf")) title.remove_prefix(3);
  if (!title.starts_with('>')) return false;
  title.remove_prefix(1);
  return title.substr(0, std::min(title.find_first_of(" \t"), title.size())) == name;
}

}  // namespace

std::vector<FaiEntry> read_fai(const std::string& path) {
  const std::string text = read_all(path);
  std::vector<FaiEntry> out;
  std::string_view rest = text;
  for (int64_t number = 1; !rest.empty(); ++number) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    out.push_back(parse_fai_line(rest.substr(0, end), path, number));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

void write_fai(const std::string& path, const std::vector<FaiEntry>& entries) {
  std::string out;
  for (const FaiEntry& entry : entries) {
    out += entry.name;
    for (const int64_t field :
         {entry.length_bp, entry.offset_bytes, entry.line_bases, entry.line_bytes}) {
      out += '\t' + std::to_string(field);
    }
    out += '\n';
  }
  write_file(path, out);
}

std::vector<FaiEntry> build_fai(const std::string& path) { return FaiBuilder(path).run(); }

FastaFile::FastaFile(const std::string& path) : file_(path) {
  // For gzip this reads the whole file once: offsets of the index are of the decompressed data.
  access_ = map_access(file_, open_bytes(path)->container());
  const std::string where = path + ".fai";
  try {
    if (std::filesystem::is_regular_file(where)) entries_ = read_fai(where);
  } catch (const ParseError&) {  // a damaged index is built again
  }
  if (entries_.empty() || !fits() || !fits_text()) {
    entries_ = build_fai(path);
    // Whoever replaces the file while it is indexed must not get the index of the old one.
    file_.check_in_place();
    try {
      write_fai(where, entries_);
    } catch (const WriteError&) {  // a read-only folder: the index stays in memory
    }
  }
  for (size_t i = 0; i < entries_.size(); ++i) index_of_.emplace(entries_[i].name, i);
}

// Whether every sequence lies inside the file, checked without products that could overflow.
bool FastaFile::fits() const {
  // Below 2^62 the sums and products of place_of() stay within int64.
  const uint64_t limit = std::min(access_.data_bytes, uint64_t{1} << 62);
  return std::all_of(entries_.begin(), entries_.end(), [limit](const FaiEntry& entry) {
    for (const int64_t field :
         {entry.length_bp, entry.offset_bytes, entry.line_bases, entry.line_bytes}) {
      if (static_cast<uint64_t>(field) > limit) return false;
    }
    if (entry.length_bp == 0) return true;
    const int64_t full_lines = (entry.length_bp - 1) / entry.line_bases;
    if (full_lines > 0 &&
        static_cast<uint64_t>(entry.line_bytes) > limit / static_cast<uint64_t>(full_lines)) {
      return false;
    }
    return place_of(entry, entry.length_bp - 1) < limit;
  });
}

// Whether titles, the first line of each sequence and its end are where the index says. What lies
// between needs no look: the index has nothing else to be wrong about but the width of lines, and
// fetch() checks those it passes.
bool FastaFile::fits_text() const {
  const auto cursor = make_cursor(file_, access_);
  for (const FaiEntry& entry : entries_) {
    const uint64_t begin = static_cast<uint64_t>(entry.offset_bytes);
    if (!is_name_of(title_before(*cursor, begin), entry.name)) return false;
    if (entry.length_bp == 0) continue;
    const uint64_t end = place_of(entry, entry.length_bp - 1) + 1;
    // Of a sequence of several lines: its first line must end where the index says.
    if (entry.length_bp > entry.line_bases) {
      const uint64_t line_end = begin + static_cast<uint64_t>(entry.line_bases);
      if (std::string_view("\r\n").find(cursor->read(line_end, line_end + 1)[0]) > 1) return false;
    }
    // A line end, then the next title, or the end of the file.
    const std::string after(cursor->read(end, std::min(end + 3, access_.data_bytes)));
    const size_t next = after.find_first_not_of("\r\n");
    if (!after.empty() && (next == 0 || (next != std::string::npos && after[next] != '>')))
      return false;
  }
  // A sequence after the last one that the index knows.
  const FaiEntry& last = *std::max_element(
      entries_.begin(), entries_.end(),
      [](const auto& a, const auto& b) { return a.offset_bytes < b.offset_bytes; });
  const uint64_t end = last.length_bp == 0 ? static_cast<uint64_t>(last.offset_bytes)
                                           : place_of(last, last.length_bp - 1) + 1;
  // A sequence that was appended later begins within a few bytes; blank lines may come first.
  const uint64_t reach = std::min(access_.data_bytes, end + 4096);
  return end >= reach || cursor->read(end, reach).find('>') == std::string_view::npos;
}

const FaiEntry& FastaFile::entry(std::string_view name) const {
  const auto found = index_of_.find(std::string(name));
  if (found != index_of_.end()) return entries_[found->second];
  std::vector<std::string> names;
  for (const FaiEntry& known : entries_) names.push_back(known.name);
  const std::string near = nearest_name(name, names);
  throw ArgumentError(file_.path() + ": no sequence named " + quoted(name) +
                      (near.empty() ? "" : ", the nearest name is " + quoted(near)));
}

std::string FastaFile::fetch(std::string_view name, int64_t start, int64_t end) const {
  const FaiEntry& found = entry(name);
  if (start < 0 || end < start || end > found.length_bp) {
    throw ArgumentError("fetch: expected 0 <= start <= end <= " + std::to_string(found.length_bp) +
                        ", the length of " + quoted(name) + ", got [" + std::to_string(start) +
                        ", " + std::to_string(end) + ")");
  }
  file_.check_unchanged();
  if (start == end) return "";
  const auto cursor = make_cursor(file_, access_);
  const std::string_view text = cursor->read(place_of(found, start), place_of(found, end - 1) + 1);
  std::string out;
  // The text between line ends is checked, too: lines that were edited to another width give titles
  // or line ends here.
  if (!join_lines(text, found, start, end, out) || !is_sequence_text(out)) {
    throw ParseError(
        {file_.path(), -1, -1, found.offset_bytes},
        std::to_string(end - start) + " bases of " + quoted(name) + ", as the index says",
        "other text; remove " + file_.path() + ".fai", ErrorKind::kStructure);
  }
  return out;
}

}  // namespace deepbio::io
