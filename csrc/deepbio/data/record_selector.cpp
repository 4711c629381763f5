#include "deepbio/data/record_selector.h"

#include <algorithm>

#include "deepbio/base/error.h"
#include "deepbio/data/reads.h"
#include "deepbio/seq/filter.h"

namespace deepbio::data {

struct RecordSelector::State {
  seq::Transforms chain;  // up to the last filter
  std::vector<seq::DuplicateCounter> seen;
  bool needs_two_passes = false;
  seq::Read read;

  void assign(const io::RecordBatch& source, int64_t row, int64_t number) {
    read.assign(source.sequence(row), source.quality(row), has_quality(source, row), number,
                /*epoch=*/0);
  }
  // The record behind the first `steps` steps; false when a filter there refuses it.
  bool run(const io::RecordBatch& source, int64_t row, int64_t number, size_t steps) {
    assign(source, row, number);
    return std::all_of(chain.begin(), chain.begin() + static_cast<int64_t>(steps),
                       [&](const auto& step) { return step->apply(read); });
  }
  const seq::Deduplicator* deduplicator(size_t step) const {
    return dynamic_cast<const seq::Deduplicator*>(chain[step].get());
  }
};

RecordSelector::RecordSelector(const seq::Transforms& transforms)
    : state_(std::make_unique<State>()) {
  size_t used = 0;
  for (size_t i = 0; i < transforms.size(); ++i) {
    if (transforms[i]->is_filter()) used = i + 1;
  }
  // Steps after the last filter change no choice, and are left to the batches.
  state_->chain.assign(transforms.begin(), transforms.begin() + static_cast<int64_t>(used));
  for (size_t i = 0; i < used; ++i) {
    // A random step up to the last filter; after it chance changes letters alone.
    if (transforms[i]->is_random()) {
      throw ArgumentError(
          "transforms: expected every filter before the first random step, step " +
          std::to_string(i + 1) + " of " + std::to_string(transforms.size()) +
          " is random and a filter follows; the number of records would depend on chance");
    }
    const seq::Deduplicator* deduplicator = state_->deduplicator(i);
    if (deduplicator && deduplicator->copies() == seq::Copies::kDropAll)
      state_->needs_two_passes = true;
  }
  state_->seen.resize(used);
}

RecordSelector::~RecordSelector() = default;
RecordSelector::RecordSelector(RecordSelector&&) noexcept = default;
bool RecordSelector::is_empty() const { return state_->chain.empty(); }
bool RecordSelector::needs_two_passes() const { return state_->needs_two_passes; }

std::vector<char> RecordSelector::select(const io::RecordBatch& source) {
  return select(source.size(), [&](const LookAtPiece& look) { look(source, 0); });
}

std::vector<char> RecordSelector::select(
    int64_t size, const std::function<void(const LookAtPiece&)>& each_piece) {
  State& state = *state_;
  std::vector<char> stays(static_cast<size_t>(size), 1);
  // Up to each Deduplicator in turn, so that it counts what the filters before it let pass.
  for (size_t step = 0; step < state.chain.size(); ++step) {
    const seq::Deduplicator* deduplicator = state.deduplicator(step);
    const bool is_last = step + 1 == state.chain.size();
    // Steps in between run as part of the next pass: a pass reads all records, from disk if
    // indexed.
    if (!deduplicator && !is_last) continue;
    seq::DuplicateCounter counter;
    each_piece([&](const io::RecordBatch& piece, int64_t first) {
      for (int64_t row = 0; row < piece.size(); ++row) {
        char& stay = stays[static_cast<size_t>(first + row)];
        // All steps again from the raw record: keeping what they made of it would hold all reads in
        // memory.
        stay = stay && state.run(piece, row, first + row, step + 1);
        if (!stay || !deduplicator) continue;
        const int64_t copies = counter.add(state.read.sequence());
        // Records come in order, so that the first copy is the one with the lowest number.
        if (deduplicator->copies() == seq::Copies::kKeepFirst && copies > 1) stay = 0;
      }
    });
    if (!deduplicator || deduplicator->copies() == seq::Copies::kKeepFirst) continue;
    each_piece([&](const io::RecordBatch& piece, int64_t first) {
      for (int64_t row = 0; row < piece.size(); ++row) {
        char& stay = stays[static_cast<size_t>(first + row)];
        // Only now is it known how many copies there are in all.
        if (stay && state.run(piece, row, first + row, step + 1))
          stay = counter.count(state.read.sequence()) == 1;
      }
    });
  }
  return stays;
}

bool RecordSelector::keeps(const io::RecordBatch& source, int64_t row, int64_t number) {
  State& state = *state_;
  state.assign(source, row, number);
  for (size_t step = 0; step < state.chain.size(); ++step) {
    if (!state.chain[step]->apply(state.read)) return false;
    if (state.deduplicator(step) && state.seen[step].add(state.read.sequence()) > 1) return false;
  }
  return true;
}

}  // namespace deepbio::data
