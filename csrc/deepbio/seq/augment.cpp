// Transforms that change a read. Each draws from a stream of its own, keyed by seed, epoch and
// record, so the result of one does not depend on which others run before it, nor on the thread.
#include "deepbio/seq/augment.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/seq/letter_codes.h"

namespace deepbio::seq {
namespace {

// Any different numbers do; the strand keeps the plain stream.
constexpr uint64_t kMutatorSalt = 0x6D75746174650000, kSamplerSalt = 0x77696E646F770000,
                   kQualitySalt = 0x7175616C69747900;
constexpr char kPhredOffset = '!';

// std::to_string always writes six decimals; 0.5 should be said as 0.5.
std::string number(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

double checked_share(double value, const char* name) {
  if (value >= 0 && value <= 1) return value;
  throw ArgumentError(std::string(name) + ": expected 0 to 1, got " + number(value));
}

}  // namespace

// Bytes that pair with nothing stay what they are: gaps keep their place, and an error further on
// names the letter of the file.
std::array<char, 256> paired_letters(SequenceType type) {
  if (type == SequenceType::kProtein) throw ArgumentError("reverse complement: a protein has none");
  std::array<char, 256> out;
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(i);
  // An ambiguity code pairs with the code of the paired bases: R (A or G) with Y (T or C), while S,
  // W and N are their own. U pairs with A in DNA as well.
  const std::string_view from = "ACGTURYSWKMBDHVN";
  const std::string_view to = type == SequenceType::kRna ? "UGCAAYRSWMKVHDBN" : "TGCAAYRSWMKVHDBN";
  for (size_t i = 0; i < from.size(); ++i) {
    out[static_cast<unsigned char>(from[i])] = to[i];
    out[static_cast<unsigned char>(from[i] | 0x20)] = static_cast<char>(to[i] | 0x20);
  }
  return out;
}

ReverseComplement::ReverseComplement(double p, SequenceType type, uint64_t seed)
    : p_(checked_share(p, "p")), seed_(seed), type_(type), paired_(paired_letters(type)) {}

bool ReverseComplement::apply(Read& read) const {
  // With p 1 every read is turned and no number is needed.
  if (p_ < 1 && draws(seed_, 0, read).uniform() >= p_) return true;
  const std::string_view sequence = read.sequence(), quality = read.quality();
  const std::span<char> turned = read.new_sequence(sequence.size());
  // Other letters than A C G T N are rare enough that the whole read is done again by the table.
  if (!turn_letters(sequence, type_, turned.data())) {
    for (size_t i = 0, last = sequence.size(); i < sequence.size(); ++i) {
      turned[i] = paired_[static_cast<unsigned char>(sequence[--last])];
    }
  }
  if (read.has_quality())
    std::reverse_copy(quality.begin(), quality.end(), read.new_quality(quality.size()).begin());
  return true;
}

Mutator::Mutator(double rate, SequenceType type, uint64_t seed)
    : rate_(checked_share(rate, "rate")),
      // Of a geometric distribution: the number of letters left alone before the next change.
      // Drawing that costs one number for each change and not one for each letter. A rate of 1
      // gives -0, so that every gap is 0.
      gap_scale_(1 / std::log1p(-rate)),
      seed_(seed),
      alphabet_(type) {}

char Mutator::other_letter(char letter, CounterRandom& random) const {
  const auto size = static_cast<uint32_t>(alphabet_.size());
  const int id = alphabet_.id(letter);
  if (id < 0) return alphabet_.letters()[small_draw(random, size)];
  // One of the others: the numbers from the letter's own on move up by one, so that no draw is
  // thrown away.
  const uint32_t draw = small_draw(random, size - 1);
  return alphabet_.letters()[draw + (draw >= static_cast<uint32_t>(id) ? 1 : 0)];
}

bool Mutator::apply(Read& read) const {
  if (rate_ == 0) return true;
  CounterRandom random = draws(seed_, kMutatorSalt, read);
  const auto size = static_cast<double>(read.sequence().size());
  std::span<char> letters;
  for (double place = -1;;) {
    place += 1 + std::floor(std::log(1 - random.uniform()) * gap_scale_);
    // In double, for gaps may pass what an integer holds; also true for a place that is no number.
    if (!(place < size)) return true;
    // A read without a change is not copied.
    if (letters.empty()) letters = read.writable_sequence();
    char& letter = letters[static_cast<size_t>(place)];
    letter = other_letter(letter, random);
  }
}

Window parse_window(std::string_view name) {
  if (name == "random") return Window::kRandom;
  if (name == "start") return Window::kStart;
  if (name == "center") return Window::kCenter;
  if (name == "end") return Window::kEnd;
  throw ArgumentError("strategy: expected random, start, center or end, got " + quoted(name));
}

ShortRead parse_short_read(std::string_view name) {
  if (name == "error") return ShortRead::kError;
  if (name == "keep") return ShortRead::kKeep;
  if (name == "pad") return ShortRead::kPad;
  throw ArgumentError("short: expected error, keep or pad, got " + quoted(name));
}

Sampler::Sampler(int64_t length_bp, Window window, ShortRead short_read, uint64_t seed, char pad)
    : length_(static_cast<size_t>(length_bp)),
      window_(window),
      short_read_(short_read),
      seed_(seed),
      pad_(pad) {
  if (length_bp < 1)
    throw ArgumentError("length: expected at least 1, got " + std::to_string(length_bp));
}

bool Sampler::apply(Read& read) const {
  const size_t size = read.sequence().size();
  if (size >= length_) {
    const size_t spare = size - length_;
    size_t begin = 0;
    if (window_ == Window::kCenter) begin = spare / 2;
    if (window_ == Window::kEnd) begin = spare;
    if (window_ == Window::kRandom && spare > 0)
      begin = draws(seed_, kSamplerSalt, read).below(spare + 1);
    read.keep(begin, length_);
    return true;
  }
  if (short_read_ == ShortRead::kError) {
    throw ArgumentError("Sampler: expected reads of at least " + std::to_string(length_) +
                        " letters, record " + std::to_string(read.record()) + " has " +
                        std::to_string(size) + "; `short=keep` or `short=pad` takes it");
  }
  if (short_read_ == ShortRead::kPad) {
    const std::string_view sequence = read.sequence(), quality = read.quality();
    const std::span<char> longer = read.new_sequence(length_);
    std::fill(std::copy(sequence.begin(), sequence.end(), longer.begin()), longer.end(), pad_);
    if (read.has_quality()) {
      const std::span<char> qualities = read.new_quality(length_);
      std::fill(std::copy(quality.begin(), quality.end(), qualities.begin()), qualities.end(),
                kPhredOffset);
    }
  }
  return true;
}

QualityModel::Kind parse_quality_model(std::string_view name) {
  if (name == "uniform") return QualityModel::Kind::kUniform;
  if (name == "normal") return QualityModel::Kind::kNormal;
  if (name == "degrading") return QualityModel::Kind::kDegrading;
  throw ArgumentError("quality model: expected uniform, normal or degrading, got " + quoted(name));
}

QualitySimulator::QualitySimulator(QualityModel model, uint64_t seed) : model_(model), seed_(seed) {
  const bool is_uniform = model.kind == QualityModel::Kind::kUniform;
  if (is_uniform && model.first > model.second) {
    throw ArgumentError("QualitySimulator: expected lowest <= highest, got " + number(model.first) +
                        " and " + number(model.second));
  }
  const double sd = model.kind == QualityModel::Kind::kNormal ? model.second : model.sd;
  if (!is_uniform && !(sd >= 0))
    throw ArgumentError("QualitySimulator: expected sd >= 0, got " + number(sd));
}

bool QualitySimulator::apply(Read& read) const {
  CounterRandom random = draws(seed_, kQualitySalt, read);
  const std::span<char> qualities = read.new_quality(read.sequence().size());
  const auto size = static_cast<double>(qualities.size());
  for (size_t i = 0; i < qualities.size(); ++i) {
    double score = 0;
    if (model_.kind == QualityModel::Kind::kUniform) {
      score = model_.first + static_cast<double>(random.below(
                                 static_cast<uint64_t>(model_.second - model_.first) + 1));
    } else if (model_.kind == QualityModel::Kind::kNormal) {
      score = model_.first + model_.second * random.normal();
    } else {
      const double place = static_cast<double>(i) / size;
      score = model_.first + (model_.second - model_.first) * place + model_.sd * random.normal();
    }
    qualities[i] = static_cast<char>(kPhredOffset + static_cast<int>(std::clamp(score, 0.0, 93.0)));
  }
  return true;
}

}  // namespace deepbio::seq
