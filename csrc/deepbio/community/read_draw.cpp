#include "deepbio/community/read_draw.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "deepbio/community/random_words.h"

namespace deepbio::community {
namespace {

// log of n! over Stirling's sqrt(2 pi n) (n/e)^n, for n >= 1. (std::lgamma writes a global and
// loses digits.)
double stirling_error(double n) {
  // Stirling's series needs a large n; below it n! is exact in double.
  if (n < 16) {
    constexpr double kHalfLogTwoPi = 0.91893853320467274178;
    double factorial = 1;
    for (double k = 2; k <= n; ++k) factorial *= k;
    return std::log(factorial) - (n + 0.5) * std::log(n) + n - kHalfLogTwoPi;
  }
  const double square = n * n;
  return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - 1.0 / 1680 / square) / square) / square) / n;
}

// x log(x / mean) + mean - x without cancellation.
// The first form takes the difference of nearly equal numbers when x is near the mean. The series
// is that of log((1 + v) / (1 - v)), and its terms fall by at least 100 from one to the next.
double deviance(double x, double mean) {
  if (std::abs(x - mean) >= 0.1 * (x + mean)) return x * std::log(x / mean) + mean - x;
  const double v = (x - mean) / (x + mean);
  double sum = (x - mean) * v, term = 2 * x * v;
  for (double j = 3;; j += 2) {
    term *= v * v;
    const double next = sum + term / j;
    if (next == sum) return sum;
    sum = next;
  }
}

// Logarithm of the binomial probability of x hits in n trials, good to about 1e-14 for any size.
// Source: C. Loader, "Fast and accurate computation of binomial probabilities" (2000).
double log_binomial(double x, double n, double p) {
  const double q = 1 - p;
  if (x == 0) return n * std::log1p(-p);
  if (x == n) return n * std::log(p);
  constexpr double kTwoPi = 6.28318530717958647693;
  return stirling_error(n) - stirling_error(x) - stirling_error(n - x) - deviance(x, n * p) -
         deviance(n - x, n * q) + 0.5 * std::log(n / (kTwoPi * x * (n - x)));
}

// Draws from a unimodal distribution on low..high: walks outwards from the mode until the uniform
// number is used up.
//   up(k) = p(k+1) / p(k), down(k) = p(k-1) / p(k)
template <class Up, class Down>
int64_t invert_from_mode(double uniform, int64_t mode, double mode_probability,
                         std::pair<int64_t, int64_t> range, const Up& up, const Down& down) {
  int64_t above = mode, below = mode;
  double above_probability = mode_probability, below_probability = mode_probability;
  uniform -= mode_probability;
  while (uniform >= 0) {
    // A probability that has become 0 stays 0, so that its side is done even before the end of the
    // range.
    const bool can_rise = above < range.second && above_probability > 0;
    const bool can_fall = below > range.first && below_probability > 0;
    // Rounding can leave a remainder of about 1e-10 when all of the mass is spent.
    if (!can_rise && !can_fall) return mode;
    if (can_rise) {
      above_probability *= up(above++);
      uniform -= above_probability;
      if (uniform < 0) return above;
    }
    if (can_fall) {
      below_probability *= down(below--);
      uniform -= below_probability;
      if (uniform < 0) return below;
    }
  }
  return mode;
}

// Below this many draws they are made one by one, in whole numbers.
constexpr uint64_t kFewDraws = 24;

uint64_t few_without_replacement(uint64_t total, uint64_t marked, uint64_t draws,
                                 CounterRandom& random) {
  // No rounding in so few: probabilities of whole numbers are exact with random.below.
  uint64_t hits = 0;
  for (uint64_t k = 0; k < draws; ++k) {
    // Once every marked read is drawn the rest cannot hit.
    if (hits == marked) break;
    if (random.below(total - k) < marked - hits) ++hits;
  }
  return hits;
}

// Many hits are expected: the rest are drawn together.
bool has_many_hits(double count, double draws, double total) {
  return count * draws > ReadDrawer::kManyHits * total;
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define DEEPBIO_COUNTS_BITS __attribute__((target_clones("popcnt", "default")))
#else
#define DEEPBIO_COUNTS_BITS
#endif

// bits_before[w]: how many are set in the words in front of w.
DEEPBIO_COUNTS_BITS void count_before(std::span<const uint64_t> bits, uint32_t* bits_before) {
  uint32_t count = 0;
  for (size_t word = 0; word < bits.size(); ++word) {
    bits_before[word] = count;
    count += static_cast<uint32_t>(std::popcount(bits[word]));
  }
}

// What a sample's features have of the bits; those with many hits have none.
struct BitShares {
  std::span<const double> counts;
  double draws, total;  // of the sample
  const uint64_t* bits;
  const uint32_t* bits_before;
  bool is_turned;  // bits stand for the reads that are not drawn
};

// Feature k owns the bits [end - count, end): a count of bits before its end, less the one of the
// feature before, is its own. has_many_hits is asked with the numbers of the sample as it came, so
// that this loop and the one that drew leave out the same features.
DEEPBIO_COUNTS_BITS void share_out(const BitShares& shares, double* hits) {
  uint64_t end = 0;
  uint32_t before = 0;
  for (size_t k = 0; k < shares.counts.size(); ++k) {
    const double count = shares.counts[k];
    if (has_many_hits(count, shares.draws, shares.total)) continue;
    end += static_cast<uint64_t>(count);
    const uint64_t low = shares.bits[end / 64] & ((uint64_t{1} << (end % 64)) - 1);
    const uint32_t upto = shares.bits_before[end / 64] + static_cast<uint32_t>(std::popcount(low));
    const double own = upto - before;
    hits[k] = shares.is_turned ? count - own : own;
    before = upto;
  }
}

// Sets num_bits distinct ones of the first `size`, all equally likely. size below 2^32, num_bits at
// least 1
void set_random_bits(uint64_t* bits, uint32_t size, uint64_t num_bits, CounterRandom& random) {
  // A multiplication maps 32 random bits to a place; the few that would make some places likelier
  // are left out (D. Lemire, "Fast random integer generation in an interval", 2019).
  const uint32_t least = (0 - size) % size;
  RandomWords words({random.next_u32(), random.next_u32()});
  while (true) {
    for (const uint32_t word : words.next()) {
      const uint64_t product = uint64_t{word} * size;
      if (static_cast<uint32_t>(product) < least) continue;
      const uint64_t place = product >> 32, bit = uint64_t{1} << (place % 64);
      const uint64_t before = bits[place / 64];
      bits[place / 64] = before | bit;
      if ((before & bit) == 0 && --num_bits == 0) return;
    }
  }
}

}  // namespace

uint64_t hypergeometric(uint64_t total, uint64_t marked, uint64_t draws, CounterRandom& random) {
  // The distribution is the same with marked and draws exchanged, and mirrored for the reads that
  // stay behind.
  if (draws > total - draws) return marked - hypergeometric(total, marked, total - draws, random);
  if (marked > total - marked) return draws - hypergeometric(total, total - marked, draws, random);
  if (draws > marked) std::swap(draws, marked);
  if (draws <= kFewDraws) return few_without_replacement(total, marked, draws, random);
  const auto n = static_cast<double>(draws), good = static_cast<double>(marked),
             all = static_cast<double>(total);
  // At least 0: after the exchanges above neither marked nor draws is more than half of the total.
  const double bad_less_draws = all - good - n;
  // From the mode outwards about as many steps as the standard deviation are taken, not as the
  // mean.
  const double mode = std::floor((n + 1) * (good + 1) / (all + 2));
  const double p = n / all;
  // Vandermonde: choose(good, k) choose(bad, n - k) / choose(all, n) as three binomial
  // probabilities of the same p, whose powers cancel. Factorials of large numbers would lose the
  // digits.
  const double log_probability =
      log_binomial(mode, good, p) + log_binomial(n - mode, all - good, p) - log_binomial(n, all, p);
  const auto up = [&](int64_t at) {
    const auto k = static_cast<double>(at);
    return (good - k) * (n - k) / ((k + 1) * (bad_less_draws + k + 1));
  };
  const auto down = [&](int64_t at) {
    const auto k = static_cast<double>(at);
    return k * (bad_less_draws + k) / ((good - k + 1) * (n - k + 1));
  };
  return static_cast<uint64_t>(invert_from_mode(random.uniform(), static_cast<int64_t>(mode),
                                                std::exp(log_probability),
                                                {0, static_cast<int64_t>(draws)}, up, down));
}

uint64_t binomial(uint64_t total, uint64_t marked, uint64_t draws, CounterRandom& random) {
  if (marked > total - marked) return draws - binomial(total, total - marked, draws, random);
  if (marked == 0) return 0;
  if (draws <= kFewDraws) {
    uint64_t hits = 0;
    for (uint64_t k = 0; k < draws; ++k) hits += random.below(total) < marked;
    return hits;
  }
  const auto n = static_cast<double>(draws);
  const double p = static_cast<double>(marked) / static_cast<double>(total), odds = p / (1 - p);
  const double mode = std::floor((n + 1) * p);
  const auto up = [&](int64_t k) {
    return odds * (n - static_cast<double>(k)) / static_cast<double>(k + 1);
  };
  const auto down = [&](int64_t k) {
    return static_cast<double>(k) / (odds * (n - static_cast<double>(k) + 1));
  };
  return static_cast<uint64_t>(invert_from_mode(random.uniform(), static_cast<int64_t>(mode),
                                                std::exp(log_binomial(mode, n, p)),
                                                {0, static_cast<int64_t>(draws)}, up, down));
}

void ReadDrawer::without_replacement(std::span<const double> counts, uint64_t total, uint64_t draws,
                                     CounterRandom& random, std::span<double> hits) {
  std::fill(hits.begin(), hits.end(), 0.0);
  const auto all_draws = static_cast<double>(draws), all_reads = static_cast<double>(total);
  size_t num_open = 0;
  for (size_t k = 0; k < counts.size() && draws > 0; ++k) {
    if (!has_many_hits(counts[k], all_draws, all_reads)) {
      ++num_open;
      continue;
    }
    const auto count = static_cast<uint64_t>(counts[k]);
    const uint64_t own = hypergeometric(total, count, draws, random);
    hits[k] = static_cast<double>(own);
    draws -= own;
    total -= count;
  }
  if (draws == 0) return;
  // Places are 32 bits, and the bits of 2^31 reads are 256 MB.
  constexpr uint64_t kMostReads = uint64_t{1} << 31;
  // Words to clear and count, against about 64 of them for the hypergeometric draw of a feature.
  if (total < kMostReads && total / 64 <= 64 * num_open + 4 * draws) {
    // At most half of the bits are set: a place that is taken costs another word, and of nearly
    // full bits nearly every place would be.
    const bool is_turned = draws > total / 2;
    bits_.assign(total / 64 + 1, 0);
    bits_before_.resize(bits_.size());
    const uint64_t num_bits = is_turned ? total - draws : draws;
    if (num_bits > 0) set_random_bits(bits_.data(), static_cast<uint32_t>(total), num_bits, random);
    count_before(bits_, bits_before_.data());
    share_out({counts, all_draws, all_reads, bits_.data(), bits_before_.data(), is_turned},
              hits.data());
    return;
  }
  for (size_t k = 0; k < counts.size() && draws > 0; ++k) {
    const auto count = static_cast<uint64_t>(counts[k]);
    if (count == 0 || has_many_hits(counts[k], all_draws, all_reads)) continue;
    const uint64_t own = hypergeometric(total, count, draws, random);
    hits[k] = static_cast<double>(own);
    draws -= own;
    total -= count;
  }
}

void ReadDrawer::with_replacement(std::span<const double> counts, uint64_t total, uint64_t draws,
                                  CounterRandom& random, std::span<double> hits) {
  std::fill(hits.begin(), hits.end(), 0.0);
  for (size_t k = 0; k < counts.size() && draws > 0; ++k) {
    const auto count = static_cast<uint64_t>(counts[k]);
    if (count == 0) continue;
    // The multinomial as conditional binomials: given the draws before, total and draws are what is
    // left.
    const uint64_t own = binomial(total, count, draws, random);
    hits[k] = static_cast<double>(own);
    draws -= own;
    total -= count;
  }
}

}  // namespace deepbio::community
