// Three things are told apart here: a stretch (records whose order is drawn together), a place (of
// a record in the order of the epoch, over all parts), and what is a part's own. All parts read the
// same stretches and keep their places, so that they need not talk to each other.
#include "deepbio/data/read_stream.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/data/permutation.h"
#include "deepbio/data/stream_file.h"

namespace deepbio::data {
namespace {

// Few enough that a file that was written to is noticed before its records have been given.
constexpr int64_t kReadAtOnce = 256;  // records between two looks at the file
// Tells the order of blocks from those inside of stretches.
constexpr uint64_t kBlockOrder = ~uint64_t{0};

// Memory for as much as another batch took, so that it need not grow again.
void reserve_like(const io::RecordBatch& other, io::RecordBatch& out) {
  const auto text = [](const BlockString& from, BlockString& to) {
    to.reserve(from.size() + from.size() / 8);
  };
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

// Among many files one without records is a note, alone it is a mistake.
ReadStreamOptions with_empty_files(ReadStreamOptions options, size_t num_files) {
  options.fastx.allow_empty = options.fastx.allow_empty || num_files > 1;
  return options;
}

}  // namespace

StreamRecords::StreamRecords(bool has_mates)
    : pairs{std::make_shared<io::RecordBatch>(),
            has_mates ? std::make_shared<io::RecordBatch>() : nullptr} {}

void StreamRecords::append(const StreamRecords& source, int64_t row) {
  append_record(*source.pairs.records, row, *pairs.records);
  if (pairs.mates) append_record(*source.pairs.mates, row, *pairs.mates);
  numbers.push_back(source.numbers[static_cast<size_t>(row)]);
  files.push_back(source.files[static_cast<size_t>(row)]);
}

struct ReadStream::State {
  std::vector<std::string> paths;
  ReadStreamOptions options;
  RecordSelector selector, mate_selector;
  uint64_t epoch = 0;
  uint64_t draws = 0;  // the epoch of random transforms
  int64_t given = 0;
  // Reading from front to back.
  size_t file = 0;  // the open one, or the next
  std::optional<StreamFile> open;
  int64_t num_read = 0;  // records, before filters
  int64_t num_kept = 0;
  io::SkipReport report;
  // Reading blocks.
  std::shared_ptr<const IndexedReads> indexed;
  std::optional<KeyedPermutation> blocks;
  // A stretch of records in its order; the own part of it from `next_own` on is still to be given.
  struct Stretch {
    StreamRecords records;
    std::vector<int64_t> own;
    bool is_read = true;  // false: of the records only their numbers are there
  };
  std::optional<Stretch> ahead;  // read because the end of the places must be known
  Stretch current;
  size_t next_own = 0;
  int64_t first_place = 0;  // of the next stretch
  int64_t stretch_number = 0;
  bool has_begun = false;
  std::shared_ptr<const io::RecordBatch> last;  // that was given

  State(std::vector<std::string> files, ReadStreamOptions o)
      : paths(std::move(files)),
        options(with_empty_files(std::move(o), paths.size())),
        selector(options.transforms),
        mate_selector(options.transforms) {}

  bool has_mates() const { return options.mates.is_given(); }
  bool is_plain() const { return options.shuffle_buffer == 0 && options.num_parts == 1; }
  // At least num_parts, so that each part finds a place of its own in a stretch.
  int64_t stretch_size() const {
    const int64_t size =
        options.shuffle_buffer > 0 ? options.shuffle_buffer : kReadAtOnce * options.num_parts;
    return std::max(size, options.num_parts);
  }

  // The index stays from epoch to epoch.
  void begin(std::shared_ptr<const IndexedReads> index, uint64_t number) {
    epoch = number;
    has_begun = true;
    if (options.block_records == 0) return;
    if (!index) {
      // Shared between epochs, as making it reads the files and filtering reads them again.
      auto fresh = std::make_shared<IndexedReads>(paths, options.mates, options.fastx);
      fresh->select(options.transforms);
      index = std::move(fresh);
    }
    indexed = std::move(index);
    num_kept = indexed->size();
    report.warnings = indexed->warnings();
    blocks.emplace((num_kept + options.block_records - 1) / options.block_records, options.seed,
                   epoch, kBlockOrder);
  }

  void close_file() {
    open->check_unchanged();
    open->report_to(report);
    open.reset();
    ++file;
  }

  // Appends up to `count` records that filters let pass.
  void read(StreamRecords& out, int64_t count) {
    while (count > 0 && file < paths.size()) {
      if (!open)
        open.emplace(paths[file], options.mates.files.empty() ? "" : options.mates.files[file],
                     options);
      // Filters may let none pass: what was taken counts for the numbers of the files, what was
      // added for the caller.
      const int64_t before = out.size();
      int64_t taken = 0;
      if (selector.is_empty()) {
        taken = open->read(out.pairs, std::min(count, kReadAtOnce));
      } else {
        StreamRecords found(has_mates());
        taken = open->read(found.pairs, std::min(count, kReadAtOnce));
        for (int64_t row = 0; row < taken; ++row) keep(found.pairs, row, out.pairs);
      }
      num_read += taken;
      const int64_t added = out.size() - before;
      for (int64_t i = 0; i < added; ++i) out.numbers.push_back(num_kept++);
      out.files.insert(out.files.end(), static_cast<size_t>(added), static_cast<int64_t>(file));
      count -= added;
      // The end of a file; the next turn of the loop opens the one after it.
      if (taken == 0)
        close_file();
      else
        open->check_unchanged();
    }
  }

  // Appends a record, or a pair of which both mates pass, when filters let it pass.
  void keep(const ReadPairs& found, int64_t row, ReadPairs& out) {
    bool stays = selector.keeps(*found.records, row, num_read + row);
    // Asked even if the first is refused: a Deduplicator counts every mate that it is shown.
    if (found.mates) stays = mate_selector.keeps(*found.mates, row, num_read + row) && stays;
    if (!stays) return;
    append_record(*found.records, row, *out.records);
    if (found.mates) append_record(*found.mates, row, *out.mates);
  }

  Stretch next_records() {
    Stretch out{StreamRecords(has_mates()), {}, true};
    if (blocks)
      choose_blocks(out);
    else
      read(out.records, stretch_size());
    const auto found = static_cast<int64_t>(out.records.numbers.size());
    if (options.shuffle_buffer > 0) {
      // Keyed by the stretch, so that no order before it has to be drawn to go on at this one.
      CounterRandom random(options.seed, epoch, static_cast<uint64_t>(stretch_number),
                           Purpose::kOrder);
      out.own = random_permutation(found, random);
    } else {
      out.own.resize(static_cast<size_t>(found));
      std::iota(out.own.begin(), out.own.end(), int64_t{0});
    }
    ++stretch_number;
    return out;
  }

  // The numbers of the next blocks, in the order of the files. All blocks are of about one size.
  void choose_blocks(Stretch& out) const {
    const int64_t at_once = std::max<int64_t>(1, options.shuffle_buffer / options.block_records);
    const int64_t num_blocks = blocks->size();
    std::vector<int64_t> chosen;
    for (int64_t i = stretch_number * at_once;
         i < std::min((stretch_number + 1) * at_once, num_blocks); ++i) {
      chosen.push_back(blocks->at(i));
    }
    // The blocks of a stretch are read from the front of the files to their end; its records are
    // shuffled afterwards.
    std::sort(chosen.begin(), chosen.end());
    // The first `more` blocks have one record more than the others.
    const int64_t whole = num_kept / std::max<int64_t>(1, num_blocks),
                  more = num_kept % std::max<int64_t>(1, num_blocks);
    const auto begin_of = [&](int64_t block) { return block * whole + std::min(block, more); };
    for (const int64_t block : chosen) {
      for (int64_t i = begin_of(block); i < begin_of(block + 1); ++i)
        out.records.numbers.push_back(i);
    }
    // Numbers alone: a stretch that is skipped to go on later, or that has no place of this part,
    // is never read.
    out.is_read = false;
  }

  void read_blocks(Stretch& stretch) const {
    stretch.records.pairs = indexed->read(stretch.records.numbers);
    for (const int64_t number : stretch.records.numbers) {
      stretch.records.files.push_back(static_cast<int64_t>(indexed->file_of(number)));
    }
    stretch.is_read = true;
  }

  // Keeps the places of this part below `end` of a stretch that begins at first_place.
  void choose_own(Stretch& stretch, int64_t end) {
    std::vector<int64_t> own;
    const auto size = static_cast<int64_t>(stretch.own.size());
    // `own` holds the order of the stretch before, and the rows of this part's places after.
    for (int64_t i = 0; i < size && first_place + i < end; ++i) {
      if ((first_place + i) % options.num_parts == options.part)
        own.push_back(stretch.own[static_cast<size_t>(i)]);
    }
    first_place += size;
    stretch.own = std::move(own);
  }

  // False at the end.
  bool next_stretch() {
    next_own = 0;
    int64_t end = std::numeric_limits<int64_t>::max();
    if (!options.drop_uneven) {
      current = next_records();
      // The index knows how many records there are; without it the end is known only when it comes.
    } else if (blocks) {
      current = next_records();
      end = num_kept / options.num_parts * options.num_parts;
    } else {
      current = ahead ? std::move(*ahead) : next_records();
      // One stretch ahead: a short one is the last, and with it the number of all places is known.
      ahead = next_records();
      const auto following = static_cast<int64_t>(ahead->own.size());
      // After a full one nothing may follow: then the next turn, which finds none, knows the total.
      if (following < stretch_size()) {
        const int64_t total = first_place + static_cast<int64_t>(current.own.size()) + following;
        end = total / options.num_parts * options.num_parts;
      }
    }
    // Before choose_own: a stretch without a place of this part is not the end.
    const bool is_empty = current.own.empty();
    choose_own(current, end);
    return !is_empty;
  }
};

ReadStream::ReadStream(std::vector<std::string> paths, ReadStreamOptions options)
    : state_(std::make_unique<State>(std::move(paths), std::move(options))) {
  const ReadStreamOptions& o = state_->options;
  if (state_->paths.empty())
    throw ArgumentError("read stream: expected at least one file, got none");
  if (o.shuffle_buffer < 0) {
    throw ArgumentError("shuffle_buffer: expected 0 or more, got " +
                        std::to_string(o.shuffle_buffer));
  }
  if (o.num_parts < 1)
    throw ArgumentError("num_parts: expected 1 or more, got " + std::to_string(o.num_parts));
  if (o.part < 0 || o.part >= o.num_parts) {
    throw ArgumentError("part: expected 0 to " + std::to_string(o.num_parts - 1) + ", got " +
                        std::to_string(o.part));
  }
  if (o.block_records < 0) {
    throw ArgumentError("block_records: expected 0 or more, got " +
                        std::to_string(o.block_records));
  }
  if (o.block_records > 0 && o.shuffle_buffer == 0) {
    throw ArgumentError(
        "block_records: expected a shuffle_buffer that holds several blocks, got 0");
  }
  if (o.block_records > 0 && o.fastx.on_bad_record == io::OnBadRecord::kSkip) {
    throw ArgumentError(
        "block_records: expected on_bad_record raise, got skip: records are read by number");
  }
  if (!o.mates.files.empty() && o.mates.files.size() != state_->paths.size()) {
    throw ArgumentError("mates: expected one file for each of " +
                        std::to_string(state_->paths.size()) + ", got " +
                        std::to_string(o.mates.files.size()));
  }
  if (o.block_records == 0 && state_->selector.needs_two_passes()) {
    throw ArgumentError(
        "Deduplicator: a stream keeps the first copy (keep=\"first\"), got keep=\"none\", which "
        "needs all records at once: use a SequenceDataset");
  }
}

ReadStream::~ReadStream() = default;
ReadStream::ReadStream(ReadStream&&) noexcept = default;

void ReadStream::begin(uint64_t epoch, int64_t given, std::optional<uint64_t> draws) {
  // A new state rather than one that is put back: nothing of an epoch before can be left in it.
  auto fresh = std::make_unique<State>(state_->paths, state_->options);
  fresh->begin(state_->indexed, epoch);
  fresh->draws = draws.value_or(epoch);
  state_ = std::move(fresh);
  State& state = *state_;
  // Goes over the records that were given in another run; blocks are not even read for that.
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
  StreamRecords out(state_->has_mates());
  if (state_->last) reserve_like(*state_->last, *out.pairs.records);
  while (true) {
    State& now = *state_;
    if (!now.current.is_read && now.next_own < now.current.own.size()) now.read_blocks(now.current);
    for (; out.size() < num_records && now.next_own < now.current.own.size(); ++now.next_own) {
      out.append(now.current.records, now.current.own[now.next_own]);
    }
    const int64_t missing = num_records - out.size();
    if (missing == 0) break;
    // Neither shuffled nor shared: no stretch, and no second copy of the records.
    if (now.is_plain()) {  // straight into the result
      now.read(out, missing);
      break;
    }
    if (!now.next_stretch()) break;
  }
  state_->given += out.size();
  state_->last = out.pairs.records;
  return out;
}

ReadBatch ReadStream::encode(const StreamRecords& records) const {
  std::vector<int64_t> rows(records.numbers.size());
  std::iota(rows.begin(), rows.end(), int64_t{0});
  ReadBatch out =
      encode_pairs(records.pairs, rows, records.numbers, state_->draws, state_->options);
  out.index = records.numbers;
  out.rows = std::move(rows);
  out.records = records.pairs.records;
  return out;
}

uint64_t ReadStream::epoch() const { return state_->epoch; }
int64_t ReadStream::given() const { return state_->given; }
const io::SkipReport& ReadStream::report() const {
  state_->report.num_records = state_->num_kept;
  return state_->report;
}

}  // namespace deepbio::data
