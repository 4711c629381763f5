// One read on its way through transforms, and what a transform is.
//
// A Read looks into its source until something writes to it; then it has bytes of its own, kept
// from read to read. Random steps draw by (seed, epoch, record) and by what they are for, so a
// result does not depend on the batch, the thread or the order. Threads: a Read belongs to one
// thread; a Transform is constant and shared.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/base/random.h"

namespace deepbio::seq {

class Read {
 public:
  // The views live until the next assign. quality is as long as sequence when has_quality.
  //   throws ArgumentError when the lengths differ, with both
  void assign(std::string_view sequence, std::string_view quality, bool has_quality, int64_t record,
              uint64_t epoch);
  std::string_view sequence() const { return sequence_; }
  std::string_view quality() const { return quality_; }
  bool has_quality() const { return has_quality_; }
  int64_t record() const { return record_; }
  uint64_t epoch() const { return epoch_; }
  // Whether the bytes are the read's own, which the next assign may overwrite.
  bool owns_sequence() const { return owns_sequence_; }
  bool owns_quality() const { return owns_quality_; }

  // Keeps letters [begin, begin + length) and their qualities.
  void keep(size_t begin, size_t length);
  // The same bytes, to be written to.
  std::span<char> writable_sequence();
  std::span<char> writable_quality();
  // Bytes of the given size whose content the caller writes whole.
  std::span<char> new_sequence(size_t size);
  std::span<char> new_quality(size_t size);

 private:
  // Two buffers of each, so that a step can write from one to the other.
  struct Own {
    std::vector<char> bytes[2];
    int current = 0;
    std::span<char> next(size_t size);
  };
  std::string_view sequence_, quality_;
  bool has_quality_ = false, owns_sequence_ = false, owns_quality_ = false;
  int64_t record_ = 0;
  uint64_t epoch_ = 0;
  Own own_sequence_, own_quality_;
};

class Transform {
 public:
  virtual ~Transform() = default;
  // Changes the read; false drops it, which only filters do. throws ArgumentError naming the
  // record.
  virtual bool apply(Read& read) const = 0;
  virtual bool is_random() const { return false; }
  virtual bool is_filter() const { return false; }
};
using Transforms = std::vector<std::shared_ptr<const Transform>>;

// The draws of one step for one read. kinds of steps have different salts, so they never share a
// stream.
CounterRandom draws(uint64_t seed, uint64_t salt, const Read& read);
// 0 to bound - 1 from 32 bits; the largest bias is bound / 2^32.
uint32_t small_draw(CounterRandom& random, uint32_t bound);
// throws ArgumentError when the read has no qualities; `step` is who needs them.
void need_quality(const Read& read, const char* step);

}  // namespace deepbio::seq
