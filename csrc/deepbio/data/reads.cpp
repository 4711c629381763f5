// A batch costs little but waiting for memory: reads of a shuffled batch are anywhere in a buffer
// of gigabytes. So letters are viewed where they are and copied once, by the encoder; only what a
// transform wrote needs a buffer.
#include "deepbio/data/reads.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include <sys/mman.h>

#include "deepbio/base/error.h"
#include "deepbio/io/reads/fastx_pairs.h"

namespace deepbio::data {
namespace {

constexpr int kMostReadingThreads = 4;  // inflating is then no longer what takes longest
constexpr int64_t kMateNumber = int64_t{1}
                                << 62;  // set in the number of a second read: its draws are its own
constexpr int64_t kAll = std::numeric_limits<int64_t>::max();

at::Tensor int64_tensor(const std::vector<int64_t>& values) {
  return at::tensor(values, at::TensorOptions().dtype(at::kLong));
}

void assign(seq::Read& read, const io::RecordBatch& source, int64_t row, int64_t number,
            uint64_t epoch) {
  read.assign(source.sequence(row), source.quality(row), has_quality(source, row), number, epoch);
}

// Rows of a shuffled batch lie far apart: memory is asked for all of them at once, so that the
// waits overlap.
void fetch_ahead(std::string_view data, const std::vector<int64_t>& offsets,
                 std::span<const int64_t> rows) {
  constexpr int64_t kLine = 64;
  constexpr int64_t kMostBytes = 512;  // of a longer read the processor sees itself what comes next
  // In two rounds: the second needs the offsets that the first has asked for.
  for (const int64_t row : rows) __builtin_prefetch(&offsets[static_cast<size_t>(row)]);
  for (const int64_t row : rows) {
    const int64_t begin = offsets[static_cast<size_t>(row)],
                  end = offsets[static_cast<size_t>(row) + 1];
    for (int64_t at = begin; at < std::min(end, begin + kMostBytes); at += kLine) {
      __builtin_prefetch(data.data() + at, 0, 2);
    }
  }
}

// Asks for pages of 2 MiB under a large buffer: each read of a shuffled batch is on a page of its
// own, and looking up where that is takes longer than reading it. Where the system does not grant
// it, nothing changes.
void use_large_pages(const void* data, size_t size) {
#ifdef __linux__
  constexpr int kCollapse = 25;  // MADV_COLLAPSE of Linux 6.1, which older headers do not name
  constexpr uintptr_t kPage = uintptr_t{1} << 21;
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(data) + kPage - 1) / kPage * kPage;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + size) / kPage * kPage;
  if (begin + 4 * kPage <= end)
    // Whole pages inside the buffer, at least four. A refusal is no error, hence no look at the
    // result.
    (void)::madvise(reinterpret_cast<void*>(begin), end - begin, kCollapse);
#else
  (void)data, (void)size;
#endif
}

const ReadEncoder& encoder_of(const ReadEncoding& encoding) {
  // Made once: it is immutable, and every thread may use it.
  static const std::shared_ptr<const ReadEncoder> plain = [] {
    EncoderOptions options;
    options.quality = "phred";
    return make_encoder(options);
  }();
  return encoding.encoder ? *encoding.encoder : *plain;
}

// Reads behind their transforms. What a transform wrote is kept in one buffer, the rest stays where
// it was.
class TransformedReads {
 public:
  TransformedReads(const io::RecordBatch& source, std::span<const int64_t> rows,
                   std::span<const int64_t> numbers, uint64_t epoch, const ReadEncoding& encoding) {
    const seq::Transforms& transforms = encoding.transforms;
    // Nobody looks at qualities: their bytes are not even fetched.
    const bool is_blind = transforms.empty() && !encoder_of(encoding).wants_qualities();
    fetch_ahead(source.sequences, source.sequence_offsets, rows);
    sequences.reserve(rows.size());
    if (is_blind) {
      for (const int64_t row : rows) sequences.push_back(source.sequence(row));
      return;
    }
    fetch_ahead(source.qualities, source.quality_offsets, rows);
    qualities.reserve(rows.size());
    if (transforms.empty()) {
      for (const int64_t row : rows) {
        sequences.push_back(source.sequence(row));
        qualities.push_back(source.quality(row));
        all_have_quality = all_have_quality && has_quality(source, row);
      }
      return;
    }
    // One for all rows: its buffers grow to the longest read and stay.
    seq::Read read;
    for (size_t i = 0; i < rows.size(); ++i) {
      assign(read, source, rows[i], numbers[i], epoch);
      for (const auto& transform : transforms) {
        // Filters have chosen the records when the files were opened.
        if (!transform->is_filter()) transform->apply(read);
      }
      keep(read.sequence(), read.owns_sequence(), sequences);
      keep(read.quality(), read.owns_quality(), qualities);
      all_have_quality = all_have_quality && read.has_quality();
    }
    // Only now does the buffer stay where it is.
    for (const Written& piece : written_)
      (*piece.views)[piece.place] = {buffer_.data() + piece.offset, piece.size};
  }

  std::vector<std::string_view> sequences,
      qualities;  // qualities: empty when nothing looks at them
  bool all_have_quality = true;

 private:
  struct Written {
    std::vector<std::string_view>* views;
    size_t place, offset, size;
  };
  void keep(std::string_view bytes, bool is_own, std::vector<std::string_view>& views) {
    if (is_own) {
      // By place, as buffer_ may move when it grows; the view below is put right at the end.
      written_.push_back({&views, views.size(), buffer_.size(), bytes.size()});
      buffer_.append(bytes);
    }
    views.push_back(bytes);
  }
  std::vector<Written> written_;
  std::string buffer_;
};

void keep_rows(io::RecordBatch& batch, const std::vector<char>& stays) {
  io::RecordBatch out;
  for (int64_t i = 0; i < batch.size(); ++i) {
    if (stays[static_cast<size_t>(i)]) append_record(batch, i, out);
  }
  batch = std::move(out);
}

}  // namespace

bool has_quality(const io::RecordBatch& source, int64_t row) {
  return !source.qualities.empty() && source.quality(row).size() == source.sequence(row).size();
}

void append_record(const io::RecordBatch& source, int64_t row, io::RecordBatch& out) {
  out.append(io::RecordView{.name = source.name(row),
                            .description = source.description(row),
                            .sequence = source.sequence(row),
                            .quality = source.quality(row)});
}

ReadBatch encode_reads(const io::RecordBatch& source, std::span<const int64_t> rows,
                       std::span<const int64_t> numbers, uint64_t epoch,
                       const ReadEncoding& encoding) {
  const TransformedReads reads(source, rows, numbers, epoch, encoding);
  const bool has_qualities = reads.all_have_quality && !reads.qualities.empty();
  ReadLetters letters{reads.sequences, {}, numbers, epoch};
  if (has_qualities) letters.qualities = reads.qualities;
  ReadBatch out;
  encoder_of(encoding).fill(letters, out);
  return out;
}

ReadBatch encode_pairs(const ReadPairs& source, std::span<const int64_t> rows,
                       std::span<const int64_t> numbers, uint64_t epoch,
                       const ReadEncoding& encoding) {
  ReadBatch out = encode_reads(*source.records, rows, numbers, epoch, encoding);
  if (!source.mates) return out;
  std::vector<int64_t> mate_numbers(numbers.begin(), numbers.end());
  // Random letters and transforms of a pair are keyed by the number of the read, and must differ.
  for (int64_t& number : mate_numbers) number |= kMateNumber;
  ReadBatch mates = encode_reads(*source.mates, rows, mate_numbers, epoch, encoding);
  out.mate_sequences = std::move(mates.sequences);
  out.mate_input_ids = std::move(mates.input_ids);
  out.mate_attention_mask = std::move(mates.attention_mask);
  out.mate_lengths = std::move(mates.lengths);
  out.mate_quality = std::move(mates.quality);
  return out;
}

void add_report(const io::SkipReport& from, io::SkipReport& to) {
  to.num_skipped += from.num_skipped;
  for (const auto& [reason, count] : from.reasons) to.reasons[reason] += count;
  for (const auto& example : from.examples) {
    if (to.examples.size() < 3) to.examples.push_back(example);
  }
}

ReadDataset::ReadDataset(const std::vector<std::string>& paths, ReadDatasetOptions options)
    : options_(std::move(options)) {
  if (paths.empty()) throw ArgumentError("read dataset: expected at least one file, got none");
  const std::vector<std::string>& mates = options_.mates.files;
  if (!mates.empty() && mates.size() != paths.size()) {
    throw ArgumentError("mates: expected one file for each of " + std::to_string(paths.size()) +
                        ", got " + std::to_string(mates.size()));
  }
  // One alone is a mistake.
  options_.fastx.allow_empty = options_.fastx.allow_empty || paths.size() > 1;
  if (options_.is_indexed) {
    if (options_.fastx.on_bad_record == io::OnBadRecord::kSkip) {
      throw ArgumentError(
          "on_bad_record: expected raise for records that are read by number, got skip");
    }
    indexed_ = std::make_unique<IndexedReads>(paths, options_.mates, options_.fastx);
    report_.num_records = indexed_->size();
    report_.warnings = indexed_->warnings();
    indexed_->select(options_.transforms);
    num_filtered_ = indexed_->num_filtered();
    return;
  }
  // Shared, as batches hold on to it for the names of their reads, even after the dataset is gone.
  held_.records = std::make_shared<io::RecordBatch>();
  if (has_mates()) held_.mates = std::make_shared<io::RecordBatch>();
  options_.fastx.open.num_threads = std::min(at::get_num_threads(), kMostReadingThreads);
  for (size_t i = 0; i < paths.size(); ++i) {
    first_of_file_.push_back(held_.records->size());
    read_file(paths[i], mates.empty() ? "" : mates[i]);
  }
  report_.num_records = held_.records->size();
  select();
  // After the last append: a buffer that grows would move away from its large pages.
  for (const auto& records : {held_.records, held_.mates}) {
    if (!records) continue;
    use_large_pages(records->sequences.data(), records->sequences.size());
    use_large_pages(records->qualities.data(), records->qualities.size());
  }
}

void ReadDataset::read_file(const std::string& path, const std::string& mate) {
  if (held_.mates) {
    io::PairReader reader = mate.empty() ? io::PairReader(path, options_.fastx)
                                         : io::PairReader(path, mate, options_.fastx);
    for (io::RecordPair pair; reader.next(pair);) {
      held_.records->append(pair.first);
      held_.mates->append(pair.second);
    }
    for (const std::string& warning : reader.warnings())
      report_.warnings.push_back(path + ": " + warning);
    return;
  }
  io::FastxReader reader(path, options_.fastx);
  // Straight into the dataset's buffers; a second copy of all reads is never held.
  while (reader.read(*held_.records, kAll) > 0) {
  }
  add_report(reader.report(), report_);
  for (const std::string& warning : reader.report().warnings)
    report_.warnings.push_back(path + ": " + warning);
}

void ReadDataset::select() {
  RecordSelector selector(options_.transforms);
  if (selector.is_empty()) return;
  std::vector<char> stays = selector.select(*held_.records);
  if (held_.mates) {
    const std::vector<char> mate_stays = RecordSelector(options_.transforms).select(*held_.mates);
    for (size_t i = 0; i < stays.size(); ++i) stays[i] = stays[i] && mate_stays[i];
  }
  // A file begins after as many records as stay before it.
  for (int64_t& first : first_of_file_) first = std::count(stays.begin(), stays.begin() + first, 1);
  num_filtered_ = std::count(stays.begin(), stays.end(), 0);
  if (num_filtered_ == 0) return;
  keep_rows(*held_.records, stays);
  if (held_.mates) keep_rows(*held_.mates, stays);
}

void ReadDataset::check(std::span<const int64_t> indices) const {
  const int64_t size = this->size();
  for (const int64_t index : indices) {
    if (index >= 0 && index < size) continue;
    throw ArgumentError("record index: expected 0 to " + std::to_string(size - 1) + ", got " +
                        std::to_string(index));
  }
}

int64_t ReadDataset::file_of(int64_t index) const {
  check({&index, 1});
  if (indexed_) return static_cast<int64_t>(indexed_->file_of(index));
  return std::upper_bound(first_of_file_.begin(), first_of_file_.end(), index) -
         first_of_file_.begin() - 1;
}

ReadRows ReadDataset::rows(std::span<const int64_t> indices, bool is_mate) const {
  check(indices);
  if (is_mate && !has_mates()) throw ArgumentError("record: this dataset has no mates");
  ReadRows out;
  out.rows.assign(indices.begin(), indices.end());
  if (!indexed_) {
    out.records = is_mate ? held_.mates : held_.records;
    return out;
  }
  std::iota(out.rows.begin(), out.rows.end(), int64_t{0});
  // Mates are read with their firsts, whose names they are compared with.
  out.records = is_mate ? indexed_->read(indices).mates : indexed_->read_side(indices, false);
  return out;
}

void ReadDataset::set_labels(std::vector<int64_t> labels) {
  if (!labels.empty() && static_cast<int64_t>(labels.size()) != size()) {
    throw ArgumentError("labels: expected one for each of " + std::to_string(size()) +
                        " records, got " + std::to_string(labels.size()));
  }
  labels_ = std::move(labels);
}

ReadBatch ReadDataset::batch(std::span<const int64_t> indices, uint64_t epoch) const {
  check(indices);
  ReadBatch out;
  std::vector<int64_t> rows(indices.begin(), indices.end());
  if (indexed_) {
    const ReadPairs pairs = indexed_->read(indices);
    std::iota(rows.begin(), rows.end(), int64_t{0});
    out = encode_pairs(pairs, rows, indices, epoch, options_);
    out.records = pairs.records;
  } else {
    out = encode_pairs(held_, rows, indices, epoch, options_);
    out.records = held_.records;
  }
  out.index.assign(indices.begin(), indices.end());
  out.rows = std::move(rows);
  if (!labels_.empty()) {
    std::vector<int64_t> labels;
    for (const int64_t index : indices) labels.push_back(labels_[static_cast<size_t>(index)]);
    out.labels = int64_tensor(labels);
  }
  return out;
}

}  // namespace deepbio::data
