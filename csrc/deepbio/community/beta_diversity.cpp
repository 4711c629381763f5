// A table is mostly zeros, and a pair of samples is described by the features that both have: sum
// |a - b| = sum a + sum b - 2 sum min(a, b). So the matrix is filled feature by feature, below the
// diagonal only, and mirrored at the end: a sum that is made once is symmetric to the last bit.
#include "deepbio/community/beta_diversity.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"
#include "deepbio/community/compositions.h"
#include "deepbio/community/euclidean.h"

namespace deepbio::community {
namespace {

constexpr std::array<std::pair<std::string_view, BetaMetric>, 6> kBetaMetrics{{
    {"braycurtis", BetaMetric::kBrayCurtis},
    {"jaccard", BetaMetric::kJaccard},
    {"aitchison", BetaMetric::kAitchison},
    {"robust_aitchison", BetaMetric::kRobustAitchison},
    {"hellinger", BetaMetric::kHellinger},
    {"euclidean", BetaMetric::kEuclidean},
}};

// Row i of the result from the sum over shared features of the smaller value, for the samples in
// front of i.
template <class Distance>
void fill_shared(const CountTable& table, const std::vector<double>& values, double* out,
                 const Distance& distance) {
  const ByFeature columns = by_feature(table, values);
  const int64_t n = table.num_samples();
  std::vector<double> total(static_cast<size_t>(n), 0.0);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = table.indptr[i]; k < table.indptr[i + 1]; ++k) total[i] += values[k];
  }
  at::parallel_for(0, n, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      double* row = out + i * n;  // zeros: holds the sums first
      for (int64_t k = table.indptr[i]; k < table.indptr[i + 1]; ++k) {
        const int64_t feature = table.indices[k];
        // No bound on `slot`: sample i itself is in the list of its feature, and ends the loop.
        for (int64_t slot = columns.indptr[feature]; columns.sample[slot] < i; ++slot) {
          row[columns.sample[slot]] += std::min(values[k], columns.value[slot]);
        }
      }
      for (int64_t j = 0; j < i; ++j) row[j] = distance(row[j], total[i], total[j]);
    }
  });
}

// Not below 0: 2 shared / (a + b) may round above 1. Two empty samples are alike, at 0.
double bray_curtis(double shared, double a, double b) {
  return a + b > 0 ? std::max(0.0, 1 - 2 * shared / (a + b)) : 0;
}

double jaccard(double shared, double a, double b) {
  return a + b > 0 ? 1 - shared / (a + b - shared) : 0;
}

// ln(1 + x / c) of counts: most are small whole numbers, whose logarithms are made once.
class CountLogs {
 public:
  explicit CountLogs(double pseudocount) : pseudocount_(pseudocount) {
    for (int count = 0; count < kSmall; ++count) small_[count] = std::log1p(count / pseudocount);
  }
  double operator()(double count) const {
    // The smaller of both first: a count above 2^63 does not fit an int64_t, and converting it
    // would be undefined.
    const auto whole = static_cast<int64_t>(std::min(count, static_cast<double>(kSmall)));
    const bool is_small = whole < kSmall && static_cast<double>(whole) == count;
    return is_small ? small_[whole] : std::log1p(count / pseudocount_);
  }

 private:
  static constexpr int kSmall = 4096;
  double pseudocount_;
  std::array<double, kSmall> small_{};
};

// y = ln(x + c) - ln c is zero where there are no reads; each row less its mean is the centred
// log-ratio.
void fill_aitchison(const CountTable& table, double pseudocount, const at::Tensor& out) {
  // On the heap: 32 KB are much for the stack of a thread.
  const auto logs = std::make_unique<CountLogs>(pseudocount);
  std::vector<double> y(table.values.size()), mean(static_cast<size_t>(table.num_samples()), 0.0);
  at::parallel_for(0, table.num_samples(), 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t k = table.indptr[i]; k < table.indptr[i + 1]; ++k) {
        y[k] = (*logs)(table.values[k]);
        mean[i] += y[k];
      }
      // Over all F features, also those without reads, whose y is 0. F is 0 only without entries.
      mean[i] /= std::max(static_cast<double>(table.num_features()), 1.0);
    }
  });
  fill_euclidean(table, y, mean, out);
}

// In tiles: a column of the upper half is N numbers apart, and would miss the cache at each of
// them.
void mirror(double* values, int64_t n) {
  constexpr int64_t kTile = 64;
  for (int64_t i0 = 0; i0 < n; i0 += kTile) {
    for (int64_t j0 = 0; j0 <= i0; j0 += kTile) {
      for (int64_t i = i0; i < std::min(n, i0 + kTile); ++i) {
        for (int64_t j = j0; j < std::min(i, j0 + kTile); ++j)
          values[j * n + i] = values[i * n + j];
      }
    }
  }
}

// "bray_curtis", "Bray-Curtis": the name that others write.
std::string without_joints(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c != '_' && c != '-' && c != ' ')
      out += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return out;
}

}  // namespace

std::string beta_metric_names() {
  std::string out;
  for (const auto& [name, metric] : kBetaMetrics)
    out += (out.empty() ? "" : ", ") + std::string(name);
  return out;
}

BetaMetric parse_beta_metric(std::string_view name) {
  const std::string plain = without_joints(name);
  std::vector<std::string> names;
  for (const auto& [known, metric] : kBetaMetrics) {
    if (without_joints(known) == plain) return metric;
    names.emplace_back(known);
  }
  const std::string near = nearest_name(name, names);
  throw ArgumentError(
      "unknown metric " + quoted(name) +
      (near.empty() ? "; known: " : "; did you mean " + quoted(near) + "? Known: ") +
      beta_metric_names());
}

bool is_beta_metric(std::string_view name) {
  const std::string plain = without_joints(name);
  return std::any_of(kBetaMetrics.begin(), kBetaMetrics.end(),
                     [&](const auto& item) { return without_joints(item.first) == plain; });
}

at::Tensor beta_diversity(const CountTable& table, const BetaOptions& options) {
  if (!(options.pseudocount > 0) || !std::isfinite(options.pseudocount)) {
    throw ArgumentError("pseudocount: expected a number above 0, got " +
                        (std::isfinite(options.pseudocount) ? Json(options.pseudocount).dump()
                                                            : std::to_string(options.pseudocount)));
  }
  const int64_t n = table.num_samples();
  at::Tensor out = at::zeros({n, n}, at::kDouble);
  double* values = out.mutable_data_ptr<double>();
  switch (options.metric) {
    case BetaMetric::kBrayCurtis:
      fill_shared(table, table.values, values, bray_curtis);
      break;
    case BetaMetric::kJaccard:
      fill_shared(table, std::vector<double>(table.values.size(), 1.0), values, jaccard);
      break;
    case BetaMetric::kAitchison:
      fill_aitchison(table, options.pseudocount, out);
      break;
    case BetaMetric::kRobustAitchison:
      fill_euclidean(table, robust_log_ratios(table), {}, out);
      break;
    case BetaMetric::kHellinger:
      fill_euclidean(table, root_shares(table), {}, out);
      break;
    case BetaMetric::kEuclidean:
      fill_euclidean(table, table.values, {}, out);
  }
  mirror(values, n);
  return out;
}

}  // namespace deepbio::community
