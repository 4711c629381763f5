// Numbers for `deepbio stats` in one pass over the records. Letters and qualities are counted 64
// bytes at a time; lengths are kept, since median and N50 need all of them.
#include "deepbio/io/reads/statistics.h"

#include <algorithm>
#include <cstring>

#include "deepbio/base/vector_clones.h"

namespace deepbio::io {
namespace {

// 64 bytes at once, in registers of whatever width there is. Counts and sums of one read after
// another would wait for each other in memory if each letter had a counter.
using Bytes __attribute__((vector_size(64))) = uint8_t;
using Pairs __attribute__((vector_size(64))) = uint16_t;
constexpr size_t kBlock = sizeof(Bytes);
constexpr size_t kRounds = 120;  // after so many a sum of 16 bits could be full

template <class Vector, class Item>
int64_t total(const Vector& of) {
  Item items[sizeof(Vector) / sizeof(Item)];
  std::memcpy(items, &of, sizeof of);
  int64_t sum = 0;
  for (const Item item : items) sum += item;
  return sum;
}

// A block of text, whole or the rest of it over what is there.
__attribute__((always_inline)) inline void load(const char* from, const char* end, Bytes& block) {
  if (from + kBlock <= end) {
    std::memcpy(&block, from, kBlock);  // of a size that is known: no call
  } else {
    std::memcpy(&block, from, static_cast<size_t>(end - from));
  }
}

struct LetterCounts {
  int64_t gc = 0, n = 0;
};

DEEPBIO_CLONES void count_letters(const char* text, size_t size, LetterCounts& out) {
  for (size_t begin = 0; begin < size; begin += kBlock * kRounds) {
    const size_t end = std::min(size, begin + kBlock * kRounds);
    Bytes gc{}, n{};
    for (size_t i = begin; i < end; i += kBlock) {
      Bytes block{};
      load(text + i, text + end, block);
      block &= 0xDF;  // upper case
      // A comparison gives -1 where it holds, so subtracting it counts. S means G or C.
      gc -= reinterpret_cast<Bytes>(block == 'G') | reinterpret_cast<Bytes>(block == 'C') |
            reinterpret_cast<Bytes>(block == 'S');
      n -= reinterpret_cast<Bytes>(block == 'N');
    }
    out.gc += total<Bytes, uint8_t>(gc);
    out.n += total<Bytes, uint8_t>(n);
  }
}

struct ByteRange {
  int64_t sum = 0;
  unsigned char lowest = 255, highest = 0;
};

DEEPBIO_CLONES void add_bytes(const char* text, size_t size, ByteRange& out) {
  for (size_t begin = 0; begin < size; begin += kBlock * kRounds) {
    const size_t end = std::min(size, begin + kBlock * kRounds);
    Pairs sums{};
    // Minima go on from what came before, so that a read does not have to be merged afterwards.
    Bytes lowest = Bytes{} + out.lowest, highest = Bytes{} + out.highest;
    for (size_t i = begin; i < end; i += kBlock) {
      Bytes block{}, known = lowest;  // past the end: nothing to add, nothing that is lower
      load(text + i, text + end, block);
      load(text + i, text + end, known);
      Pairs pairs;
      std::memcpy(&pairs, &block, sizeof pairs);
      // Two bytes a lane and at most 255 each: 510 times 120 rounds stays below 65536.
      sums += (pairs & 0xFF) + (pairs >> 8);
      lowest = known < lowest ? known : lowest;
      highest = block > highest ? block : highest;
    }
    out.sum += total<Pairs, uint16_t>(sums);
    for (size_t i = 0; i < kBlock; ++i) {
      out.lowest = std::min(out.lowest, lowest[i]);
      out.highest = std::max(out.highest, highest[i]);
    }
  }
}

// The length at which records at least as long hold half of all bases.
int64_t n50(const std::vector<int64_t>& sorted, int64_t bases) {
  int64_t sum = 0;
  for (size_t i = sorted.size(); i-- > 0;) {
    sum += sorted[i];
    if (2 * sum >= bases) return sorted[i];
  }
  return 0;
}

// Short reads are of few lengths: counting them is quicker than comparing each with others.
std::vector<int64_t> rising(const std::vector<int64_t>& lengths) {
  constexpr int64_t kMostCounted = int64_t{1} << 16;
  std::vector<int64_t> out = lengths;
  const auto longest = std::max_element(lengths.begin(), lengths.end());
  if (longest == lengths.end() || *longest >= kMostCounted) {
    std::sort(out.begin(), out.end());
    return out;
  }
  std::vector<int64_t> counts(static_cast<size_t>(*longest) + 1, 0);
  for (const int64_t length : lengths) ++counts[static_cast<size_t>(length)];
  auto to = out.begin();
  for (size_t length = 0; length < counts.size(); ++length)
    to = std::fill_n(to, counts[length], static_cast<int64_t>(length));
  return out;
}

double median(const std::vector<int64_t>& sorted) {
  if (sorted.empty()) return 0;
  const size_t middle = sorted.size() / 2;
  const auto upper = static_cast<double>(sorted[middle]);
  return sorted.size() % 2 ? upper : (static_cast<double>(sorted[middle - 1]) + upper) / 2;
}

}  // namespace

void ReadStatistics::add(const RecordView& record) {
  lengths.push_back(static_cast<int64_t>(record.sequence.size()));
  bases += lengths.back();
  LetterCounts letters;
  count_letters(record.sequence.data(), record.sequence.size(), letters);
  num_gc += letters.gc;
  num_n += letters.n;
  ByteRange scores{quality_sum, lowest_quality, highest_quality};
  add_bytes(record.quality.data(), record.quality.size(), scores);
  quality_sum = scores.sum;
  lowest_quality = scores.lowest;
  highest_quality = scores.highest;
  qualities += static_cast<int64_t>(record.quality.size());
}

// Phred+33 reaches below ';' (59), which Phred+64 and Solexa never use; those end at 'h' (104),
// with 'i' (105) seen now and then. HiFi and duplex reads have high bytes only, up to '~' (126).
int ReadStatistics::quality_offset() const {
  return lowest_quality >= 59 && highest_quality > 74 && highest_quality <= 105 ? 64 : 33;
}

std::string ReadStatistics::quality_warning() const {
  if (qualities == 0 || quality_offset() != 64) return "";
  return "qualities look like Phred+64 (Illumina 1.3 to 1.7); readers take them for Phred+33 "
         "unless quality_offset is 64";
}

Json ReadStatistics::to_json() const {
  const std::vector<int64_t> sorted = rising(lengths);
  const auto records = static_cast<int64_t>(sorted.size());
  const auto share = [&](int64_t count) {
    return bases ? static_cast<double>(count) / static_cast<double>(bases) : 0.0;
  };
  Json out(Json::Object{
      {"records", records},
      {"bases", bases},
      {"min_length_bp", records ? sorted.front() : int64_t{0}},
      {"mean_length_bp", records ? static_cast<double>(bases) / static_cast<double>(records) : 0.0},
      {"median_length_bp", median(sorted)},
      {"max_length_bp", records ? sorted.back() : int64_t{0}},
      {"n50_bp", n50(sorted, bases)},
      {"gc_share", share(num_gc)},
      {"n_share", share(num_n)}});
  if (qualities > 0) {
    const double mean = static_cast<double>(quality_sum) / static_cast<double>(qualities);
    out.set("mean_quality", mean - quality_offset());
    out.set("quality_offset", quality_offset());
  }
  return out;
}

}  // namespace deepbio::io
