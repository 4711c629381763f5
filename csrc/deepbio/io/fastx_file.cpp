#include "deepbio/io/fastx_file.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "deepbio/base/error.h"
#include "deepbio/io/fastq_record.h"

namespace deepbio::io {
namespace {

// Records this near to each other are read in one piece.
constexpr uint64_t kMaxGapBytes = uint64_t{1} << 12;
constexpr uint64_t kMaxGroupBytes = uint64_t{1} << 20;

void set_title(std::string_view title, Record& out) {
  const size_t end = std::min(title.find_first_of(" \t"), title.size());
  out.name.assign(title.substr(0, end));
  out.description.assign(end == title.size() ? std::string_view() : title.substr(end + 1));
}

// The text up to the next line end, which is dropped.
std::string_view take_line(std::string_view& text) {
  const size_t end = std::min(text.find_first_of("\r\n"), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end);
  if (text.substr(0, 2) == "\r\n") text.remove_prefix(1);
  if (!text.empty()) text.remove_prefix(1);
  return line;
}

bool parse_fasta(std::string_view text, Record& out) {
  if (text.empty() || text[0] != '>') return false;
  set_title(take_line(text).substr(1), out);
  out.sequence.clear();
  while (!text.empty()) {
    std::string_view line = take_line(text);
    if (!line.empty() && line[0] == ';') continue;
    line = line.substr(0, line.find_last_not_of(" \t") + 1);
    if (!is_sequence_text(line)) return false;
    out.sequence.append(line);
  }
  return true;
}

// Behind the record follow some bytes more, which the fast path of the scanner needs.
bool parse_fastq(std::string_view text, size_t size, Record& out) {
  FastqScanner scanner;
  if (scanner.scan(text, true) != FastqScanner::Result::kRecord) return false;
  // Only line ends may stand between this record and the next.
  if (scanner.num_bytes > size) return false;
  if (text.substr(0, size).find_first_not_of("\r\n", scanner.num_bytes) != std::string_view::npos) return false;
  set_title(scanner.title, out);
  out.sequence.assign(scanner.sequence);
  out.quality.assign(scanner.quality);
  return true;
}

struct Wanted {
  FastxIndex::Span span;
  int64_t number = 0;
  size_t slot = 0;  // in the order asked for
};

// The end of the group of places, sorted by number, that begins at `first` and is read in one piece.
size_t group_end(const std::vector<Wanted>& places, size_t first) {
  size_t last = first + 1;
  while (last < places.size() && places[last].span.begin <= places[last - 1].span.end + kMaxGapBytes &&
         places[last].span.end - places[first].span.begin <= kMaxGroupBytes) {
    ++last;
  }
  return last;
}

}  // namespace

FastxFile::FastxFile(const std::string& path, const IndexOptions& options)
    : index_(FastxIndex::open_or_build(path, options)), file_(path) {
  if (!index_.is_of(file_)) {
    throw ParseError({path}, "a file that stays as it is while it is opened", "one that changed",
                     ErrorKind::kContainer);
  }
}

void FastxFile::parse(std::string_view text, size_t size, int64_t number, Record& out) const {
  out.has_quality = index_.format() == Format::kFastq;
  out.quality.clear();
  if (out.has_quality ? parse_fastq(text, size, out) : parse_fasta(text.substr(0, size), out)) return;
  throw ParseError({file_.path(), number, -1, static_cast<int64_t>(index_.span(number).begin)},
                   "the record that was indexed here", quoted(text), ErrorKind::kStructure);
}

FastxIndex::Span FastxFile::span(int64_t i) const {
  const FastxIndex::Span span = index_.span(i);
  if (span.begin <= span.end && span.end <= index_.access().data_bytes) return span;
  throw ParseError({file_.path(), i}, "an index of this file", "one that points outside of it; remove its .dbx file",
                   ErrorKind::kStructure);
}

void FastxFile::get(int64_t i, Record& out) const {
  const FastxIndex::Span span = this->span(i);
  file_.check_unchanged();
  RandomCursor cursor(file_, index_.access());
  std::string text;
  cursor.read(span.begin, std::min(span.end + 2, index_.access().data_bytes), text);
  parse(text, span.end - span.begin, i, out);
}

void FastxFile::read(std::span<const int64_t> records, RecordBatch& out) const {
  std::vector<Wanted> places(records.size());
  for (size_t slot = 0; slot < records.size(); ++slot) {
    places[slot] = {{}, records[slot], slot};
  }
  std::sort(places.begin(), places.end(), [](const Wanted& a, const Wanted& b) { return a.number < b.number; });
  for (size_t k = 0; k < places.size(); ++k) {
    places[k].span = span(places[k].number);
    if (k == 0 || places[k].number == places[k - 1].number || places[k].span.begin >= places[k - 1].span.end) continue;
    throw ParseError({file_.path(), places[k].number}, "records one behind the other",
                     "an index that has them overlap; remove its .dbx file", ErrorKind::kStructure);
  }
  file_.check_unchanged();
  RandomCursor cursor(file_, index_.access());
  std::string text;
  std::vector<Record> found(records.size());
  for (size_t first = 0; first < places.size();) {
    const size_t last = group_end(places, first);
    const uint64_t begin = places[first].span.begin;
    cursor.read(begin, std::min(places[last - 1].span.end + 2, index_.access().data_bytes), text);
    for (; first < last; ++first) {
      const Wanted& place = places[first];
      parse(std::string_view(text).substr(place.span.begin - begin), place.span.end - place.span.begin, place.number,
            found[place.slot]);
    }
  }
  for (const Record& record : found) out.append(record);
}

}  // namespace deepbio::io
