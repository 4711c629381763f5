#include "deepbio/data/indexed_reads.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/data/reads.h"
#include "deepbio/io/reads/fastx_pairs.h"

namespace deepbio::data {
namespace {

constexpr int kIndexThreads = 2;           // one inflates ahead of the parser
constexpr int64_t kRecordsOfAPass = 4096;  // records of a pass over all of them

constexpr size_t kMostOpenFiles = 256;  // a process may have 1,024 in all, as a rule

std::unique_ptr<io::FastxFile> open(const std::string& path, const io::FastxOptions& reading,
                                    size_t num_files) {
  io::IndexOptions options;
  options.num_threads = kIndexThreads;
  options.max_record_bytes = reading.max_record_bytes;
  options.allow_empty = reading.allow_empty;
  // More files are opened for each read: slower, and without "too many open files".
  options.is_kept_open = num_files <= kMostOpenFiles;
  auto file = std::make_unique<io::FastxFile>(path, options);
  if (reading.quality_offset != 33 && file->index().format() == io::Format::kBam) {
    throw ArgumentError(
        "quality_offset: expected 33 for BAM, whose qualities have no offset, got " +
        std::to_string(reading.quality_offset));
  }
  return file;
}

// As FastxReader converts them; the records of `batch` are those of these numbers in the file.
void convert_qualities(io::RecordBatch& batch, const std::string& path,
                       std::span<const int64_t> numbers) {
  // Everything after the reader expects an offset of 33, so that is what 64 becomes.
  constexpr char kLowest = '@', kShift = 64 - 33;
  for (size_t row = 0; row < numbers.size(); ++row) {
    const int64_t begin = batch.quality_offsets[row], end = batch.quality_offsets[row + 1];
    for (int64_t at = begin; at < end; ++at) {
      char& c = batch.qualities[static_cast<size_t>(at)];
      if (c < kLowest) {
        throw ParseError({path, numbers[row]},
                         "a quality of Phred+64, from '@' on (quality_offset 64)",
                         quoted(std::string_view(&c, 1)) + " at position " +
                             std::to_string(at - begin + 1) + " of the quality",
                         ErrorKind::kAlphabet);
      }
      c = static_cast<char>(c - kShift);
    }
  }
}

io::Record title_of(const io::RecordBatch& batch, int64_t row) {
  io::Record out;
  out.name = batch.name(row);
  out.description = batch.description(row);
  return out;
}

std::string titled(const io::Record& record) {
  return quoted(record.description.empty() ? record.name : record.name + " " + record.description,
                80);
}

}  // namespace

IndexedReads::IndexedReads(const std::vector<std::string>& paths, MatePaths mates,
                           const io::FastxOptions& options)
    : paths_(paths), mates_(std::move(mates)), options_(options) {
  const size_t num_files = paths.size() + mates_.files.size();
  for (const auto& path : paths) files_.push_back(open(path, options, num_files));
  for (const auto& path : mates_.files) mate_files_.push_back(open(path, options, num_files));
  int64_t end = 0;
  for (size_t i = 0; i < files_.size(); ++i) {
    // The index counts records without reading them again, so that a missing mate is found here.
    const int64_t size = files_[i]->size();
    if (!mate_files_.empty() && mate_files_[i]->size() != size) {
      throw ParseError({mates_.files[i], std::min(size, mate_files_[i]->size())},
                       std::to_string(size) + " records, as many as " + paths[i],
                       std::to_string(mate_files_[i]->size()), ErrorKind::kStructure);
    }
    if (mates_.is_interleaved && size % 2 != 0) {
      throw ParseError({paths[i], size}, "an even number of records, mates that alternate",
                       std::to_string(size), ErrorKind::kStructure);
    }
    end += mates_.is_interleaved ? size / 2 : size;
    ends_.push_back(end);
  }
}

IndexedReads::~IndexedReads() = default;

const io::FastxFile& IndexedReads::file(size_t number, bool is_mate) const {
  return is_mate && !mate_files_.empty() ? *mate_files_[number] : *files_[number];
}

size_t IndexedReads::file_of(int64_t index) const {
  // ends_ rises, and equal ends are files without records, which upper_bound steps over.
  return static_cast<size_t>(std::upper_bound(ends_.begin(), ends_.end(), raw_number(index)) -
                             ends_.begin());
}

std::vector<std::string> IndexedReads::warnings() const {
  std::vector<std::string> out;
  const auto add = [&](const auto& files, const std::vector<std::string>& paths) {
    for (size_t i = 0; i < files.size(); ++i) {
      if (const std::string warning = files[i]->warning(); !warning.empty())
        out.push_back(paths[i] + ": " + warning);
    }
  };
  add(files_, paths_);
  add(mate_files_, mates_.files);
  return out;
}

std::shared_ptr<io::RecordBatch> IndexedReads::read_side(std::span<const int64_t> indices,
                                                         bool is_mate) const {
  struct Place {
    size_t file;
    int64_t row;
  };
  // Sorted into files first: each is read once for the batch, its numbers together.
  std::vector<std::vector<int64_t>> wanted(files_.size());
  std::vector<Place> places;
  places.reserve(indices.size());
  for (const int64_t index : indices) {
    const size_t where = file_of(index);
    int64_t number = raw_number(index) - (where == 0 ? 0 : ends_[where - 1]);
    // Pairs of one file alternate: pair n is records 2 n and 2 n + 1.
    if (mates_.is_interleaved) number = 2 * number + (is_mate ? 1 : 0);
    places.push_back({where, static_cast<int64_t>(wanted[where].size())});
    wanted[where].push_back(number);
  }
  const auto read_records = [&](size_t i, io::RecordBatch& records) {
    file(i, is_mate).read(wanted[i], records);
    if (options_.quality_offset != 64) return;
    convert_qualities(records, is_mate && !mate_files_.empty() ? mates_.files[i] : paths_[i],
                      wanted[i]);
  };
  auto out = std::make_shared<io::RecordBatch>();
  // Most batches come from one file, and its records are then the result without another copy.
  const auto is_all = [&](const auto& numbers) { return numbers.size() == indices.size(); };
  if (const auto only = std::find_if(wanted.begin(), wanted.end(), is_all); only != wanted.end()) {
    read_records(static_cast<size_t>(only - wanted.begin()), *out);
    return out;
  }
  std::vector<io::RecordBatch> found(files_.size());
  for (size_t i = 0; i < files_.size(); ++i) {
    if (!wanted[i].empty()) read_records(i, found[i]);
  }
  // Back into the order that was asked for.
  for (const Place& place : places) append_record(found[place.file], place.row, *out);
  return out;
}

ReadPairs IndexedReads::read(std::span<const int64_t> indices) const {
  ReadPairs out{read_side(indices, false), nullptr};
  if (mates_.is_given()) {
    out.mates = read_side(indices, true);
    if (options_.check_mates) check_mates(indices, out);
  }
  return out;
}

void IndexedReads::check_mates(std::span<const int64_t> indices, const ReadPairs& pairs) const {
  for (size_t i = 0; i < indices.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    const io::Record first = title_of(*pairs.records, row), second = title_of(*pairs.mates, row);
    const std::string problem = io::mate_problem(first, second);
    if (problem.empty()) continue;
    const size_t where = file_of(indices[i]);
    const int64_t number = raw_number(indices[i]) - (where == 0 ? 0 : ends_[where - 1]);
    const std::string& path = mates_.is_interleaved ? paths_[where] : mates_.files[where];
    throw ParseError(
        {path, mates_.is_interleaved ? 2 * number + 1 : number},
        problem + " in pair " + std::to_string(number) + ", the other is " + titled(first),
        titled(second), ErrorKind::kStructure);
  }
}

std::vector<char> IndexedReads::chosen(const seq::Transforms& transforms, bool is_mate) const {
  const int64_t total = size();
  return RecordSelector(transforms).select(total, [&](const auto& look) {
    std::vector<int64_t> numbers;
    for (int64_t begin = 0; begin < total; begin += kRecordsOfAPass) {
      numbers.resize(static_cast<size_t>(std::min(kRecordsOfAPass, total - begin)));
      std::iota(numbers.begin(), numbers.end(), begin);
      look(*read_side(numbers, is_mate), begin);
    }
  });
}

void IndexedReads::select(const seq::Transforms& transforms) {
  if (RecordSelector(transforms).is_empty()) return;
  std::vector<char> stays = chosen(transforms, false);
  if (mates_.is_given()) {
    const std::vector<char> mate_stays = chosen(transforms, true);
    for (size_t i = 0; i < stays.size(); ++i) stays[i] = stays[i] && mate_stays[i];
  }
  // All stay: numbers need no list, and memory stays as small as without filters.
  if (std::find(stays.begin(), stays.end(), 0) == stays.end()) return;
  for (size_t i = 0; i < stays.size(); ++i) {
    if (stays[i]) kept_.push_back(static_cast<int64_t>(i));
  }
  is_filtered_ = true;
}

}  // namespace deepbio::data
