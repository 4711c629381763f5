#include "deepbio/seq/encode.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <bit>
#include <optional>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"

namespace deepbio::seq {
namespace {

constexpr int64_t kGrain = 64;  // reads per task

struct Widths {
  int64_t width = 0;          // L
  std::vector<int64_t> kept;  // letters kept of each read
};

Widths widths(std::span<const std::string_view> reads, const EncodeOptions& options) {
  if (!options.record_indices.empty() && options.record_indices.size() != reads.size()) {
    throw ArgumentError("record_indices: expected one for each of " + std::to_string(reads.size()) + " reads, got " +
                        std::to_string(options.record_indices.size()));
  }
  Widths out;
  out.kept.reserve(reads.size());
  for (size_t i = 0; i < reads.size(); ++i) {
    auto length = static_cast<int64_t>(reads[i].size());
    if (options.max_length > 0) length = std::min(length, options.max_length);
    if (options.pad_to > 0 && length > options.pad_to) {
      throw ArgumentError("read " + std::to_string(i) + " has " + std::to_string(length) + " letters, pad_to is " +
                          std::to_string(options.pad_to) + "; set max_length to cut it");
    }
    out.width = std::max(out.width, length);
    out.kept.push_back(length);
  }
  if (options.pad_to > 0) out.width = options.pad_to;
  return out;
}

uint64_t record_of(size_t read, const EncodeOptions& options) {
  return options.record_indices.empty() ? read : static_cast<uint64_t>(options.record_indices[read]);
}

// Under kError, before any thread starts: the first bad letter is the one reported, for any number of threads.
void refuse_unknown(std::span<const std::string_view> reads, const Widths& layout, const Alphabet& alphabet,
                    const EncodeOptions& options) {
  if (options.unknown != UnknownLetter::kError) return;
  for (size_t read = 0; read < reads.size(); ++read) {
    for (size_t i = 0; i < static_cast<size_t>(layout.kept[read]); ++i) {
      if (alphabet.id(reads[read][i]) >= 0) continue;
      throw ArgumentError("read " + std::to_string(record_of(read, options)) + ", position " + std::to_string(i + 1) +
                          ": expected one of " + std::string(alphabet.letters()) + " (" +
                          std::string(to_string(alphabet.type())) + "), got " + quoted(reads[read].substr(i, 1)));
    }
  }
}

at::Tensor lengths_tensor(const std::vector<int64_t>& lengths) {
  return at::tensor(lengths, at::TensorOptions().dtype(at::kLong));
}

// The id of a letter under a policy; -1 where it stays unknown. `random` is made on the first unknown letter of a read,
// so that a draw depends on (seed, epoch, record) only.
class LetterIds {
 public:
  LetterIds(const Alphabet& alphabet, const EncodeOptions& options, size_t read)
      : alphabet_(alphabet), options_(options), read_(read) {}
  int64_t operator()(char letter) {
    const int64_t id = alphabet_.id(letter);
    if (id >= 0 || options_.unknown != UnknownLetter::kRandom) return id;
    if (!random_) random_.emplace(options_.seed, options_.epoch, record_of(read_, options_), Purpose::kUnknownLetter);
    return static_cast<int64_t>(random_->below(static_cast<uint64_t>(alphabet_.size())));
  }

 private:
  const Alphabet& alphabet_;
  const EncodeOptions& options_;
  size_t read_;
  std::optional<CounterRandom> random_;
};

// Where the cell of (position, letter) lies in a row of the one-hot tensor.
struct OneHotRow {
  float* data;
  int64_t position_stride, letter_stride;
  float& at(int64_t position, int64_t letter) const {
    return data[position * position_stride + letter * letter_stride];
  }
};

void one_hot_row(std::string_view read, const OneHotRow& row, const Alphabet& alphabet, const EncodeOptions& options,
                 size_t index) {
  LetterIds ids(alphabet, options, index);
  for (int64_t i = 0; i < static_cast<int64_t>(read.size()); ++i) {
    const char letter = read[static_cast<size_t>(i)];
    const int64_t id = ids(letter);
    if (id >= 0) {
      row.at(i, id) = 1;
    } else if (options.unknown == UnknownLetter::kIupac) {
      const uint32_t set = alphabet.ambiguity(letter);
      for (int64_t a = 0; a < alphabet.size(); ++a) {
        if (set >> a & 1) row.at(i, a) = 1.0F / static_cast<float>(std::popcount(set));
      }
    }
  }
}

}  // namespace

Encoded encode_one_hot(std::span<const std::string_view> reads, const EncodeOptions& options) {
  const Alphabet alphabet(options.sequence_type);
  const Widths layout = widths(reads, options);
  refuse_unknown(reads, layout, alphabet, options);
  const auto num_reads = static_cast<int64_t>(reads.size());
  const int64_t size = alphabet.size(), width = layout.width;
  at::Tensor values =
      options.channels_first ? at::zeros({num_reads, size, width}) : at::zeros({num_reads, width, size});
  float* data = values.data_ptr<float>();
  at::parallel_for(0, num_reads, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float* start = data + i * width * size;
      const OneHotRow row = options.channels_first ? OneHotRow{start, 1, width} : OneHotRow{start, size, 1};
      const auto index = static_cast<size_t>(i);
      one_hot_row(reads[index].substr(0, static_cast<size_t>(layout.kept[index])), row, alphabet, options, index);
    }
  });
  return {values, lengths_tensor(layout.kept)};
}

Encoded encode_integers(std::span<const std::string_view> reads, const EncodeOptions& options) {
  if (options.unknown == UnknownLetter::kIupac) {
    throw ArgumentError("unknown letters: \"iupac\" needs one-hot encoding; integers take zero, error or random");
  }
  const Alphabet alphabet(options.sequence_type);
  const Widths layout = widths(reads, options);
  refuse_unknown(reads, layout, alphabet, options);
  const auto num_reads = static_cast<int64_t>(reads.size());
  at::Tensor values = at::full({num_reads, layout.width}, -1, at::kLong);
  auto* data = values.data_ptr<int64_t>();
  at::parallel_for(0, num_reads, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto index = static_cast<size_t>(i);
      LetterIds ids(alphabet, options, index);
      for (int64_t j = 0; j < layout.kept[index]; ++j) {
        data[i * layout.width + j] = ids(reads[index][static_cast<size_t>(j)]);
      }
    }
  });
  return {values, lengths_tensor(layout.kept)};
}

Encoded encode_aam_tokens(std::span<const std::string_view> reads, int64_t max_bp) {
  if (max_bp < 1) throw ArgumentError("max_bp: expected at least 1, got " + std::to_string(max_bp));
  EncodeOptions options;
  options.max_length = max_bp;
  Widths layout = widths(reads, options);
  const auto num_reads = static_cast<int64_t>(reads.size());
  at::Tensor values = at::full({num_reads, layout.width + 1}, kAamPad, at::kLong);
  auto* data = values.data_ptr<int64_t>();
  for (int64_t i = 0; i < num_reads; ++i) {
    int64_t* row = data + i * (layout.width + 1);
    const auto index = static_cast<size_t>(i);
    row[0] = kAamStart;
    for (int64_t j = 0; j < layout.kept[index]; ++j) row[j + 1] = aam_token(reads[index][static_cast<size_t>(j)]);
    ++layout.kept[index];
  }
  return {values, lengths_tensor(layout.kept)};
}

at::Tensor encode_quality(std::span<const std::string_view> qualities, int64_t length) {
  constexpr int kPhredOffset = 33;
  at::Tensor values = at::zeros({static_cast<int64_t>(qualities.size()), length});
  float* data = values.data_ptr<float>();
  for (size_t i = 0; i < qualities.size(); ++i) {
    const int64_t kept = std::min(length, static_cast<int64_t>(qualities[i].size()));
    float* row = data + static_cast<int64_t>(i) * length;
    for (int64_t j = 0; j < kept; ++j) {
      row[j] = static_cast<float>(static_cast<unsigned char>(qualities[i][static_cast<size_t>(j)]) - kPhredOffset);
    }
  }
  return values;
}

std::string reverse_complement(std::string_view sequence, SequenceType type) {
  if (type == SequenceType::kProtein) throw ArgumentError("reverse complement: a protein has none");
  const bool is_rna = type == SequenceType::kRna;
  std::string_view from = "ACGTURYSWKMBDHVNacgturyswkmbdhvn";
  std::string_view to = is_rna ? "UGCAAYRSWMKVHDBNugcaayrswmkvhdbn" : "TGCAAYRSWMKVHDBNtgcaayrswmkvhdbn";
  std::string out(sequence.rbegin(), sequence.rend());
  for (char& letter : out) {
    const size_t place = from.find(letter);
    if (place != std::string_view::npos) letter = to[place];
  }
  return out;
}

}  // namespace deepbio::seq
