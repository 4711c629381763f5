// One-hot, integers, AAM's tokens and qualities. All of them first turn letters into ids of one
// byte (letter_codes.h), a read at a time, and then spread those over the tensor.
#include "deepbio/seq/encode.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/seq/augment.h"
#include "deepbio/seq/block_tensor.h"
#include "deepbio/seq/letter_codes.h"

namespace deepbio::seq {
namespace {

// Cells per task: starting a thread for fewer takes longer than it saves.
constexpr int64_t kGrainCells = 1 << 21;
constexpr int kPhredOffset = 33;

struct Widths {
  int64_t width = 0;          // L
  std::vector<int64_t> kept;  // letters kept of each read
};

Widths widths(std::span<const std::string_view> reads, const EncodeOptions& options) {
  if (!options.record_indices.empty() && options.record_indices.size() != reads.size()) {
    throw ArgumentError("record_indices: expected one for each of " + std::to_string(reads.size()) +
                        " reads, got " + std::to_string(options.record_indices.size()));
  }
  Widths out;
  out.kept.reserve(reads.size());
  for (size_t i = 0; i < reads.size(); ++i) {
    // Cut first, then compared with the width: max_length and pad_to together are the way to a
    // fixed width.
    auto length = static_cast<int64_t>(reads[i].size());
    if (options.max_length > 0) length = std::min(length, options.max_length);
    if (options.pad_to > 0 && length > options.pad_to) {
      throw ArgumentError("read " + std::to_string(i) + " has " + std::to_string(length) +
                          " letters, pad_to is " + std::to_string(options.pad_to) +
                          "; set max_length to cut it");
    }
    out.width = std::max(out.width, length);
    out.kept.push_back(length);
  }
  if (options.pad_to > 0) out.width = options.pad_to;
  return out;
}

uint64_t record_of(size_t read, const EncodeOptions& options) {
  return options.record_indices.empty() ? read
                                        : static_cast<uint64_t>(options.record_indices[read]);
}

[[noreturn]] void refuse_unknown(std::string_view read, uint64_t record, const Alphabet& alphabet) {
  size_t place = 0;
  while (alphabet.id(read[place]) >= 0) ++place;
  throw ArgumentError("read " + std::to_string(record) + ", position " + std::to_string(place + 1) +
                      ": expected one of " + std::string(alphabet.letters()) + " (" +
                      std::string(to_string(alphabet.type())) + "), got " +
                      quoted(read.substr(place, 1)));
}

at::Tensor lengths_tensor(const std::vector<int64_t>& lengths) {
  at::Tensor out = at::empty({static_cast<int64_t>(lengths.size())}, at::kLong);
  std::copy(lengths.begin(), lengths.end(), out.mutable_data_ptr<int64_t>());
  return out;
}

// Ids of the letters of all reads, one read after another handed to `write(read, codes, kept,
// letters)`, by as many threads as the number of cells pays for. Under kError the first bad letter
// is reported, for any number of threads.
class Codes {
 public:
  Codes(std::span<const std::string_view> reads, const EncodeOptions& options)
      : reads_(reads),
        options_(options),
        alphabet_(alphabet_of(options.sequence_type)),
        layout_(widths(reads, options)) {}
  const Alphabet& alphabet() const { return alphabet_; }
  int64_t width() const { return layout_.width; }
  const std::vector<int64_t>& kept() const { return layout_.kept; }

  template <class Write>
  void for_each(int64_t cells_per_read, Write write) const {
    const auto num_reads = static_cast<int64_t>(reads_.size());
    // The lowest number of a bad read that any thread has met. Each thread stops at the first one
    // of its range; the lowest of these is the first of all.
    std::atomic<int64_t> first_bad{num_reads};
    at::parallel_for(0, num_reads, 1 + kGrainCells / (1 + cells_per_read),
                     [&](int64_t begin, int64_t end) {
                       std::vector<int8_t> codes(static_cast<size_t>(layout_.width));
                       for (int64_t i = begin; i < end; ++i) {
                         const auto read = static_cast<size_t>(i);
                         const std::string_view letters =
                             reads_[read].substr(0, static_cast<size_t>(layout_.kept[read]));
                         if (!letter_codes(letters, alphabet_, codes.data()) &&
                             !resolve_unknown(read, letters.size(), codes.data())) {
                           for (int64_t seen = first_bad;
                                i < seen && !first_bad.compare_exchange_weak(seen, i);) {
                           }
                           break;
                         }
                         write(i, codes.data(), letters);
                       }
                     });
    const auto bad = static_cast<size_t>(first_bad.load());
    if (bad < reads_.size()) refuse_unknown(reads_[bad], record_of(bad, options_), alphabet_);
  }

 private:
  // False when an unknown letter is refused. A draw depends on (seed, epoch, record) only.
  bool resolve_unknown(size_t read, size_t size, int8_t* codes) const {
    // For the others the code -1 stays: one-hot makes zeros or fractions of it, integers keep it.
    if (options_.unknown == UnknownLetter::kError) return false;
    if (options_.unknown != UnknownLetter::kRandom) return true;
    CounterRandom random(options_.seed, options_.epoch, record_of(read, options_),
                         Purpose::kUnknownLetter);
    for (size_t i = 0; i < size; ++i) {
      if (codes[i] < 0)
        codes[i] = static_cast<int8_t>(random.below(static_cast<uint64_t>(alphabet_.size())));
    }
    return true;
  }

  std::span<const std::string_view> reads_;
  const EncodeOptions& options_;
  const Alphabet& alphabet_;
  Widths layout_;
};

const std::array<float, 256>& error_probabilities() {
  static const std::array<float, 256> table = [] {
    std::array<float, 256> out{};
    // The probability of an error is 10^(-Q/10). Bytes below '!' are no quality and stay 0.
    for (int byte = kPhredOffset; byte < 256; ++byte) {
      out[static_cast<size_t>(byte)] =
          static_cast<float>(std::pow(10.0, -(byte - kPhredOffset) / 10.0));
    }
    return out;
  }();
  return table;
}

// One read of a one-hot tensor: letter a of position i is at data[i * position_stride + a *
// letter_stride].
struct OneHotRow {
  float* data;
  int64_t position_stride, letter_stride;
  float& at(int64_t position, int64_t letter) const {
    return data[position * position_stride + letter * letter_stride];
  }
};

void write_fractions(std::string_view letters, const OneHotRow& row, const Alphabet& alphabet) {
  for (size_t i = 0; i < letters.size(); ++i) {
    if (alphabet.id(letters[i]) >= 0) continue;
    // 0 for what is no code either: such a position keeps its zeros.
    const uint32_t set = alphabet.ambiguity(letters[i]);
    for (int64_t a = 0; a < alphabet.size(); ++a) {
      if (set >> a & 1)
        row.at(static_cast<int64_t>(i), a) = 1.0F / static_cast<float>(std::popcount(set));
    }
  }
}

template <class Number>
void write_integers(const Codes& codes, at::Tensor& values) {
  auto* data = values.data_ptr<Number>();
  const int64_t width = codes.width();
  codes.for_each(width, [&](int64_t read, const int8_t* ids, std::string_view letters) {
    Number* row = data + read * width;
    expand_codes(ids, letters.size(), row);
    // uint8 has no -1; it becomes 255, which is no id of any alphabet.
    std::fill(row + letters.size(), row + width, static_cast<Number>(-1));
  });
}

template <class Number>
at::Tensor quality_rows(std::span<const std::string_view> qualities, int64_t length, Number padding,
                        const std::array<Number, 256>& table) {
  at::Tensor values = empty_tensor({static_cast<int64_t>(qualities.size()), length},
                                   c10::CppTypeToScalarType<Number>::value);
  auto* row = values.data_ptr<Number>();
  for (const std::string_view quality : qualities) {
    // A read that was cut by max_length has more qualities than positions.
    const auto kept = std::min(static_cast<size_t>(length), quality.size());
    for (size_t i = 0; i < kept; ++i) row[i] = table[static_cast<unsigned char>(quality[i])];
    std::fill(row + kept, row + length, padding);
    row += length;
  }
  return values;
}

template <class Number>
std::array<Number, 256> scores() {
  std::array<Number, 256> out;
  for (int byte = 0; byte < 256; ++byte)
    out[static_cast<size_t>(byte)] = static_cast<Number>(byte - kPhredOffset);
  return out;
}

}  // namespace

Encoded encode_one_hot(std::span<const std::string_view> reads, const EncodeOptions& options) {
  const Codes codes(reads, options);
  const Alphabet& alphabet = codes.alphabet();
  const bool has_channel = !options.quality_channel.empty();
  const auto num_reads = static_cast<int64_t>(reads.size());
  const int64_t width = codes.width(), letters_size = alphabet.size(),
                size = letters_size + (has_channel ? 1 : 0);
  at::Tensor values = options.channels_first ? empty_tensor({num_reads, size, width})
                                             : empty_tensor({num_reads, width, size});
  float* data = values.data_ptr<float>();
  codes.for_each(width * size, [&](int64_t read, const int8_t* ids, std::string_view letters) {
    float* start = data + read * width * size;
    const auto kept = static_cast<int64_t>(letters.size());
    // Of the two layouts: the letters of a position side by side, or a plane of the whole width for
    // each letter, as convolutions take it.
    const OneHotRow row =
        options.channels_first ? OneHotRow{start, 1, width} : OneHotRow{start, size, 1};
    if (options.channels_first) {
      for (int64_t a = 0; a < size; ++a) {
        if (a < letters_size)
          expand_plane(ids, letters.size(), static_cast<int8_t>(a), &row.at(0, a));
        std::fill(&row.at(0, a) + kept, &row.at(0, a) + width, 0.0F);
      }
    } else {
      expand_one_hot(ids, letters.size(), static_cast<size_t>(letters_size),
                     static_cast<size_t>(size), start);
      std::fill(start + kept * size, start + width * size, 0.0F);
    }
    if (options.unknown == UnknownLetter::kIupac) write_fractions(letters, row, alphabet);
    if (has_channel) {
      const std::string_view quality = options.quality_channel[static_cast<size_t>(read)];
      for (int64_t i = 0; i < kept; ++i) {
        row.at(i, letters_size) =
            error_probabilities()[static_cast<unsigned char>(quality[static_cast<size_t>(i)])];
      }
    }
  });
  return {values, lengths_tensor(codes.kept())};
}

Encoded encode_integers(std::span<const std::string_view> reads, const EncodeOptions& options) {
  if (options.unknown == UnknownLetter::kIupac) {
    throw ArgumentError(
        "unknown letters: \"iupac\" needs one-hot encoding; integers take zero, error or random");
  }
  const Codes codes(reads, options);
  at::Tensor values =
      empty_tensor({static_cast<int64_t>(reads.size()), codes.width()}, options.dtype);
  switch (options.dtype) {
    case at::kLong:
      write_integers<int64_t>(codes, values);
      break;
    case at::kFloat:
      write_integers<float>(codes, values);
      break;
    case at::kByte:
      write_integers<uint8_t>(codes, values);
      break;
    default:
      throw ArgumentError(std::string("dtype: expected int64, float32 or uint8, got ") +
                          c10::toString(options.dtype));
  }
  return {values, lengths_tensor(codes.kept())};
}

Encoded encode_aam_tokens(std::span<const std::string_view> reads, int64_t max_bp) {
  if (max_bp < 1) throw ArgumentError("max_bp: expected at least 1, got " + std::to_string(max_bp));
  EncodeOptions options;
  options.max_length = max_bp;
  Widths layout = widths(reads, options);
  const auto num_reads = static_cast<int64_t>(reads.size());
  at::Tensor values = empty_tensor({num_reads, layout.width + 1}, at::kLong);
  auto* data = values.data_ptr<int64_t>();
  for (int64_t i = 0; i < num_reads; ++i) {
    int64_t* row = data + i * (layout.width + 1);
    const auto index = static_cast<size_t>(i);
    row[0] = kAamStart;
    for (int64_t j = 0; j < layout.kept[index]; ++j)
      row[j + 1] = aam_token(reads[index][static_cast<size_t>(j)]);
    std::fill(row + 1 + layout.kept[index], row + layout.width + 1, int64_t{kAamPad});
    // START counts as a position, as it does in AAM.
    ++layout.kept[index];
  }
  return {values, lengths_tensor(layout.kept)};
}

QualityForm parse_quality_form(std::string_view name) {
  if (name == "none") return QualityForm::kNone;
  if (name == "phred") return QualityForm::kPhred;
  if (name == "probability") return QualityForm::kProbability;
  if (name == "integer") return QualityForm::kInteger;
  if (name == "channel") return QualityForm::kChannel;
  throw ArgumentError("quality: expected none, phred, probability, integer or channel, got " +
                      quoted(name));
}

at::Tensor encode_quality(std::span<const std::string_view> qualities, int64_t length,
                          QualityForm form) {
  switch (form) {
    case QualityForm::kPhred:
      return quality_rows<float>(qualities, length, 0, scores<float>());
    case QualityForm::kProbability:
      return quality_rows<float>(qualities, length, 0, error_probabilities());
    case QualityForm::kInteger:
      return quality_rows<int64_t>(qualities, length, -1, scores<int64_t>());
    default:
      throw ArgumentError("encode_quality: expected phred, probability or integer");
  }
}

std::string reverse_complement(std::string_view sequence, SequenceType type) {
  const std::array<char, 256> paired = paired_letters(type);
  // One sequence of a caller's; reads of a batch go through ReverseComplement.
  std::string out(sequence.rbegin(), sequence.rend());
  for (char& letter : out) letter = paired[static_cast<unsigned char>(letter)];
  return out;
}

}  // namespace deepbio::seq
