// Random and fixed changes of a read before it is encoded. Qualities follow the sequence.
//
//   ReverseComplement  the other strand, for a share p of the records
//   Mutator            each letter by itself becomes another one of the alphabet, with probability
//                      rate
//   Sampler            a window: start, center (begin = floor((n - length) / 2)), end, or random
//                      (uniform)
//   QualitySimulator   new qualities: uniform, normal, or a mean that falls along the read
//
// Each works on a Read (read.h), which is copied only where it changes. None of them drops a read;
// those that do are in filter.h. Threads: constant after construction. Randomness: read.h.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "deepbio/seq/alphabet.h"
#include "deepbio/seq/read.h"

namespace deepbio::seq {

class ReverseComplement : public Transform {
 public:
  // throws ArgumentError: p outside [0, 1], protein.
  ReverseComplement(double p, SequenceType type, uint64_t seed);
  bool apply(Read& read) const override;
  bool is_random() const override { return p_ > 0 && p_ < 1; }

 private:
  double p_;
  uint64_t seed_;
  SequenceType type_;
  std::array<char, 256> paired_;
};

// Substitutions only, as a sequencer makes them most: length and qualities stay.
class Mutator : public Transform {
 public:
  // rate: substitutions per site. throws ArgumentError: rate outside [0, 1].
  Mutator(double rate, SequenceType type, uint64_t seed);
  bool apply(Read& read) const override;
  bool is_random() const override { return rate_ > 0; }

 private:
  char other_letter(char letter, CounterRandom& random) const;
  // Letters between two substitutions are geometric: floor(ln(u) * gap_scale_), where gap_scale_ is
  // 1 / ln(1 - rate).
  double rate_, gap_scale_;
  uint64_t seed_;
  Alphabet alphabet_;
};

enum class Window { kRandom, kStart, kCenter, kEnd };
Window parse_window(std::string_view name);  // "random", "start", "center", "end"
enum class ShortRead { kError, kKeep, kPad };
ShortRead parse_short_read(std::string_view name);  // "error", "keep", "pad"

class Sampler : public Transform {
 public:
  // length_bp: of the window. kPad appends `pad` (quality '!') up to it: N for nucleotides, X for
  // proteins, where N is asparagine. throws ArgumentError: length_bp below 1.
  Sampler(int64_t length_bp, Window window, ShortRead short_read, uint64_t seed, char pad = 'N');
  bool apply(Read& read) const override;
  bool is_random() const override { return window_ == Window::kRandom; }

 private:
  size_t length_;
  Window window_;
  ShortRead short_read_;
  uint64_t seed_;
  char pad_;
};

struct QualityModel {
  enum class Kind { kUniform, kNormal, kDegrading } kind = Kind::kNormal;
  // Phred scores. uniform: lowest and highest (whole numbers, both drawn); normal: mean and sd;
  // degrading: the mean at the first letter and the one after the last, with sd around it.
  double first = 37, second = 2;
  double sd = 0;  // of degrading
};

QualityModel::Kind parse_quality_model(std::string_view name);  // "uniform", "normal", "degrading"

class QualitySimulator : public Transform {
 public:
  // Phred scores are cut to whole numbers 0..93. throws ArgumentError: lowest above highest, a
  // negative sd.
  QualitySimulator(QualityModel model, uint64_t seed);
  bool apply(Read& read) const override;
  bool is_random() const override { return true; }

 private:
  QualityModel model_;
  uint64_t seed_;
};

// The letter that pairs with each byte, IUPAC codes and case kept; other bytes stay. throws
// ArgumentError for protein.
std::array<char, 256> paired_letters(SequenceType type);

}  // namespace deepbio::seq
