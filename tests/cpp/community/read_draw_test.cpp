#include "deepbio/community/read_draw.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "catch.h"

using namespace deepbio;
using namespace deepbio::community;

namespace {

using Counts = std::vector<double>;

// Differences of lgamma lose their digits when n is large.
double log_choose(double n, double k) {
  k = std::min(k, n - k);
  if (k > 5000) return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
  double sum = 0;
  for (double j = 0; j < k; ++j) sum += std::log((n - j) / (j + 1));
  return sum;
}

double hypergeometric_probability(double total, double marked, double draws, double hits) {
  if (hits > marked || hits > draws || draws - hits > total - marked) return 0;
  return std::exp(log_choose(marked, hits) + log_choose(total - marked, draws - hits) -
                  log_choose(total, draws));
}

double binomial_probability(double total, double marked, double draws, double hits) {
  const double p = marked / total;
  return std::exp(log_choose(draws, hits) + hits * std::log(p) + (draws - hits) * std::log1p(-p));
}

// Pearson's statistic of outcomes against their probabilities, those expected fewer than 5 times
// taken together.
template <class Outcome, class Probability>
void require_fit(const std::map<Outcome, int>& seen, int num_draws,
                 const Probability& probability) {
  double statistic = 0, rest_expected = num_draws, rest_seen = num_draws;
  int cells = 0;
  for (const auto& [outcome, times] : seen) {
    const double expected = probability(outcome) * num_draws;
    CATCH_REQUIRE(expected > 0);
    if (expected < 5) continue;
    statistic += (times - expected) * (times - expected) / expected;
    rest_expected -= expected;
    rest_seen -= times;
    ++cells;
  }
  if (rest_expected >= 1)
    statistic += (rest_seen - rest_expected) * (rest_seen - rest_expected) / rest_expected;
  CATCH_CAPTURE(statistic, cells, rest_expected, rest_seen);
  CATCH_REQUIRE(cells > 0);
  CATCH_REQUIRE(std::abs(rest_seen - rest_expected) <= 5 * std::sqrt(std::max(rest_expected, 1.0)));
  CATCH_REQUIRE(statistic <= cells + 5 * std::sqrt(2.0 * cells) + 3);
}

Counts drawn(const Counts& counts, uint64_t draws, uint64_t epoch, bool with_replacement = false) {
  CounterRandom random(5, epoch, 77, Purpose::kRarefaction);
  const auto total = static_cast<uint64_t>(std::accumulate(counts.begin(), counts.end(), 0.0));
  Counts hits(counts.size(), -1);
  ReadDrawer drawer;
  if (with_replacement) {
    drawer.with_replacement(counts, total, draws, random, hits);
  } else {
    drawer.without_replacement(counts, total, draws, random, hits);
  }
  return hits;
}

// Each feature's hits, and those of the first half of the features together, against the
// hypergeometric distribution.
void require_hypergeometric(const Counts& counts, uint64_t draws, int num_draws = 20000) {
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  const size_t half = (counts.size() + 1) / 2;
  std::vector<std::map<double, int>> seen(counts.size());
  std::map<double, int> seen_half;
  for (int k = 0; k < num_draws; ++k) {
    const Counts hits = drawn(counts, draws, static_cast<uint64_t>(k));
    CATCH_REQUIRE(std::accumulate(hits.begin(), hits.end(), 0.0) == static_cast<double>(draws));
    for (size_t f = 0; f < counts.size(); ++f) {
      CATCH_REQUIRE((hits[f] >= 0 && hits[f] <= counts[f]));
      ++seen[f][hits[f]];
    }
    ++seen_half[std::accumulate(hits.begin(), hits.begin() + static_cast<int64_t>(half), 0.0)];
  }
  const auto fits = [&](double marked) {
    return [&, marked](double hits) {
      return hypergeometric_probability(total, marked, static_cast<double>(draws), hits);
    };
  };
  for (size_t f = 0; f < counts.size(); ++f) {
    CATCH_CAPTURE(f, counts[f], draws);
    require_fit(seen[f], num_draws, fits(counts[f]));
  }
  require_fit(seen_half, num_draws,
              fits(std::accumulate(counts.begin(), counts.begin() + int64_t(half), 0.0)));
}

}  // namespace

CATCH_TEST_CASE(
    "hypergeometric and binomial draws have their distributions for every branch of the algorithm",
    "[read_draw]") {
  struct Case {
    uint64_t total, marked, draws;
  };
  constexpr int kDraws = 20000;
  for (const Case& c :
       {Case{10, 4, 3}, Case{1000, 30, 20}, Case{1000, 400, 300}, Case{1000, 900, 950},
        Case{100000, 20000, 700}, Case{5000, 60, 4000}, Case{7, 7, 5}, Case{30, 0, 5}}) {
    CATCH_CAPTURE(c.total, c.marked, c.draws);
    const auto all = static_cast<double>(c.total), marked = static_cast<double>(c.marked),
               draws = static_cast<double>(c.draws);
    CounterRandom random(1, 2, 3, Purpose::kRarefaction);
    std::map<double, int> without, with;
    for (int k = 0; k < kDraws; ++k) {
      ++without[static_cast<double>(hypergeometric(c.total, c.marked, c.draws, random))];
      ++with[static_cast<double>(binomial(c.total, c.marked, c.draws, random))];
    }
    require_fit(without, kDraws,
                [&](double hits) { return hypergeometric_probability(all, marked, draws, hits); });
    if (c.marked == 0 || c.marked == c.total) {
      CATCH_REQUIRE(with == std::map<double, int>{{c.marked == 0 ? 0 : draws, kDraws}});
    } else {
      require_fit(with, kDraws,
                  [&](double hits) { return binomial_probability(all, marked, draws, hits); });
    }
  }
}

CATCH_TEST_CASE("all outcomes of a small draw are as likely as counting says", "[read_draw]") {
  const Counts counts{2, 3, 1, 2};
  for (const uint64_t draws : {1, 3, 4, 6}) {  // 6 of 8: those that stay behind are drawn
    std::map<Counts, int> seen;
    constexpr int kDraws = 40000;
    for (int k = 0; k < kDraws; ++k) ++seen[drawn(counts, draws, static_cast<uint64_t>(k))];
    double covered = 0;
    const auto probability = [&](const Counts& hits) {
      double log_ways = -log_choose(8, static_cast<double>(draws));
      for (size_t f = 0; f < counts.size(); ++f) log_ways += log_choose(counts[f], hits[f]);
      return std::exp(log_ways);
    };
    for (const auto& [hits, times] : seen) covered += probability(hits);
    CATCH_REQUIRE(covered == Approx(1));  // every outcome came up
    require_fit(seen, kDraws, probability);
  }
}

CATCH_TEST_CASE(
    "features with few hits, with many and both kinds together have the exact distribution",
    "[read_draw]") {
  require_hypergeometric({3, 0, 17, 1, 29, 64, 5, 130, 2}, 60);  // all by bits
  require_hypergeometric({3, 0, 17, 1, 29, 64, 5, 130, 2},
                         200);  // by the bits of those that stay behind
  require_hypergeometric({5000, 3, 2, 100, 0, 40, 900}, 200);  // the first by itself
  require_hypergeometric({5000, 3, 2, 100, 4000, 40, 900}, 9000,
                         10000);  // several by themselves, most are drawn
  require_hypergeometric({1e12, 5e11, 7e11, 1e10, 4e11, 1e12}, 130);  // too many reads for bits
  require_hypergeometric({3e12, 40, 5e11, 1000}, 2000, 5000);  // one by itself, too many for bits
  require_hypergeometric({6400, 6400, 1}, 12800, 5000);        // one read stays behind
}

CATCH_TEST_CASE("features drawn together are no more and no less alike than reads of one pool",
                "[read_draw]") {
  // The covariance of two features is -n (a/N) (b/N) (N - n) / (N - 1).
  const Counts counts{5000, 300, 200, 4000, 250};
  const double total = 9750, n = 300;
  constexpr int kDraws = 40000;
  std::vector<double> sum(5, 0.0), products(25, 0.0);
  for (int k = 0; k < kDraws; ++k) {
    const Counts hits = drawn(counts, 300, static_cast<uint64_t>(k));
    for (size_t a = 0; a < 5; ++a) {
      sum[a] += hits[a];
      for (size_t b = 0; b < 5; ++b) products[a * 5 + b] += hits[a] * hits[b];
    }
  }
  const auto variance = [&](double own) {
    return n * own / total * (1 - own / total) * (total - n) / (total - 1);
  };
  for (size_t a = 0; a < 5; ++a) {
    for (size_t b = 0; b < a; ++b) {
      const double expected =
          -n * counts[a] * counts[b] / total / total * (total - n) / (total - 1);
      const double found = products[a * 5 + b] / kDraws - sum[a] / kDraws * sum[b] / kDraws;
      const double error =
          std::sqrt((variance(counts[a]) * variance(counts[b]) + expected * expected) / kDraws);
      CATCH_CAPTURE(a, b, expected, found, error);
      CATCH_REQUIRE(std::abs(found - expected) <= 5 * error);
    }
  }
}

CATCH_TEST_CASE("draws with replacement have the multinomial distribution", "[read_draw]") {
  const Counts counts{2, 0, 3, 1};
  std::map<Counts, int> seen;
  constexpr int kDraws = 40000;
  for (int k = 0; k < kDraws; ++k) ++seen[drawn(counts, 5, static_cast<uint64_t>(k), true)];
  require_fit(seen, kDraws, [&](const Counts& hits) {
    double log_probability = std::lgamma(6.0);
    for (size_t f = 0; f < counts.size(); ++f) {
      if (counts[f] == 0) CATCH_REQUIRE(hits[f] == 0);
      if (counts[f] > 0)
        log_probability += hits[f] * std::log(counts[f] / 6) - std::lgamma(hits[f] + 1);
    }
    return std::exp(log_probability);
  });
}

CATCH_TEST_CASE(
    "nothing and everything can be drawn, and scratch memory of one sample does not reach the next",
    "[read_draw]") {
  const Counts counts{4, 0, 700, 3};
  CATCH_REQUIRE(drawn(counts, 0, 0) == Counts{0, 0, 0, 0});
  CATCH_REQUIRE(drawn(counts, 707, 0) == counts);
  CATCH_REQUIRE(drawn({}, 0, 0).empty());
  ReadDrawer drawer;
  Counts hits(4), again(4);
  CounterRandom first(1, 1, 1, Purpose::kRarefaction), second(1, 1, 1, Purpose::kRarefaction);
  drawer.without_replacement(counts, 707, 50, first, hits);
  Counts other(100, 30), other_hits(100);
  drawer.without_replacement(other, 3000, 1000, first, other_hits);
  drawer.without_replacement(counts, 707, 50, second, again);
  CATCH_REQUIRE(again == hits);
}
