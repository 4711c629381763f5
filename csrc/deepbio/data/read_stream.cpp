#include "deepbio/data/read_stream.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include <sys/stat.h>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"

namespace deepbio::data {
namespace {

constexpr int64_t kPrefetch = 2;      // batches ahead per thread
constexpr int64_t kReadAtOnce = 256;  // records between two looks at the file

// Memory for as much as another batch took, so that it need not grow again.
void reserve_like(const io::RecordBatch& other, io::RecordBatch& out) {
  const auto text = [](const std::string& from, std::string& to) { to.reserve(from.size() + from.size() / 8); };
  const auto offsets = [](const auto& from, auto& to) { to.reserve(from.size()); };
  text(other.names, out.names);
  text(other.descriptions, out.descriptions);
  text(other.sequences, out.sequences);
  text(other.qualities, out.qualities);
  offsets(other.name_offsets, out.name_offsets);
  offsets(other.description_offsets, out.description_offsets);
  offsets(other.sequence_offsets, out.sequence_offsets);
  offsets(other.quality_offsets, out.quality_offsets);
}

// What tells that a file was written to.
struct FileMark {
  int64_t size = -1, seconds = 0, nanoseconds = 0;
  bool operator==(const FileMark&) const = default;
  static FileMark of(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    return {status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
  }
};

}  // namespace

struct ReadStream::State {
  std::vector<std::string> paths;
  ReadStreamOptions options;
  RecordSelector selector;
  uint64_t epoch = 0;
  int64_t given = 0;
  // Reading.
  size_t file = 0;  // the open one, or the next
  std::optional<io::FastxReader> reader;
  FileMark mark;
  int64_t num_read = 0;  // records, before filters
  int64_t num_kept = 0;
  io::SkipReport report;
  // A stretch of records in its order; the own part of it from `next_own` on is still to be given.
  struct Stretch {
    StreamRecords records;
    std::vector<int64_t> own;
  };
  std::optional<Stretch> ahead;  // read because the end of the places must be known
  Stretch current;
  size_t next_own = 0;
  int64_t first_place = 0;  // of the next stretch
  int64_t stretch_number = 0;
  bool has_begun = false;
  std::shared_ptr<const io::RecordBatch> last;  // that was given

  State(std::vector<std::string> files, ReadStreamOptions o)
      : paths(std::move(files)), options(std::move(o)), selector(options.transforms) {}

  int64_t stretch_size() const {
    const int64_t size = options.shuffle_buffer > 0 ? options.shuffle_buffer : kReadAtOnce * options.num_parts;
    return std::max(size, options.num_parts);
  }

  void check_unchanged() const {
    if (FileMark::of(paths[file]) == mark) return;
    throw ParseError({paths[file], reader->report().num_records}, "a file that stays as it was when it was opened",
                     "a file that was written to or removed while it was read");
  }

  void close_file() {
    check_unchanged();
    report.num_skipped += reader->report().num_skipped;
    for (const auto& [reason, count] : reader->report().reasons) report.reasons[reason] += count;
    for (const auto& example : reader->report().examples) {
      if (report.examples.size() < 3) report.examples.push_back(example);
    }
    reader.reset();
    ++file;
  }

  // Appends up to `count` records that filters let pass.
  void read(StreamRecords& out, int64_t count) {
    while (count > 0 && file < paths.size()) {
      if (!reader) {
        mark = FileMark::of(paths[file]);
        reader.emplace(paths[file], options.fastx);
      }
      const int64_t before = out.records->size();
      int64_t taken = 0;
      if (selector.is_empty()) {
        taken = reader->read(*out.records, std::min(count, kReadAtOnce));
      } else {
        io::RecordBatch candidates;
        taken = reader->read(candidates, std::min(count, kReadAtOnce));
        for (int64_t row = 0; row < taken; ++row) {
          if (selector.keeps(candidates, row, num_read + row)) append_record(candidates, row, *out.records);
        }
      }
      num_read += taken;
      const int64_t added = out.records->size() - before;
      for (int64_t i = 0; i < added; ++i) out.numbers.push_back(num_kept++);
      out.files.insert(out.files.end(), static_cast<size_t>(added), static_cast<int64_t>(file));
      count -= added;
      if (taken == 0)
        close_file();
      else
        check_unchanged();
    }
  }

  Stretch read_stretch() {
    Stretch out;
    const int64_t size = stretch_size();
    read(out.records, size);
    const int64_t found = out.records.records->size();
    std::vector<int64_t> order(static_cast<size_t>(found));
    std::iota(order.begin(), order.end(), int64_t{0});
    if (options.shuffle_buffer > 0) {
      CounterRandom random(options.seed, epoch, static_cast<uint64_t>(stretch_number), Purpose::kOrder);
      order = random_permutation(found, random);
    }
    ++stretch_number;
    out.own = std::move(order);
    return out;
  }

  // Keeps the places of this part below `end` of a stretch that begins at first_place.
  void choose_own(Stretch& stretch, int64_t end) {
    std::vector<int64_t> own;
    const auto size = static_cast<int64_t>(stretch.own.size());
    for (int64_t i = 0; i < size && first_place + i < end; ++i) {
      if ((first_place + i) % options.num_parts == options.part) own.push_back(stretch.own[static_cast<size_t>(i)]);
    }
    first_place += size;
    stretch.own = std::move(own);
  }

  // False at the end.
  bool next_stretch() {
    next_own = 0;
    int64_t end = std::numeric_limits<int64_t>::max();
    if (!options.drop_uneven) {
      current = read_stretch();
    } else {
      current = ahead ? std::move(*ahead) : read_stretch();
      ahead = read_stretch();
      const auto following = static_cast<int64_t>(ahead->own.size());
      if (following < stretch_size()) {
        const int64_t total = first_place + static_cast<int64_t>(current.own.size()) + following;
        end = total / options.num_parts * options.num_parts;
      }
    }
    const bool is_empty = current.own.empty();
    choose_own(current, end);
    return !is_empty;
  }

  bool is_plain() const { return options.shuffle_buffer == 0 && options.num_parts == 1; }
};

ReadStream::ReadStream(std::vector<std::string> paths, ReadStreamOptions options)
    : state_(std::make_unique<State>(std::move(paths), std::move(options))) {
  const ReadStreamOptions& o = state_->options;
  if (state_->paths.empty()) throw ArgumentError("read stream: expected at least one file, got none");
  if (o.shuffle_buffer < 0) {
    throw ArgumentError("shuffle_buffer: expected 0 or more, got " + std::to_string(o.shuffle_buffer));
  }
  if (o.num_parts < 1 || o.part < 0 || o.part >= o.num_parts) {
    throw ArgumentError("part: expected 0 to " + std::to_string(o.num_parts - 1) + ", got " + std::to_string(o.part));
  }
  if (state_->selector.needs_two_passes()) {
    throw ArgumentError(
        "Deduplicator: a stream keeps the first copy (keep=\"first\"), got keep=\"none\", which needs "
        "all records at once: use a SequenceDataset");
  }
}

ReadStream::~ReadStream() = default;
ReadStream::ReadStream(ReadStream&&) noexcept = default;

void ReadStream::begin(uint64_t epoch, int64_t given) {
  auto fresh = std::make_unique<State>(state_->paths, state_->options);
  state_ = std::move(fresh);
  state_->epoch = epoch;
  state_->has_begun = true;
  State& state = *state_;
  while (state.given < given) {
    if (state.next_own >= state.current.own.size() && !state.next_stretch()) return;
    const auto left = static_cast<int64_t>(state.current.own.size() - state.next_own);
    const int64_t skipped = std::min(left, given - state.given);
    state.next_own += static_cast<size_t>(skipped);
    state.given += skipped;
  }
}

StreamRecords ReadStream::take(int64_t num_records) {
  State& state = *state_;
  if (!state.has_begun) begin(0);
  StreamRecords out;
  if (state_->last) reserve_like(*state_->last, *out.records);
  while (true) {
    State& now = *state_;
    for (; out.records->size() < num_records && now.next_own < now.current.own.size(); ++now.next_own) {
      const int64_t row = now.current.own[now.next_own];
      append_record(*now.current.records.records, row, *out.records);
      out.numbers.push_back(now.current.records.numbers[static_cast<size_t>(row)]);
      out.files.push_back(now.current.records.files[static_cast<size_t>(row)]);
    }
    const int64_t missing = num_records - out.records->size();
    if (missing == 0) break;
    if (now.is_plain()) {  // straight into the result
      now.read(out, missing);
      break;
    }
    if (!now.next_stretch()) break;
  }
  state_->given += out.records->size();
  state_->last = out.records;
  return out;
}

ReadBatch ReadStream::encode(const StreamRecords& records) const {
  std::vector<int64_t> rows(records.numbers.size());
  std::iota(rows.begin(), rows.end(), int64_t{0});
  ReadBatch out = encode_reads(*records.records, rows, records.numbers, state_->epoch, state_->options);
  out.index = records.numbers;
  out.rows = std::move(rows);
  out.records = records.records;
  return out;
}

uint64_t ReadStream::epoch() const { return state_->epoch; }
int64_t ReadStream::given() const { return state_->given; }
const io::SkipReport& ReadStream::report() const {
  state_->report.num_records = state_->num_kept;
  return state_->report;
}

StreamLoader::StreamLoader(std::shared_ptr<ReadStream> stream, int64_t batch_size, bool drop_last, int64_t num_threads)
    : stream_(std::move(stream)), batch_size_(batch_size), num_threads_(num_threads), drop_last_(drop_last) {
  if (batch_size < 1) throw ArgumentError("batch_size: expected at least 1, got " + std::to_string(batch_size));
  if (num_threads < 0) throw ArgumentError("num_threads: expected 0 or more, got " + std::to_string(num_threads));
}

StreamLoader::~StreamLoader() { Prefetcher<Given>::discard(prefetcher_); }

void StreamLoader::begin(uint64_t epoch, int64_t first_batch) {
  Prefetcher<Given>::discard(prefetcher_);
  stream_->begin(epoch, first_batch * batch_size_);
  const auto next_job = [this]() -> std::optional<Prefetcher<Given>::Job> {
    StreamRecords records = stream_->take(batch_size_);
    const int64_t size = records.records->size();
    if (size == 0 || (drop_last_ && size < batch_size_)) return std::nullopt;
    return [stream = stream_, records = std::move(records)] { return Given(stream->encode(records), records); };
  };
  prefetcher_ = std::make_unique<Prefetcher<Given>>(next_job, num_threads_, kPrefetch * num_threads_);
}

std::optional<std::pair<ReadBatch, StreamRecords>> StreamLoader::next() {
  if (!prefetcher_ || !prefetcher_->is_here()) {
    throw ArgumentError("loader: expected begin(epoch) before next(), in a forked child too");
  }
  return prefetcher_->next();
}

}  // namespace deepbio::data
