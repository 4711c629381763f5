// The filters of a chain of transforms at work on records: which of them stay.
//
// Filters choose records when files are opened, so that the size of a dataset is exact; they may
// stand only before the first random step. Threads: a selector belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "deepbio/io/reads/fastx.h"
#include "deepbio/seq/read.h"

namespace deepbio::data {

// Looks at records in order.
class RecordSelector {
 public:
  // throws ArgumentError for a filter behind a random step.
  explicit RecordSelector(const seq::Transforms& transforms);
  ~RecordSelector();
  RecordSelector(RecordSelector&&) noexcept;
  bool is_empty() const;
  // Whether a Deduplicator wants all copies dropped, which one pass cannot know.
  bool needs_two_passes() const;
  // One byte per record of source: 1 stays.
  std::vector<char> select(const io::RecordBatch& source);
  // The same of `size` records that come in pieces: each_piece hands every piece and the number of
  // its first record to what it is given. It is called once for each step that needs all records.
  using LookAtPiece = std::function<void(const io::RecordBatch& piece, int64_t first)>;
  std::vector<char> select(int64_t size, const std::function<void(const LookAtPiece&)>& each_piece);
  // Whether the next record stays; number counts all records. Copies are told from what was seen so
  // far.
  bool keeps(const io::RecordBatch& source, int64_t row, int64_t number);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deepbio::data
