// Records of a file by number. Those that are asked for are sorted, near ones are read in one
// piece, and each is parsed by the same scanners as in a stream, then compared with what the index
// says about it: a file that was changed under its index gives an error and never another record.
#include "deepbio/io/reads/fastx_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/bgzf.h"
#include "deepbio/io/bytes/bgzf_access.h"
#include "deepbio/io/reads/bam_record.h"
#include "deepbio/io/reads/fastq_record.h"

namespace deepbio::io {
namespace {

// Records this near to each other are read in one piece: copying the gap costs less than another
// system call.
constexpr uint64_t kMaxGapBytes = uint64_t{1} << 14;
constexpr uint64_t kMaxGroupBytes = uint64_t{1} << 18;  // stays in the second-level cache

void append_slice(std::string_view text, BlockString& data, std::vector<int64_t>& offsets) {
  data.append(text);
  offsets.push_back(static_cast<int64_t>(data.size()));
}

void append_title(std::string_view title, RecordBatch& out) {
  size_t end = 0;  // names are short, so that find_first_of would cost more than it saves
  while (end < title.size() && title[end] != ' ' && title[end] != '\t') ++end;
  append_slice(title.substr(0, end), out.names, out.name_offsets);
  append_slice(title.substr(std::min(end + 1, title.size())), out.descriptions,
               out.description_offsets);
}

// The text up to the next line end, which is dropped.
std::string_view take_line(std::string_view& text) {
  const void* const found = text.empty() ? nullptr : std::memchr(text.data(), '\n', text.size());
  const size_t end = found == nullptr
                         ? text.size()
                         : static_cast<size_t>(static_cast<const char*>(found) - text.data());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

// Room for many records of the mean length: growing step by step would copy and touch twice the
// memory.
void make_room(const FastxIndex& index, size_t num_records, RecordBatch& out) {
  if (num_records <= out.sequence_offsets.size()) return;
  const auto bases =
      static_cast<size_t>(index.num_bases() / std::max<int64_t>(index.size(), 1) + 1) * num_records;
  out.sequences.reserve(out.sequences.size() + bases);
  if (index.format() != Format::kFasta) out.qualities.reserve(out.qualities.size() + bases);
  for (std::vector<int64_t>* offsets :
       {&out.name_offsets, &out.description_offsets, &out.sequence_offsets, &out.quality_offsets}) {
    offsets->reserve(offsets->size() + num_records);
  }
}

// What out held before, to go back to.
class Mark {
 public:
  explicit Mark(const RecordBatch& out)
      : num_records_(out.sequence_offsets.size()),
        sizes_{out.names.size(), out.descriptions.size(), out.sequences.size(),
               out.qualities.size()} {}
  void restore(RecordBatch& out) const {
    size_t part = 0;
    for (BlockString* data : {&out.names, &out.descriptions, &out.sequences, &out.qualities}) {
      data->resize(sizes_[part++]);
    }
    for (std::vector<int64_t>* offsets : {&out.name_offsets, &out.description_offsets,
                                          &out.sequence_offsets, &out.quality_offsets}) {
      offsets->resize(std::min(offsets->size(), num_records_));
    }
  }

 private:
  size_t num_records_;
  std::array<size_t, 4> sizes_;
};

// Appends records that are at the front of a text; false when they are not what was indexed.
class RecordParser {
 public:
  explicit RecordParser(Format format) : format_(format) {}

  // After the record, of size bytes, more of the file may follow.
  // FASTQ is scanned beyond its size, since the kernel reads whole vectors; the other formats take
  // exactly their bytes.
  bool append(std::string_view text, size_t size, RecordBatch& out) {
    if (format_ == Format::kFastq) return append_fastq(text, size, out);
    return format_ == Format::kBam ? append_bam(text.substr(0, size), out)
                                   : append_fasta(text.substr(0, size), out);
  }

 private:
  bool append_fastq(std::string_view text, size_t size, RecordBatch& out) {
    if (scanner_.scan(text, true) != FastqScanner::Result::kRecord || scanner_.num_bytes > size)
      return false;
    // Only line ends may be between this record and the next.
    if (text.substr(0, size).find_first_not_of("\r\n", scanner_.num_bytes) !=
        std::string_view::npos)
      return false;
    append_title(scanner_.title, out);
    append_slice(scanner_.sequence, out.sequences, out.sequence_offsets);
    append_slice(scanner_.quality, out.qualities, out.quality_offsets);
    return true;
  }

  // Alignments that were left out may follow the record.
  bool append_bam(std::string_view bytes, RecordBatch& out) {
    if (bam_.scan(bytes, true) != BamScanner::Result::kRecord) return false;
    append_slice(bam_.name, out.names, out.name_offsets);
    append_slice(bam_.description, out.descriptions, out.description_offsets);
    append_slice(bam_.sequence, out.sequences, out.sequence_offsets);
    append_slice(bam_.quality, out.qualities, out.quality_offsets);
    return true;
  }

  // Line by line: reads in FASTA are short, and chromosomes are fetched by window (fasta_index.h).
  static bool append_fasta(std::string_view text, RecordBatch& out) {
    if (text.empty() || text[0] != '>') return false;
    append_title(take_line(text).substr(1), out);
    while (!text.empty()) {
      std::string_view line = take_line(text);
      if (!line.empty() && line[0] == ';') continue;
      line = line.substr(0, line.find_last_not_of(" \t") + 1);
      if (!is_sequence_text(line)) return false;
      out.sequences.append(line);
    }
    append_slice({}, out.sequences, out.sequence_offsets);
    append_slice({}, out.qualities, out.quality_offsets);
    return true;
  }

  Format format_;
  FastqScanner scanner_;
  BamScanner bam_;
};

}  // namespace

FastxFile::FastxFile(const std::string& path, const IndexOptions& options)
    : file_((path == "-" ? throw ArgumentError(
                               "FastxFile: expected a file, got standard input, which is read once")
                         : path),
            options.is_kept_open),
      index_(FastxIndex::open_or_build(file_, options)) {}

std::string FastxFile::warning() const {
  if (size() == 0) return "no records: an empty file";
  std::string out = index_.access().container == Container::kBgzf && lacks_end_block(file_)
                        ? std::string(kNoEndBlock)
                        : "";
  if (index_.num_left_out() > 0)
    out += (out.empty() ? "" : "; ") + left_out_warning(index_.num_left_out());
  return out;
}

void FastxFile::get(int64_t i, Record& out) const {
  RecordBatch batch;
  read({&i, 1}, batch);
  out.name.assign(batch.name(0));
  out.description.assign(batch.description(0));
  out.sequence.assign(batch.sequence(0));
  out.quality.assign(batch.quality(0));
  // A BAM record may have no qualities of its own.
  out.has_quality = index_.format() != Format::kFasta && out.quality.size() == out.sequence.size();
}

void FastxFile::read(std::span<const int64_t> records, RecordBatch& out) const {
  // Batches in file order, and single records, go straight into the result; on an error it is put
  // back, so that a caller never sees half a batch.
  if (std::is_sorted(records.begin(), records.end())) {
    const Mark before(out);
    try {
      read_sorted(records, out);
    } catch (...) {
      before.restore(out);
      throw;
    }
    return;
  }
  std::vector<std::pair<int64_t, size_t>> wanted(
      records.size());  // record, and its place in the order asked for
  for (size_t place = 0; place < records.size(); ++place) wanted[place] = {records[place], place};
  std::sort(wanted.begin(), wanted.end());
  // Shuffled batches are read in file order, too, and put into the order asked for afterwards:
  // seeking backwards would inflate the same data again.
  std::vector<int64_t> sorted(records.size()), rank(records.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    sorted[i] = wanted[i].first;
    rank[wanted[i].second] = static_cast<int64_t>(i);
  }
  RecordBatch found;
  read_sorted(sorted, found);
  for (const int64_t i : rank) {
    append_slice(found.name(i), out.names, out.name_offsets);
    append_slice(found.description(i), out.descriptions, out.description_offsets);
    append_slice(found.sequence(i), out.sequences, out.sequence_offsets);
    append_slice(found.quality(i), out.qualities, out.quality_offsets);
  }
}

void FastxFile::read_sorted(std::span<const int64_t> records, RecordBatch& out) const {
  if (records.empty()) return;
  file_.check_unchanged();
  make_room(index_, records.size(), out);
  const auto cursor = make_cursor(file_, index_.access());
  RecordParser parser(index_.format());
  FastxIndex::Walker walker(index_);
  std::vector<FastxIndex::Span> group;  // read in one piece
  FastxIndex::Span next = walker.at(records[0]);
  for (size_t first = 0; first < records.size(); first += group.size()) {
    group.assign(1, next);
    for (size_t i = first + 1; i < records.size(); ++i) {
      next = walker.at(records[i]);
      if (records[i] != records[i - 1] && next.begin < group.back().end) {
        throw ParseError({file_.path(), records[i]}, "records one after the other",
                         "an index that has them overlap; remove its .dbx file",
                         ErrorKind::kStructure);
      }
      // A group ends where the gap or the whole gets too large.
      if (next.begin > group.back().end + kMaxGapBytes ||
          next.end - group[0].begin > kMaxGroupBytes)
        break;
      group.push_back(next);
    }
    const uint64_t begin = group[0].begin;
    const std::string_view text = cursor->read(begin, group.back().end);
    for (size_t i = 0; i < group.size(); ++i) {
      const std::string_view here = text.substr(group[i].begin - begin);
      if (parser.append(here, group[i].end - group[i].begin, out)) continue;
      file_.check_unchanged();
      throw ParseError({file_.path(), records[first + i], -1, static_cast<int64_t>(group[i].begin)},
                       "the record that was indexed here", quoted(here), ErrorKind::kStructure);
    }
  }
  file_.check_unchanged();
}

}  // namespace deepbio::io
