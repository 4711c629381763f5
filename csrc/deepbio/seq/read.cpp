// A read while transforms change it: it begins as a view of the batch's own bytes and is copied at
// the first change, and only what changes is.
#include "deepbio/seq/read.h"

#include <algorithm>

#include "deepbio/base/error.h"

namespace deepbio::seq {

std::span<char> Read::Own::next(size_t size) {
  // Two buffers in turn: a transform reads the present sequence, which may lie in the one, while it
  // writes the other. They keep their size, so a batch allocates for its longest read only.
  current = 1 - current;
  std::vector<char>& target = bytes[current];
  if (target.size() < size) target.resize(std::max(size, 2 * target.size()));
  return {target.data(), size};
}

void Read::assign(std::string_view sequence, std::string_view quality, bool has_quality,
                  int64_t record, uint64_t epoch) {
  if (has_quality && quality.size() != sequence.size()) {
    throw ArgumentError("record " + std::to_string(record) + ": expected a quality for each of " +
                        std::to_string(sequence.size()) + " letters, got " +
                        std::to_string(quality.size()));
  }
  sequence_ = sequence;
  quality_ = has_quality ? quality : std::string_view();
  has_quality_ = has_quality;
  owns_sequence_ = owns_quality_ = false;
  record_ = record;
  epoch_ = epoch;
}

void Read::keep(size_t begin, size_t length) {
  sequence_ = sequence_.substr(begin, length);
  if (has_quality_) quality_ = quality_.substr(begin, length);
}

std::span<char> Read::writable_sequence() {
  // The view points into own memory then, which nobody else sees.
  if (owns_sequence_) return {const_cast<char*>(sequence_.data()), sequence_.size()};
  const std::string_view source = sequence_;
  const std::span<char> target = new_sequence(source.size());
  std::copy(source.begin(), source.end(), target.begin());
  return target;
}

std::span<char> Read::writable_quality() {
  if (owns_quality_) return {const_cast<char*>(quality_.data()), quality_.size()};
  const std::string_view source = quality_;
  const std::span<char> target = new_quality(source.size());
  std::copy(source.begin(), source.end(), target.begin());
  return target;
}

std::span<char> Read::new_sequence(size_t size) {
  const std::span<char> target = own_sequence_.next(size);
  sequence_ = {target.data(), size};
  owns_sequence_ = true;
  return target;
}

std::span<char> Read::new_quality(size_t size) {
  const std::span<char> target = own_quality_.next(size);
  quality_ = {target.data(), size};
  owns_quality_ = has_quality_ = true;
  return target;
}

CounterRandom draws(uint64_t seed, uint64_t salt, const Read& read) {
  // The salt keeps transforms of one seed apart: without it a sampler would choose its window by
  // the very numbers that place the mutations.
  return {seed ^ salt, read.epoch(), static_cast<uint64_t>(read.record()), Purpose::kAugmentation};
}

uint32_t small_draw(CounterRandom& random, uint32_t bound) {
  // Multiply and shift (Lemire 2019) without its rejection step: for bounds below 32 the bias is
  // below 10^-8, and a draw is a single number.
  return static_cast<uint32_t>((uint64_t{random.next_u32()} * bound) >> 32);
}

void need_quality(const Read& read, const char* step) {
  if (read.has_quality()) return;
  throw ArgumentError(std::string(step) + ": expected qualities, record " +
                      std::to_string(read.record()) + " has none (FASTA?)");
}

}  // namespace deepbio::seq
