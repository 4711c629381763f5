// Each metric is a function of the counts above 0 of one sample; a row of kAlphaMetrics gives it a
// name. The table never holds zeros, so the number of counts is the number of features seen.
#include "deepbio/community/alpha_diversity.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/text.h"

namespace deepbio::community {
namespace {

using Counts = std::span<const double>;
constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
constexpr double kRareReads = 10;  // ACE's threshold, as everywhere

double total_of(Counts counts) { return std::accumulate(counts.begin(), counts.end(), 0.0); }

// Features with `reads` reads.
double number_with(Counts counts, double reads) {
  return static_cast<double>(std::count(counts.begin(), counts.end(), reads));
}

double observed(Counts counts, const AlphaOptions&) { return static_cast<double>(counts.size()); }

double entropy(Counts counts) {
  const double total = total_of(counts);
  double sum = 0;
  for (const double count : counts) sum -= count / total * std::log(count / total);
  return std::max(sum, 0.0);  // of one feature: not -0
}

double shannon(Counts counts, const AlphaOptions& options) {
  return counts.empty() ? kUndefined : entropy(counts) / std::log(options.shannon_base);
}

double dominance(Counts counts) {
  const double total = total_of(counts);
  double sum = 0;
  for (const double count : counts) sum += count / total * (count / total);
  return sum;
}

double simpson(Counts counts, const AlphaOptions&) {
  return counts.empty() ? kUndefined : 1 - dominance(counts);
}

double inverse_simpson(Counts counts, const AlphaOptions&) {
  return counts.empty() ? kUndefined : 1 / dominance(counts);
}

double pielou(Counts counts, const AlphaOptions&) {
  // Of one feature ln S is 0 as well, and 0 / 0 is no evenness.
  return counts.size() < 2 ? kUndefined
                           : entropy(counts) / std::log(static_cast<double>(counts.size()));
}

double berger_parker(Counts counts, const AlphaOptions&) {
  return counts.empty() ? kUndefined
                        : *std::max_element(counts.begin(), counts.end()) / total_of(counts);
}

double goods_coverage(Counts counts, const AlphaOptions&) {
  return counts.empty() ? kUndefined : 1 - number_with(counts, 1) / total_of(counts);
}

// The bias-corrected form everywhere: f_1^2 / (2 f_2) is infinite without doubletons.
double chao1(Counts counts, const AlphaOptions&) {
  const double singles = number_with(counts, 1), doubles = number_with(counts, 2);
  return static_cast<double>(counts.size()) + singles * (singles - 1) / (2 * (doubles + 1));
}

double ace(Counts counts, const AlphaOptions&) {
  double num_rare = 0, reads_of_rare = 0, pairs_of_rare = 0;
  for (const double count : counts) {
    if (count > kRareReads) continue;
    ++num_rare;
    reads_of_rare += count;
    pairs_of_rare += count * (count - 1);
  }
  const double num_abundant = static_cast<double>(counts.size()) - num_rare,
               singles = number_with(counts, 1);
  if (num_rare == 0) return num_abundant;
  // Coverage would be 0: from singletons alone nothing can be said of what was not seen.
  if (singles == num_rare) return kUndefined;
  const double coverage = 1 - singles / reads_of_rare;
  // gamma^2 of Chao & Lee (1992), of the rare features: their reads in pairs against what features
  // of equal abundance would have. From one rare read alone nothing can be paired, but a feature of
  // one read is a singleton, and that case has returned above.
  const double variation =
      num_rare * pairs_of_rare / (coverage * reads_of_rare * (reads_of_rare - 1)) - 1;
  // The squared coefficient of variation is an estimate and may fall below 0, where Chao & Lee take
  // 0.
  return num_abundant + num_rare / coverage + singles / coverage * std::max(variation, 0.0);
}

struct AlphaMetric {
  std::string_view name;
  double (*value)(Counts, const AlphaOptions&);
  bool needs_whole_numbers;
};
constexpr std::array<AlphaMetric, 9> kAlphaMetrics{{{"observed_features", observed, false},
                                                    {"shannon", shannon, false},
                                                    {"simpson", simpson, false},
                                                    {"inverse_simpson", inverse_simpson, false},
                                                    {"pielou_evenness", pielou, false},
                                                    {"berger_parker", berger_parker, false},
                                                    {"goods_coverage", goods_coverage, true},
                                                    {"chao1", chao1, true},
                                                    {"ace", ace, true}}};

const AlphaMetric& metric_of(std::string_view name) {
  const auto found = std::find_if(kAlphaMetrics.begin(), kAlphaMetrics.end(),
                                  [&](const auto& m) { return m.name == name; });
  if (found != kAlphaMetrics.end()) return *found;
  const std::vector<std::string> names = alpha_metrics();
  std::string known;
  for (const std::string& each : names) known += (known.empty() ? "" : ", ") + each;
  const std::string near = nearest_name(name, names);
  throw ArgumentError(
      "unknown metric " + quoted(name) +
      (near.empty() ? "; known: " : "; did you mean " + quoted(near) + "? Known: ") + known);
}

// Relative abundances have no singletons: they would give a number, and a wrong one.
void check_whole(Counts counts, const AlphaMetric& metric) {
  if (!metric.needs_whole_numbers) return;
  const auto part = std::find_if(counts.begin(), counts.end(),
                                 [](double count) { return count != std::floor(count); });
  if (part == counts.end()) return;
  throw ArgumentError(std::string(metric.name) +
                      " counts features of few reads and needs whole numbers, got " +
                      io::number_text(*part));
}

void check_base(const AlphaOptions& options) {
  if (options.shannon_base > 0 && options.shannon_base != 1 && std::isfinite(options.shannon_base))
    return;
  throw ArgumentError("base: expected a number above 0 that is not 1, got " +
                      io::number_text(options.shannon_base));
}

}  // namespace

void check_alpha_metric(std::string_view name) { metric_of(name); }

std::vector<std::string> alpha_metrics() {
  std::vector<std::string> names;
  for (const AlphaMetric& metric : kAlphaMetrics) names.emplace_back(metric.name);
  return names;
}

void check_alpha_or_faith(std::string_view metric) {
  if (metric == "faith_pd") return;
  try {
    check_alpha_metric(metric);
  } catch (const ArgumentError& error) {
    throw ArgumentError(std::string(error.what()) + "; with a tree: faith_pd");
  }
}

void check_alpha_tree(std::string_view metric, bool has_tree) {
  if (metric == "faith_pd" && !has_tree) throw ArgumentError("`metric=faith_pd` needs `tree`");
  if (metric != "faith_pd" && has_tree) {
    throw ArgumentError("`tree` belongs to `metric=faith_pd`, got `metric=" + std::string(metric) +
                        "`");
  }
}

double alpha_diversity(Counts counts, std::string_view metric, const AlphaOptions& options) {
  const AlphaMetric& chosen = metric_of(metric);
  check_base(options);
  check_whole(counts, chosen);
  return chosen.value(counts, options);
}

at::Tensor alpha_diversity(const CountTable& table, std::string_view metric,
                           const AlphaOptions& options) {
  const AlphaMetric& chosen = metric_of(metric);
  check_base(options);
  at::Tensor out = at::empty({table.num_samples()}, at::kDouble);
  double* values = out.mutable_data_ptr<double>();
  for (int64_t sample = 0; sample < table.num_samples(); ++sample) {
    const Counts counts =
        Counts(table.values)
            .subspan(table.indptr[sample], table.indptr[sample + 1] - table.indptr[sample]);
    // Checked here, where the sample has a name.
    try {
      check_whole(counts, chosen);
    } catch (const ArgumentError& error) {
      throw ArgumentError("sample " + quoted(table.sample_ids[sample]) + ": " + error.what());
    }
    values[sample] = chosen.value(counts, options);
  }
  return out;
}

}  // namespace deepbio::community
