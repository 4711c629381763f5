// Records of files as a stream of batches, in memory that does not grow with the files.
//
// The records that filters let pass are numbered from 0 over all files. Without shuffling they come
// in this order; with shuffle_buffer n, each stretch of n records comes in an order of its own,
// drawn by (seed, epoch, stretch). With block_records as well, a stretch is made of blocks of about
// so many neighbours, from anywhere in the files, in an order drawn by (seed, epoch): the files are
// read through an index (indexed_reads.h), a compressed one block by block. Place p of the result
// belongs to part p mod num_parts, so the parts together give every record exactly once;
// drop_uneven leaves out the last places (fewer than num_parts), and all parts get as many records.
// To go on later, begin() takes how many records of this part were given: the records before them
// are read again, and neither transformed nor encoded. A file that changes while it is read is a
// ParseError. Threads: a stream belongs to one thread at a time; jobs of next_job() may run on any
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "deepbio/data/prefetch.h"
#include "deepbio/data/reads.h"

namespace deepbio::data {

struct ReadStreamOptions : ReadEncoding {
  io::FastxOptions fastx;
  MatePaths mates;
  int64_t shuffle_buffer = 0;
  int64_t block_records = 0;  // 0: stretches are neighbours as they stand in the files
  uint64_t seed = 0;
  int64_t part = 0, num_parts = 1;
  bool drop_uneven = false;
};

// Records, or pairs, with their numbers and the files they came from.
struct StreamRecords {
  ReadPairs pairs;
  std::vector<int64_t> numbers, files;
  explicit StreamRecords(bool has_mates = false);
  int64_t size() const { return pairs.records->size(); }
  void append(const StreamRecords& source, int64_t row);
};

class ReadStream {
 public:
  // throws ArgumentError: no paths, a negative buffer, blocks without a buffer or with skipping,
  // part outside 0..num_parts-1, a Deduplicator that drops all copies (without blocks)
  ReadStream(std::vector<std::string> paths, ReadStreamOptions options);
  ~ReadStream();
  ReadStream(ReadStream&&) noexcept;
  // Starts an epoch after the first `given` records of this part. The order goes by `epoch`; random
  // transforms draw by `draws` where it is given, else by `epoch` too. throws MissingFileError,
  // ParseError.
  void begin(uint64_t epoch, int64_t given = 0, std::optional<uint64_t> draws = {});
  // Up to num_records of this part; empty at the end. throws ParseError.
  StreamRecords take(int64_t num_records);
  ReadBatch encode(const StreamRecords& records) const;
  uint64_t epoch() const;
  int64_t given() const;
  const io::SkipReport& report() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Batches of a stream, made ahead by threads. drop_last leaves out a last batch that is not full.
class StreamLoader {
 public:
  // pin_memory: batches in page-locked memory (pinned.h); needs an accelerator.
  StreamLoader(std::shared_ptr<ReadStream> stream, int64_t batch_size, bool drop_last,
               int64_t num_threads, bool pin_memory = false);
  ~StreamLoader();
  void begin(uint64_t epoch, int64_t first_batch = 0, std::optional<uint64_t> draws = {});
  std::optional<std::pair<ReadBatch, StreamRecords>> next();

 private:
  using Given = std::pair<ReadBatch, StreamRecords>;
  std::shared_ptr<ReadStream> stream_;
  int64_t batch_size_, num_threads_;
  bool drop_last_, pin_memory_;
  std::unique_ptr<Prefetcher<Given>> prefetcher_;
};

}  // namespace deepbio::data
