// k-mer counts and k-mer ids of reads. A read is numbered in blocks (kmer_kernel.h) that overlap by
// k - 1 letters, so every window lies in one block as a whole, and a row object takes the numbers:
// counts under them, or the numbers themselves.
#include "deepbio/seq/kmer.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <memory>
#include <optional>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/seq/block_tensor.h"
#include "deepbio/seq/kmer_kernel.h"

namespace deepbio::seq {
namespace {

constexpr int64_t kGrain = 64;                          // reads per task
constexpr size_t kBlock = LetterWindows::kMostLetters;  // letters numbered at a time
constexpr int64_t kMostIds = int64_t{1} << 62;

// A^k, or -1 above `most`.
int64_t bounded_power(int64_t base, int64_t k, int64_t most) {
  int64_t out = 1;
  for (int64_t i = 0; i < k; ++i) {
    // Before the product, which could wrap round.
    if (out > most / base) return -1;
    out *= base;
  }
  return out;
}

void check(const KmerOptions& options, int64_t most, std::string_view what) {
  const Alphabet& alphabet = alphabet_of(options.letters.sequence_type);
  if (options.k < 1 || bounded_power(alphabet.size(), options.k, most) < 0) {
    // The message says which k would do for this alphabet.
    int64_t largest = 1;
    while (bounded_power(alphabet.size(), largest + 1, most) > 0) ++largest;
    throw ArgumentError("k: expected 1 to " + std::to_string(largest) + " for k-mer " +
                        std::string(what) + " of " + std::string(to_string(alphabet.type())) +
                        " (" + std::to_string(alphabet.size()) + "^k at most " +
                        std::to_string(most) + "), got " + std::to_string(options.k));
  }
  if (options.canonical && alphabet.type() == SequenceType::kProtein) {
    throw ArgumentError(
        "canonical: expected dna or rna, got protein, which has no reverse complement");
  }
  if (options.letters.unknown == UnknownLetter::kIupac) {
    throw ArgumentError(
        "unknown letters: \"iupac\" needs one-hot encoding; k-mers take error, zero or random");
  }
}

int64_t record_of(size_t read, const EncodeOptions& options) {
  return options.record_indices.empty() ? static_cast<int64_t>(read) : options.record_indices[read];
}

// The first unknown letter in the order of the reads, whatever thread met one first.
[[noreturn]] void refuse_first_unknown(std::span<const std::string_view> reads,
                                       const std::vector<int64_t>& kept, const Alphabet& alphabet,
                                       const EncodeOptions& options) {
  for (size_t index = 0; index < reads.size(); ++index) {
    for (size_t i = 0; i < static_cast<size_t>(kept[index]); ++i) {
      if (alphabet.id(reads[index][i]) >= 0) continue;
      throw ArgumentError(
          "read " + std::to_string(record_of(index, options)) + ", position " +
          std::to_string(i + 1) + ": expected one of " + std::string(alphabet.letters()) + " (" +
          std::string(to_string(alphabet.type())) + "), got " + quoted(reads[index].substr(i, 1)));
    }
  }
  throw Error("k-mers: an unknown letter was met and not found again; please report this");
}

// The numbers of all windows of one block of a read.
template <class T>
class Numbering {
 public:
  Numbering(const Alphabet& alphabet, const KmerOptions& options)
      : alphabet_(alphabet), options_(options) {
    // Proteins have 20 letters: no two bits, and no reverse complement.
    if (alphabet.size() != 4) return;
    const bool is_dna = alphabet.type() == SequenceType::kDna;
    four_.emplace(FourLetters(is_dna ? "acgt" : "acgu", is_dna ? 'u' : 't', true), options.k,
                  options.canonical);
  }
  // Writes block.size() - k + 1 numbers, none when the block is shorter; unknown letters read as
  // the first one.
  //   returns  whether all letters were known; unknown() tells where the others stand
  bool number(std::string_view block, T* numbers) {
    unknown_.clear();
    const auto k = static_cast<size_t>(options_.k);
    if (four_ && block.size() >= k && four_->number(block.data(), block.size(), T{0}, numbers))
      return true;
    digits_.resize(block.size());
    for (size_t i = 0; i < block.size(); ++i) {
      const int id = alphabet_.id(block[i]);
      digits_[i] = static_cast<uint8_t>(std::max(id, 0));
      if (id < 0) unknown_.push_back(i);
    }
    if (!four_ && block.size() >= k) number_digits(numbers);
    return unknown_.empty();
  }
  std::span<const size_t> unknown() const { return unknown_; }

 private:
  void number_digits(T* numbers) const {
    const auto k = static_cast<size_t>(options_.k);
    const int64_t base = alphabet_.size();
    int64_t first_counts = 1, number = 0;
    for (size_t i = 1; i < k; ++i) first_counts *= base;
    for (size_t i = 0; i < digits_.size(); ++i) {
      // The window rolls: the digit that leaves counts 20^(k - 1), so the number stays below 20^k,
      // which the bound on k keeps inside of 62 bits.
      if (i >= k) number -= digits_[i - k] * first_counts;
      number = number * base + digits_[i];
      if (i + 1 >= k) numbers[i + 1 - k] = static_cast<T>(number);
    }
  }

  const Alphabet& alphabet_;
  const KmerOptions& options_;
  std::optional<LetterWindows> four_;
  std::vector<uint8_t> digits_;
  std::vector<size_t> unknown_;
};

constexpr uint8_t kBad = 1;  // of a window with an unknown letter

// Where the windows of a read go: counts under the numbers, or the numbers in a row. room() is
// where the numbers of a block are wanted; add() takes them, `first` the place of the first window
// in the read, `bad` empty or one a window.
template <class T, class Count>
struct CountRow {
  Count* row;
  T* numbers;
  bool* is_full;  // set when a count was full
  T* room(size_t) const { return numbers; }
  void add(size_t, size_t count, std::span<const uint8_t> bad) const {
    bool wraps = false;
    for (size_t i = 0; i < count; ++i) {
      if (!bad.empty() && bad[i] == kBad) continue;
      // An integer that wraps comes back to 0, so a full counter is noticed without a comparison
      // with its largest value. A float of 24 bits would need a read of 16 million windows of one
      // k-mer.
      const bool is_zero = ++row[numbers[i]] == 0;
      if constexpr (std::is_integral_v<Count>) wraps |= is_zero;
    }
    if (wraps) *is_full = true;
  }
};
struct IdRow {
  int64_t* row;
  int64_t* room(size_t first) const { return row + first; }
  void add(size_t first, size_t, std::span<const uint8_t> bad) const {
    for (size_t i = 0; i < bad.size(); ++i) {
      if (bad[i] == kBad) row[first + i] = -1;
    }
  }
};
struct SideBySideRow {
  int64_t* row;
  int64_t* numbers;
  size_t k;
  int64_t* room(size_t) const { return numbers; }
  void add(size_t first, size_t count, std::span<const uint8_t> bad) const {
    // The first window of the block that begins at a multiple of k in the read.
    for (size_t i = (k - first % k) % k; i < count; i += k) {
      row[(first + i) / k] = !bad.empty() && bad[i] == kBad ? -1 : numbers[i];
    }
  }
};

// `read` with its unknown letters drawn; `room` holds the copy.
std::string_view with_drawn_letters(std::string_view read, const Alphabet& alphabet,
                                    CounterRandom random, std::string& room) {
  room.assign(read);
  for (char& letter : room) {
    if (alphabet.id(letter) < 0)
      letter = alphabet.letters()[random.below(static_cast<uint64_t>(alphabet.size()))];
  }
  return room;
}

// make_row: (index of a read, room for kBlock numbers) -> where its windows go
template <class T, class MakeRow>
void fill_rows(std::span<const std::string_view> reads, const KmerOptions& options,
               const std::vector<int64_t>& kept, MakeRow make_row) {
  const EncodeOptions& letters = options.letters;
  const Alphabet& alphabet = alphabet_of(letters.sequence_type);
  const auto k = static_cast<size_t>(options.k);
  const size_t block_windows = kBlock - k + 1;
  // Threads only note that there was one; which is the first is looked up again at the end.
  std::atomic<bool> is_refused = false;
  at::parallel_for(0, static_cast<int64_t>(reads.size()), kGrain, [&](int64_t begin, int64_t end) {
    Numbering<T> numbering(alphabet, options);
    std::vector<uint8_t> bad;
    const auto numbers = std::make_unique_for_overwrite<T[]>(kBlock);
    std::string drawn;
    for (auto index = static_cast<size_t>(begin); index < static_cast<size_t>(end); ++index) {
      std::string_view read = reads[index].substr(0, static_cast<size_t>(kept[index]));
      // Keyed by the record, so a letter becomes the same one in every batch of an epoch.
      if (letters.unknown == UnknownLetter::kRandom) {
        const auto record = static_cast<uint64_t>(record_of(index, letters));
        const CounterRandom random(letters.seed, letters.epoch, record, Purpose::kUnknownLetter);
        read = with_drawn_letters(read, alphabet, random, drawn);
      }
      const auto row = make_row(index, numbers.get());
      // Once also for a read shorter than k, whose unknown letters are refused all the same.
      for (size_t first = 0; first == 0 || first + k <= read.size(); first += block_windows) {
        const std::string_view block = read.substr(first, kBlock);
        const size_t count = block.size() < k ? 0 : block.size() - k + 1;
        bad.clear();
        if (!numbering.number(block, row.room(first))) {
          if (letters.unknown == UnknownLetter::kError) is_refused = true;
          bad.assign(count, 0);
          for (const size_t place : numbering.unknown()) {
            // The k windows that the letter lies in.
            for (size_t i = place < k ? 0 : place - k + 1; i <= place && i < count; ++i)
              bad[i] = kBad;
          }
        }
        row.add(first, count, bad);
      }
    }
  });
  if (is_refused) refuse_first_unknown(reads, kept, alphabet, letters);
}

std::vector<int64_t> kept_letters(std::span<const std::string_view> reads,
                                  const EncodeOptions& options) {
  if (!options.record_indices.empty() && options.record_indices.size() != reads.size()) {
    throw ArgumentError("record_indices: expected one for each of " + std::to_string(reads.size()) +
                        " reads, got " + std::to_string(options.record_indices.size()));
  }
  std::vector<int64_t> kept;
  kept.reserve(reads.size());
  for (const std::string_view read : reads) {
    const auto length = static_cast<int64_t>(read.size());
    kept.push_back(options.max_length > 0 ? std::min(length, options.max_length) : length);
  }
  return kept;
}

at::Tensor lengths_tensor(const std::vector<int64_t>& lengths) {
  at::Tensor out = at::empty({static_cast<int64_t>(lengths.size())}, at::kLong);
  std::copy(lengths.begin(), lengths.end(), out.data_ptr<int64_t>());
  return out;
}

// Counts of all windows to rows of zeros.
template <class Count>
void count_kmers(std::span<const std::string_view> reads, const KmerOptions& options,
                 const std::vector<int64_t>& kept, const at::Tensor& values) {
  const int64_t width = values.size(1);
  auto* data = static_cast<Count*>(values.mutable_data_ptr());
  const auto is_full = std::make_unique<bool[]>(reads.size());
  const auto row_of = [&]<class T>(size_t index, T* numbers) {
    Count* row = data + static_cast<int64_t>(index) * width;
    std::fill_n(row, width, Count{0});  // while it is about to be used, by the thread that uses it
    return CountRow<T, Count>{row, numbers, &is_full[index]};
  };
  // Numbers of 16 bits where all k-mers fit: half the memory traffic between the kernel and the
  // counts.
  if (width <= int64_t{1} << 16) {
    fill_rows<uint16_t>(reads, options, kept, row_of);
  } else {
    fill_rows<int32_t>(reads, options, kept, row_of);
  }
  const bool* const full = std::find(is_full.get(), is_full.get() + reads.size(), true);
  if (full == is_full.get() + reads.size()) return;
  throw ArgumentError("read " + std::to_string(record_of(full - is_full.get(), options.letters)) +
                      ": expected each k-mer at most " +
                      std::to_string(std::numeric_limits<Count>::max()) + " times (" +
                      c10::toString(options.dtype) + "), got more; choose a larger dtype");
}

}  // namespace

void check_kmer_counts(const KmerOptions& options) {
  check(options, kMostKmerCounts, "counts");
  if (options.dtype == at::kFloat || options.dtype == at::kByte || options.dtype == at::kUInt16)
    return;
  throw ArgumentError(
      std::string("dtype: expected float32, uint8 or uint16 for k-mer counts, got ") +
      c10::toString(options.dtype));
}
void check_kmer_ids(const KmerOptions& options) { check(options, kMostIds, "ids"); }

int64_t num_windows(int64_t length, int64_t k, bool overlap) {
  if (length < k) return 0;
  return overlap ? length - k + 1 : length / k;
}

Encoded encode_kmer_counts(std::span<const std::string_view> reads, const KmerOptions& options) {
  check_kmer_counts(options);
  const int64_t width =
      bounded_power(alphabet_of(options.letters.sequence_type).size(), options.k, kMostKmerCounts);
  const std::vector<int64_t> kept = kept_letters(reads, options.letters);
  at::Tensor values = empty_tensor({static_cast<int64_t>(reads.size()), width}, options.dtype);
  switch (options.dtype) {
    case at::kByte:
      count_kmers<uint8_t>(reads, options, kept, values);
      break;
    case at::kUInt16:
      count_kmers<uint16_t>(reads, options, kept, values);
      break;
    default:
      count_kmers<float>(reads, options, kept, values);
  }
  return {values, lengths_tensor(kept)};
}

Encoded encode_kmer_ids(std::span<const std::string_view> reads, const KmerOptions& options) {
  check_kmer_ids(options);
  const std::vector<int64_t> kept = kept_letters(reads, options.letters);
  int64_t width = options.letters.pad_to;
  for (size_t i = 0; i < reads.size(); ++i) {
    const int64_t count = num_windows(kept[i], options.k, options.overlap);
    if (options.letters.pad_to > 0 && count > options.letters.pad_to) {
      throw ArgumentError("read " + std::to_string(record_of(i, options.letters)) + " has " +
                          std::to_string(count) + " k-mers, pad_to is " +
                          std::to_string(options.letters.pad_to) + "; set max_length to cut it");
    }
    width = std::max(width, count);
  }
  at::Tensor values = empty_tensor({static_cast<int64_t>(reads.size()), width}, at::kLong);
  auto* data = values.data_ptr<int64_t>();
  const auto row_of = [&](size_t index) {
    int64_t* row = data + static_cast<int64_t>(index) * width;
    const int64_t count = num_windows(kept[index], options.k, options.overlap);
    // Padding is -1, as of a window with an unknown letter: neither is a k-mer.
    std::fill_n(row + count, width - count, int64_t{-1});
    return row;
  };
  if (options.overlap) {
    fill_rows<int64_t>(reads, options, kept,
                       [&](size_t index, int64_t*) { return IdRow{row_of(index)}; });
  } else {
    fill_rows<int64_t>(reads, options, kept, [&](size_t index, int64_t* numbers) {
      return SideBySideRow{row_of(index), numbers, static_cast<size_t>(options.k)};
    });
  }
  return {values, lengths_tensor(kept)};
}

}  // namespace deepbio::seq
