#include "deepbio/seq/kmer.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <optional>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/seq/kmer_kernel.h"

namespace deepbio::seq {
namespace {

constexpr int64_t kGrain = 64;   // reads per task
constexpr size_t kBlock = 4096;  // windows numbered at a time: all buffers stay in the first two caches
constexpr int64_t kMostIds = int64_t{1} << 62;

// A^k, or -1 above `most`.
int64_t bounded_power(int64_t base, int64_t k, int64_t most) {
  int64_t out = 1;
  for (int64_t i = 0; i < k; ++i) {
    if (out > most / base) return -1;
    out *= base;
  }
  return out;
}

void check(const KmerOptions& options, int64_t most, std::string_view what) {
  const Alphabet alphabet(options.letters.sequence_type);
  const std::string type(to_string(alphabet.type()));
  if (options.k < 1 || bounded_power(alphabet.size(), options.k, most) < 0) {
    int64_t largest = 1;
    while (bounded_power(alphabet.size(), largest + 1, most) > 0) ++largest;
    throw ArgumentError("k: expected 1 to " + std::to_string(largest) + " for k-mer " + std::string(what) + " of " +
                        type + " (" + std::to_string(alphabet.size()) + "^k at most " + std::to_string(most) +
                        "), got " + std::to_string(options.k));
  }
  if (options.canonical && alphabet.type() == SequenceType::kProtein) {
    throw ArgumentError("canonical: expected dna or rna, got protein, which has no reverse complement");
  }
  if (options.letters.unknown == UnknownLetter::kIupac) {
    throw ArgumentError("unknown letters: \"iupac\" needs one-hot encoding; k-mers take error, zero or random");
  }
}

int64_t record_of(size_t read, const EncodeOptions& options) {
  return options.record_indices.empty() ? static_cast<int64_t>(read) : options.record_indices[read];
}

// The first unknown letter in the order of the reads, whatever thread met one first.
[[noreturn]] void refuse_first_unknown(std::span<const std::string_view> reads, const std::vector<int64_t>& kept,
                                       const Alphabet& alphabet, const EncodeOptions& options) {
  for (size_t index = 0; index < reads.size(); ++index) {
    for (size_t i = 0; i < static_cast<size_t>(kept[index]); ++i) {
      if (alphabet.id(reads[index][i]) >= 0) continue;
      throw ArgumentError("read " + std::to_string(record_of(index, options)) + ", position " + std::to_string(i + 1) +
                          ": expected one of " + std::string(alphabet.letters()) + " (" +
                          std::string(to_string(alphabet.type())) + "), got " + quoted(reads[index].substr(i, 1)));
    }
  }
  throw Error("k-mers: an unknown letter was met and not found again; please report this");
}

// Letters as digits, and where the unknown ones stand.
class Digits {
 public:
  explicit Digits(const Alphabet& alphabet) : alphabet_(alphabet) {
    if (alphabet.size() != 4) return;
    const bool is_dna = alphabet.type() == SequenceType::kDna;
    four_ = FourLetters{{'a', 'c', 'g', is_dna ? 't' : 'u'}, is_dna ? 'u' : 't', 3, true};
  }
  void read(std::string_view letters) {
    digits_.resize(letters.size());
    unknown_.clear();
    if (four_ && four_letter_digits(letters.data(), letters.size(), *four_, digits_.data())) return;
    for (size_t i = 0; i < letters.size(); ++i) {
      const int id = alphabet_.id(letters[i]);
      digits_[i] = static_cast<uint8_t>(std::max(id, 0));
      if (id < 0) unknown_.push_back(i);
    }
  }
  std::span<const uint8_t> digits() const { return digits_; }
  std::span<const size_t> unknown() const { return unknown_; }

 private:
  const Alphabet& alphabet_;
  std::optional<FourLetters> four_;
  std::vector<uint8_t> digits_;
  std::vector<size_t> unknown_;
};

// The windows of one block of a read: the number of each, and which of them have an unknown letter.
template <class T>
class Windows {
 public:
  Windows(const KmerOptions& options, int64_t base) : options_(options), base_(base) {}

  void number(std::span<const uint8_t> digits, std::span<const size_t> unknown) {
    const size_t size = digits.size(), k = static_cast<size_t>(options_.k);
    count_ = size + 1 - k;
    numbers_.resize(size);
    spare_.resize(2 * size);
    reverse_.resize(options_.canonical ? size : 0);
    number_windows(digits.data(), size, options_.k, base_, numbers_.data(), spare_.data(),
                   options_.canonical ? reverse_.data() : nullptr);
    if (options_.canonical) keep_smaller(numbers_.data(), reverse_.data(), count_);
    bad_.assign(unknown.empty() ? 0 : count_, 0);
    for (const size_t place : unknown) {
      for (size_t i = place < k ? 0 : place - k + 1; i <= place && i < count_; ++i) bad_[i] = 1;
    }
  }
  size_t count() const { return count_; }
  const T* numbers() const { return numbers_.data(); }
  bool has_bad() const { return !bad_.empty(); }
  bool is_bad(size_t window) const { return !bad_.empty() && bad_[window]; }

 private:
  const KmerOptions& options_;
  int64_t base_;
  size_t count_ = 0;
  std::vector<T> numbers_, spare_, reverse_;
  std::vector<uint8_t> bad_;
};

// Where the windows of a read go: counts under the numbers, or the numbers in a row. `first` is the place of the first
// window in the read.
struct CountRow {
  float* row;
  template <class T>
  void add(const Windows<T>& windows, size_t) const {
    const T* numbers = windows.numbers();
    if (!windows.has_bad()) {
      for (size_t i = 0; i < windows.count(); ++i) row[numbers[i]] += 1;
      return;
    }
    for (size_t i = 0; i < windows.count(); ++i) {
      if (!windows.is_bad(i)) row[numbers[i]] += 1;
    }
  }
};
struct IdRow {
  int64_t* row;
  size_t stride;
  template <class T>
  void add(const Windows<T>& windows, size_t first) const {
    if (stride == 1) {
      widen(windows.numbers(), windows.count(), int64_t{0}, row + first);
      for (size_t i = 0; windows.has_bad() && i < windows.count(); ++i) {
        if (windows.is_bad(i)) row[first + i] = -1;
      }
      return;
    }
    for (size_t i = (stride - first % stride) % stride; i < windows.count(); i += stride) {
      row[(first + i) / stride] = windows.is_bad(i) ? -1 : static_cast<int64_t>(windows.numbers()[i]);
    }
  }
};

// `read` with its unknown letters drawn; `room` holds the copy.
std::string_view with_drawn_letters(std::string_view read, const Alphabet& alphabet, CounterRandom random,
                                    std::string& room) {
  room.assign(read);
  for (char& letter : room) {
    if (alphabet.id(letter) < 0) letter = alphabet.letters()[random.below(static_cast<uint64_t>(alphabet.size()))];
  }
  return room;
}

template <class T, class MakeRow>
void fill_rows(std::span<const std::string_view> reads, const KmerOptions& options, const std::vector<int64_t>& kept,
               MakeRow make_row) {
  const EncodeOptions& letters = options.letters;
  const Alphabet alphabet(letters.sequence_type);
  const auto k = static_cast<size_t>(options.k);
  std::atomic<bool> is_refused = false;
  at::parallel_for(0, static_cast<int64_t>(reads.size()), kGrain, [&](int64_t begin, int64_t end) {
    Digits digits(alphabet);
    Windows<T> windows(options, alphabet.size());
    std::string room;
    for (auto index = static_cast<size_t>(begin); index < static_cast<size_t>(end); ++index) {
      std::string_view read = reads[index].substr(0, static_cast<size_t>(kept[index]));
      if (letters.unknown == UnknownLetter::kRandom) {
        const auto record = static_cast<uint64_t>(record_of(index, letters));
        const CounterRandom random(letters.seed, letters.epoch, record, Purpose::kUnknownLetter);
        read = with_drawn_letters(read, alphabet, random, room);
      }
      const auto row = make_row(index);
      for (size_t first = 0; first == 0 || first + k <= read.size(); first += kBlock) {
        digits.read(read.substr(first, kBlock + k - 1));
        if (letters.unknown == UnknownLetter::kError && !digits.unknown().empty()) is_refused = true;
        if (digits.digits().size() < k) continue;
        windows.number(digits.digits(), digits.unknown());
        row.add(windows, first);
      }
    }
  });
  if (is_refused) refuse_first_unknown(reads, kept, alphabet, letters);
}

// With the narrowest numbers that hold A^k: the more of them in a vector, the faster.
template <class MakeRow>
void fill_rows(std::span<const std::string_view> reads, const KmerOptions& options, const std::vector<int64_t>& kept,
               int64_t num_kmers, MakeRow make_row) {
  if (num_kmers <= int64_t{1} << 16) {
    fill_rows<uint16_t>(reads, options, kept, make_row);
  } else if (num_kmers <= int64_t{1} << 32) {
    fill_rows<uint32_t>(reads, options, kept, make_row);
  } else {
    fill_rows<uint64_t>(reads, options, kept, make_row);
  }
}

std::vector<int64_t> kept_letters(std::span<const std::string_view> reads, const EncodeOptions& options) {
  if (!options.record_indices.empty() && options.record_indices.size() != reads.size()) {
    throw ArgumentError("record_indices: expected one for each of " + std::to_string(reads.size()) + " reads, got " +
                        std::to_string(options.record_indices.size()));
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
  return at::tensor(lengths, at::TensorOptions().dtype(at::kLong));
}

}  // namespace

void check_kmer_counts(const KmerOptions& options) { check(options, kMostKmerCounts, "counts"); }
void check_kmer_ids(const KmerOptions& options) { check(options, kMostIds, "ids"); }

int64_t num_windows(int64_t length, int64_t k, bool overlap) {
  if (length < k) return 0;
  return overlap ? length - k + 1 : length / k;
}

Encoded encode_kmer_counts(std::span<const std::string_view> reads, const KmerOptions& options) {
  check_kmer_counts(options);
  const int64_t width = bounded_power(Alphabet(options.letters.sequence_type).size(), options.k, kMostKmerCounts);
  const std::vector<int64_t> kept = kept_letters(reads, options.letters);
  at::Tensor values = at::empty({static_cast<int64_t>(reads.size()), width});
  auto* data = values.data_ptr<float>();
  fill_rows(reads, options, kept, width, [&](size_t index) {
    float* row = data + static_cast<int64_t>(index) * width;
    std::fill_n(row, width, 0.0F);  // while it is about to be used, and by the thread that uses it
    return CountRow{row};
  });
  return {values, lengths_tensor(kept)};
}

Encoded encode_kmer_ids(std::span<const std::string_view> reads, const KmerOptions& options) {
  check_kmer_ids(options);
  const std::vector<int64_t> kept = kept_letters(reads, options.letters);
  int64_t width = options.letters.pad_to;
  for (size_t i = 0; i < reads.size(); ++i) {
    const int64_t count = num_windows(kept[i], options.k, options.overlap);
    if (options.letters.pad_to > 0 && count > options.letters.pad_to) {
      throw ArgumentError("read " + std::to_string(record_of(i, options.letters)) + " has " + std::to_string(count) +
                          " k-mers, pad_to is " + std::to_string(options.letters.pad_to) +
                          "; set max_length to cut it");
    }
    width = std::max(width, count);
  }
  at::Tensor values = at::empty({static_cast<int64_t>(reads.size()), width}, at::kLong);
  auto* data = values.data_ptr<int64_t>();
  const int64_t num_kmers = bounded_power(Alphabet(options.letters.sequence_type).size(), options.k, kMostIds);
  const size_t stride = options.overlap ? 1 : static_cast<size_t>(options.k);
  fill_rows(reads, options, kept, num_kmers, [&](size_t index) {
    int64_t* row = data + static_cast<int64_t>(index) * width;
    const int64_t count = num_windows(kept[index], options.k, options.overlap);
    std::fill_n(row + count, width - count, int64_t{-1});
    return IdRow{row, stride};
  });
  return {values, lengths_tensor(kept)};
}

}  // namespace deepbio::seq
