// Transforms that keep a read or drop it, and the counting of reads that occur more than once. A
// filter leaves the read untouched.
#include "deepbio/seq/filter.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "deepbio/base/error.h"

namespace deepbio::seq {
namespace {

constexpr int kPhredOffset = 33;
constexpr uint64_t kSubsamplerSalt = 0x73686172650000;

void check_score(double score, const char* name) {
  if (score >= 0 && score <= 93) return;
  throw ArgumentError(std::string(name) + ": expected a Phred score of 0 to 93, got " +
                      std::to_string(score));
}

// One round of a multiply-and-fold hash: the 128-bit product, its halves combined.
uint64_t fold(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

LengthFilter::LengthFilter(int64_t min_length, int64_t max_length)
    : min_length_(static_cast<size_t>(min_length)),
      max_length_(max_length == 0 ? std::numeric_limits<size_t>::max()
                                  : static_cast<size_t>(max_length)) {
  if (min_length < 0)
    throw ArgumentError("min_length: expected 0 or more, got " + std::to_string(min_length));
  if (max_length < 0)
    throw ArgumentError("max_length: expected 0 or more, got " + std::to_string(max_length));
  if (min_length_ > max_length_) {
    throw ArgumentError("LengthFilter: expected min_length <= max_length, got " +
                        std::to_string(min_length) + " and " + std::to_string(max_length));
  }
}

bool LengthFilter::apply(Read& read) const {
  const size_t size = read.sequence().size();
  return size >= min_length_ && size <= max_length_;
}

double mean_quality(std::string_view quality) {
  if (quality.empty()) return 0;
  int64_t sum = 0;
  for (const char byte : quality) sum += byte;
  const auto size = static_cast<double>(quality.size());
  return (static_cast<double>(sum) - kPhredOffset * size) / size;
}

QualityFilter::QualityFilter(double min_mean, int64_t min_base)
    : min_mean_(min_mean), min_base_(min_base) {
  check_score(min_mean, "min_mean_quality");
  check_score(static_cast<double>(min_base), "min_base_quality");
}

bool QualityFilter::apply(Read& read) const {
  need_quality(read, "QualityFilter");
  const std::string_view quality = read.quality();
  if (mean_quality(quality) < min_mean_) return false;
  return std::all_of(quality.begin(), quality.end(),
                     [&](char byte) { return byte - kPhredOffset >= min_base_; });
}

Subsampler::Subsampler(Kind kind, double value, uint64_t seed)
    : kind_(kind), value_(value), seed_(seed) {
  if (kind == Kind::kFraction && !(value >= 0 && value <= 1)) {
    throw ArgumentError("fraction: expected 0 to 1, got " + std::to_string(value));
  }
  if (kind == Kind::kEveryNth && !(value >= 1)) {
    throw ArgumentError("every_nth: expected at least 1, got " +
                        std::to_string(static_cast<int64_t>(value)));
  }
  if (kind == Kind::kFirst && !(value >= 0)) {
    throw ArgumentError("first_n: expected 0 or more, got " +
                        std::to_string(static_cast<int64_t>(value)));
  }
}

bool Subsampler::apply(Read& read) const {
  if (kind_ == Kind::kEveryNth) return read.record() % static_cast<int64_t>(value_) == 0;
  if (kind_ == Kind::kFirst) return read.record() < static_cast<int64_t>(value_);
  CounterRandom random(seed_ ^ kSubsamplerSalt, 0, static_cast<uint64_t>(read.record()),
                       Purpose::kAugmentation);
  return random.uniform() < value_;
}

Subsampler::Kind parse_subsampling(std::string_view name) {
  if (name == "fraction") return Subsampler::Kind::kFraction;
  if (name == "every_nth") return Subsampler::Kind::kEveryNth;
  if (name == "first_n") return Subsampler::Kind::kFirst;
  throw ArgumentError("subsampling: expected fraction, every_nth or first_n, got " + quoted(name));
}

Copies parse_copies(std::string_view name) {
  if (name == "first") return Copies::kKeepFirst;
  if (name == "none") return Copies::kDropAll;
  throw ArgumentError("keep: expected first or none, got " + quoted(name));
}

DuplicateCounter::Key DuplicateCounter::key_of(std::string_view sequence) {
  // The size is part of the key: the last word is filled up with zeros, and "A" must not equal
  // "A\\0".
  uint64_t low = 0x9E3779B97F4A7C15 ^ sequence.size(), high = 0xC2B2AE3D27D4EB4F;
  while (!sequence.empty()) {
    uint64_t word = 0;
    const size_t taken = std::min(sizeof word, sequence.size());
    std::memcpy(&word, sequence.data(), taken);
    sequence.remove_prefix(taken);
    // Two hashes of 64 bits with constants of their own. With 128 bits that are as good as random,
    // two of a billion different reads share a key with a probability below 10^-20, so the letters
    // themselves need not be kept.
    low = fold(low ^ word, 0xA0761D6478BD642F);
    high = fold(high + word, 0xE7037ED1A0B428DB) ^ word;
  }
  return {fold(low ^ 0x8EBC6AF09C88C6E3, 0x589965CC75374CC3),
          fold(high ^ 0x1D8E4E27C47D124F, 0xEB44ACCAB455D165)};
}

int64_t DuplicateCounter::add(std::string_view sequence) { return ++counts_[key_of(sequence)]; }

int64_t DuplicateCounter::count(std::string_view sequence) const {
  const auto found = counts_.find(key_of(sequence));
  return found == counts_.end() ? 0 : found->second;
}

}  // namespace deepbio::seq
