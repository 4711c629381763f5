#include "deepbio/community/table.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"

namespace deepbio::community {
namespace {

// log of n! over Stirling's sqrt(2 pi n) (n/e)^n, for n >= 1. (std::lgamma writes a global and loses digits.)
double stirling_error(double n) {
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
  return stirling_error(n) - stirling_error(x) - stirling_error(n - x) - deviance(x, n * p) - deviance(n - x, n * q) +
         0.5 * std::log(n / (kTwoPi * x * (n - x)));
}

// Draws from a unimodal distribution on low..high: walks outwards from the mode until the uniform number is used up.
//   up(k) = p(k+1) / p(k), down(k) = p(k-1) / p(k)
template <class Up, class Down>
int64_t invert_from_mode(double uniform, int64_t mode, double mode_probability, std::pair<int64_t, int64_t> range,
                         const Up& up, const Down& down) {
  int64_t above = mode, below = mode;
  double above_probability = mode_probability, below_probability = mode_probability;
  uniform -= mode_probability;
  while (uniform >= 0) {
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

uint64_t few_without_replacement(uint64_t total, uint64_t marked, uint64_t draws, CounterRandom& random) {
  uint64_t hits = 0;
  for (uint64_t k = 0; k < draws; ++k) {
    // Once every marked read is drawn the rest cannot hit.
    if (hits == marked) break;
    if (random.below(total - k) < marked - hits) ++hits;
  }
  return hits;
}

// How many of `draws` reads taken from `total` without putting back are among the `marked` ones.
uint64_t hypergeometric(uint64_t total, uint64_t marked, uint64_t draws, CounterRandom& random) {
  // The distribution is the same with marked and draws exchanged, and mirrored for the reads that stay behind.
  if (draws > total - draws) return marked - hypergeometric(total, marked, total - draws, random);
  if (marked > total - marked) return draws - hypergeometric(total, total - marked, draws, random);
  if (draws > marked) std::swap(draws, marked);
  if (draws <= kFewDraws) return few_without_replacement(total, marked, draws, random);
  const auto n = static_cast<double>(draws), good = static_cast<double>(marked), all = static_cast<double>(total);
  const double bad_less_draws = all - good - n;
  const double mode = std::floor((n + 1) * (good + 1) / (all + 2));
  const double p = n / all;
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
  return static_cast<uint64_t>(invert_from_mode(random.uniform(), static_cast<int64_t>(mode), std::exp(log_probability),
                                                {0, static_cast<int64_t>(draws)}, up, down));
}

// How many of `draws` reads taken with putting back are among the `marked` ones of `total`.
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
  const auto up = [&](int64_t k) { return odds * (n - static_cast<double>(k)) / static_cast<double>(k + 1); };
  const auto down = [&](int64_t k) { return static_cast<double>(k) / (odds * (n - static_cast<double>(k) + 1)); };
  return static_cast<uint64_t>(invert_from_mode(random.uniform(), static_cast<int64_t>(mode),
                                                std::exp(log_binomial(mode, n, p)), {0, static_cast<int64_t>(draws)},
                                                up, down));
}

// The total as a whole number. throws ArgumentError when a count is not one.
uint64_t whole_total(std::span<const double> counts, std::string_view sample_id) {
  constexpr double kLargest = 9007199254740992;  // 2^53: whole numbers are exact up to here
  double total = 0;
  for (const double count : counts) {
    if (!(count >= 0) || count != std::floor(count) || count > kLargest) {
      throw ArgumentError("rarefaction needs whole numbers of reads, sample " + quoted(sample_id) + " has " +
                          std::to_string(count) + "; relative abundances cannot be rarefied");
    }
    total += count;
  }
  if (total > kLargest) throw ArgumentError("sample " + quoted(sample_id) + " has more than 2^53 reads");
  return static_cast<uint64_t>(total);
}

void check_depth(int64_t depth_reads) {
  if (depth_reads < 1) {
    throw ArgumentError("rarefaction depth must be at least 1 read, got " + std::to_string(depth_reads));
  }
}

bool is_deep_enough(double total, const RarefyOptions& options) {
  return options.with_replacement ? total > 0 : total >= static_cast<double>(options.depth_reads);
}

std::span<const double> counts_of(const CountTable& table, int64_t sample) {
  return std::span(table.values).subspan(table.indptr[sample], table.indptr[sample + 1] - table.indptr[sample]);
}

[[noreturn]] void fail_too_shallow(std::vector<double> totals, const RarefyOptions& options) {
  std::string got = "the table has no samples";
  if (!totals.empty()) {
    std::sort(totals.begin(), totals.end());
    got = "the deepest has " + std::to_string(static_cast<int64_t>(totals.back())) + ", the median " +
          std::to_string(static_cast<int64_t>(totals[totals.size() / 2]));
  }
  throw ArgumentError("no sample has " + std::to_string(options.depth_reads) + " reads: " + got +
                      "; choose a smaller depth");
}

}  // namespace

std::vector<double> rarefy_counts(std::span<const double> counts, std::string_view sample_id,
                                  const RarefyOptions& options) {
  check_depth(options.depth_reads);
  uint64_t left = whole_total(counts, sample_id);
  if (!is_deep_enough(static_cast<double>(left), options)) {
    throw ArgumentError("sample " + quoted(sample_id) + " has " + std::to_string(left) +
                        " reads, fewer than the depth " + std::to_string(options.depth_reads));
  }
  CounterRandom random(options.seed, options.epoch, hash_bytes(sample_id), Purpose::kRarefaction);
  auto draws = static_cast<uint64_t>(options.depth_reads);
  std::vector<double> out(counts.size(), 0.0);
  for (size_t k = 0; k < counts.size() && draws > 0; ++k) {
    const auto count = static_cast<uint64_t>(counts[k]);
    if (count == 0) continue;
    const uint64_t hits =
        options.with_replacement ? binomial(left, count, draws, random) : hypergeometric(left, count, draws, random);
    out[k] = static_cast<double>(hits);
    draws -= hits;
    left -= count;
  }
  return out;
}

RarefyResult rarefy(const CountTable& table, const RarefyOptions& options) {
  check_depth(options.depth_reads);
  const std::vector<double> totals = sample_totals(table);
  RarefyResult result;
  std::vector<int64_t> kept;
  for (int64_t sample = 0; sample < table.num_samples(); ++sample) {
    if (is_deep_enough(totals[sample], options)) {
      kept.push_back(sample);
    } else {
      result.dropped_samples.push_back(table.sample_ids[sample]);
    }
  }
  if (kept.empty()) fail_too_shallow(totals, options);
  CountTable drawn = select_samples(table, kept);
  at::parallel_for(0, drawn.num_samples(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t sample = begin; sample < end; ++sample) {
      const auto draw = rarefy_counts(counts_of(drawn, sample), drawn.sample_ids[sample], options);
      std::copy(draw.begin(), draw.end(), drawn.values.begin() + drawn.indptr[sample]);
    }
  });
  // Also removes the entries that are zero now.
  result.table = drop_empty_features(drawn);
  return result;
}

std::vector<double> sample_totals(const CountTable& table) {
  std::vector<double> totals;
  totals.reserve(table.sample_ids.size());
  for (int64_t sample = 0; sample < table.num_samples(); ++sample) {
    const auto counts = counts_of(table, sample);
    totals.push_back(std::accumulate(counts.begin(), counts.end(), 0.0));
  }
  return totals;
}

CountTable select_samples(const CountTable& table, std::span<const int64_t> samples) {
  CountTable out;
  out.feature_ids = table.feature_ids;
  for (const int64_t sample : samples) {
    if (sample < 0 || sample >= table.num_samples()) {
      throw ArgumentError("sample " + std::to_string(sample) + " is out of range for a table of " +
                          std::to_string(table.num_samples()) + " samples");
    }
    out.sample_ids.push_back(table.sample_ids[sample]);
    const int64_t first = table.indptr[sample], last = table.indptr[sample + 1];
    out.indices.insert(out.indices.end(), table.indices.begin() + first, table.indices.begin() + last);
    out.values.insert(out.values.end(), table.values.begin() + first, table.values.begin() + last);
    out.indptr.push_back(out.num_entries());
  }
  return out;
}

CountTable select_features(const CountTable& table, const std::vector<bool>& keep) {
  if (keep.size() != table.feature_ids.size()) {
    throw ArgumentError("select_features needs a choice for each of " + std::to_string(table.num_features()) +
                        " features, got " + std::to_string(keep.size()));
  }
  CountTable out;
  out.sample_ids = table.sample_ids;
  std::vector<int64_t> renumbered(keep.size(), -1);
  for (size_t feature = 0; feature < keep.size(); ++feature) {
    if (!keep[feature]) continue;
    renumbered[feature] = out.num_features();
    out.feature_ids.push_back(table.feature_ids[feature]);
  }
  for (int64_t sample = 0; sample < table.num_samples(); ++sample) {
    for (int64_t k = table.indptr[sample]; k < table.indptr[sample + 1]; ++k) {
      const int64_t feature = renumbered[table.indices[k]];
      if (feature < 0 || table.values[k] == 0) continue;
      out.indices.push_back(feature);
      out.values.push_back(table.values[k]);
    }
    out.indptr.push_back(out.num_entries());
  }
  return out;
}

CountTable drop_empty_features(const CountTable& table) {
  std::vector<bool> keep(table.feature_ids.size(), false);
  for (size_t k = 0; k < table.indices.size(); ++k) {
    if (table.values[k] > 0) keep[table.indices[k]] = true;
  }
  return select_features(table, keep);
}

}  // namespace deepbio::community
