// Which reads stay. A filter sees a read after the steps before it and never changes it.
//
//   LengthFilter   min <= letters <= max
//   QualityFilter  arithmetic mean of the scores >= min_mean, and each score >= min_base; a read
//                  without letters has mean 0. A score is the byte minus 33.
//   Subsampler     by record number, counted from 0 over all files: a share (drawn by seed and
//                  number, the same in every epoch), every n-th, or the first n
//   Deduplicator   equal sequences, case respected: keeps the first, or none of those that have a
//                  copy. It needs to see all records in order, so it is a state for one pass;
//                  sequences are told apart by 128 bits of hash, and memory is 24 to 48 bytes per
//                  distinct sequence.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "deepbio/seq/read.h"

namespace deepbio::seq {

class LengthFilter : public Transform {
 public:
  // max_length 0: no limit. throws ArgumentError: min above max, a negative number.
  LengthFilter(int64_t min_length, int64_t max_length);
  bool apply(Read& read) const override;
  bool is_filter() const override { return true; }

 private:
  size_t min_length_, max_length_;
};

class QualityFilter : public Transform {
 public:
  // throws ArgumentError: a threshold outside 0..93.
  QualityFilter(double min_mean, int64_t min_base);
  bool apply(Read& read) const override;
  bool is_filter() const override { return true; }

 private:
  double min_mean_;
  int64_t min_base_;
};
// Arithmetic mean of the scores; 0 without any.
double mean_quality(std::string_view quality);

class Subsampler : public Transform {
 public:
  enum class Kind { kFraction, kEveryNth, kFirst };
  // value: the share in [0, 1], or n >= 1. throws ArgumentError.
  Subsampler(Kind kind, double value, uint64_t seed);
  bool apply(Read& read) const override;
  bool is_filter() const override { return true; }

 private:
  Kind kind_;
  double value_;
  uint64_t seed_;
};

Subsampler::Kind parse_subsampling(std::string_view name);  // "fraction", "every_nth", "first_n"

enum class Copies { kKeepFirst, kDropAll };
Copies parse_copies(std::string_view name);  // "first", "none"

// A mark in a chain of transforms; DuplicateCounter does the work, apply() lets every read pass.
class Deduplicator : public Transform {
 public:
  explicit Deduplicator(Copies copies) : copies_(copies) {}
  bool apply(Read&) const override { return true; }
  bool is_filter() const override { return true; }
  Copies copies() const { return copies_; }

 private:
  Copies copies_;
};

// How often each sequence was added.
class DuplicateCounter {
 public:
  int64_t add(std::string_view sequence);  // returns how often it has now been added
  int64_t count(std::string_view sequence) const;
  int64_t num_distinct() const { return static_cast<int64_t>(counts_.size()); }
  void clear() { counts_.clear(); }

 private:
  struct Key {
    uint64_t low, high;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    size_t operator()(const Key& key) const { return key.low; }
  };
  static Key key_of(std::string_view sequence);
  std::unordered_map<Key, int64_t, Hash> counts_;
};

}  // namespace deepbio::seq
